"""The vendors' servers as their documents describe them, for the demo and the tests.

Written from the documents and not from our clients, so that the two check each other.

- `scenario` what a made-up call centre looks like; `generator` the calls that it makes
- `sevenmoor`, `huawei`, `icsoc` one HTTP server a vendor; `pusher` icsoc's CDR push
- `faults` what a test can make go wrong; `truth` what the right counts are
- `samples` the documents' own samples, as bytes
- `simulation` all of it together: start here
"""
