"""7moor (v7openapi.7moor.com): the answer report of display numbers, and dial-out tasks.

- `auth` the m7 signature; `payloads` what is sent and answered; `spans` how queries are cut
- `client` the interfaces; `source` the account's settings, and the feeds `answer-report` and
  `dialout-task`
- `mapper` a record as the Tally or Campaign that it becomes
"""

from connectors.vendors.sevenmoor.client import SevenmoorClient
from connectors.vendors.sevenmoor.mapper import map_answer_report, map_dialout_task
from connectors.vendors.sevenmoor.source import (
    AnswerReportSource,
    DialoutTaskSource,
    SevenmoorAccount,
)

__all__ = [
    "AnswerReportSource",
    "DialoutTaskSource",
    "SevenmoorAccount",
    "SevenmoorClient",
    "map_answer_report",
    "map_dialout_task",
]
