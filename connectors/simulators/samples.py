"""The samples that stand in the vendors' documents, as bytes.

They are verbatim but for one thing: the icsoc search sample carries a `//` comment in the
document (after `"extId": "1",`), which is left out because JSON has none.
"""

from __future__ import annotations

from pathlib import Path

_DATA = Path(__file__).parent / "data"


def _read(name: str) -> bytes:
    return (_DATA / f"{name}.json").read_bytes()


SEVENMOOR_REPORT_ANSWER = _read("sevenmoor_report_answer")
SEVENMOOR_TASK_GET_ANSWER = _read("sevenmoor_task_get_answer")
HUAWEI_STATISTICS_ANSWER = _read("huawei_statistics_answer")
HUAWEI_MISSED_CALLS_ANSWER = _read("huawei_missed_calls_answer")
ICSOC_SEARCH_ANSWER = _read("icsoc_search_answer")
ICSOC_PUSH_PLAIN = _read("icsoc_push_plain")
ICSOC_PUSH_ENCRYPTED = _read("icsoc_push_encrypted")
ICSOC_PUSH_ENCRYPTED_KEY = b"12345678901234567890123456789012"
"""What `ICSOC_PUSH_ENCRYPTED` decrypts with: to another product's record, not to a CDR."""
