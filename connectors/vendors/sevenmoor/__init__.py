"""7moor (v7openapi.7moor.com): the answer report of display numbers, and dial-out tasks.

- `auth` the m7 signature; `payloads` what is sent and answered; `spans` how queries are cut
- `client` the interfaces; `source` the account's settings, and the feeds `answer-report` and
  `dialout-task`
- `mapper` a record as the Tally or Campaign that it becomes
"""

from connectors.vendors.listed import Listed
from connectors.vendors.sevenmoor.mapper import map_answer_report, map_dialout_task
from connectors.vendors.sevenmoor.probe import INTERFACES, probe
from connectors.vendors.sevenmoor.source import SevenmoorAccount

__all__ = ["LISTED"]

LISTED = Listed(
    SevenmoorAccount,
    {"answer-report": map_answer_report, "dialout-task": map_dialout_task},
    INTERFACES,
    probe,
)
