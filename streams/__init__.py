"""The streams: the Faust app and what it decides."""
