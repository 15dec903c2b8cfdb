"""The vendors' protocols, one package each; `registry` is where they are listed."""
