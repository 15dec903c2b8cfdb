"""icsoc (autocall.icsoc.net): call detail records by search and by push.

- `auth` the OAuth token, kept on disk; `client` the search; `windows` which spans to search
- `signature`, `cipher`, `push` what an incoming push must satisfy
- `jsontext` the vendor's own JSON text, cut at exact bytes
- `payloads`, `mapper` a record in either form, and the Call that it becomes
- `source` the account's settings and the feed `cdr`
"""

from connectors.vendors.icsoc.mapper import map_cdr
from connectors.vendors.icsoc.probe import INTERFACES, probe
from connectors.vendors.icsoc.source import IcsocAccount
from connectors.vendors.listed import Listed

__all__ = ["LISTED"]

LISTED = Listed(IcsocAccount, {"cdr": map_cdr}, INTERFACES, probe)
