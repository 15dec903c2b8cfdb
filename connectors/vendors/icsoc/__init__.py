"""icsoc (autocall.icsoc.net): call detail records by search and by push.

- `auth` the OAuth token, kept on disk; `client` the search; `windows` which spans to search
- `signature`, `cipher`, `push` what an incoming push must satisfy
- `jsontext` the vendor's own JSON text, cut at exact bytes
- `payloads`, `mapper` a record in either form, and the Call that it becomes
- `source` the account's settings and the feed `cdr`
"""
