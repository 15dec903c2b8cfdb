"""What kind of reason a source gives, so that the page can say it in its reader's language.

Pollers and ingress tell in an English sentence why a source is degraded or stopped, with its mend;
the sentence stays the detail. A kind that is not known here is shown as it was told.
"""

from __future__ import annotations

import re
from typing import Literal, get_args

ReasonCode = Literal[
    "no-push",
    "signature",
    "push-refused",
    "timeout",
    "unreachable",
    "clock",
    "throttled",
    "token-quota",
    "denied",
    "locked",
    "vendor-fault",
    "kafka",
    "taken-over",
    "fault",
    "unreadable",
    "refused",
]

CODES: tuple[ReasonCode, ...] = get_args(ReasonCode)

_PATTERNS: tuple[tuple[ReasonCode, str], ...] = (
    # in this order: the first that fits
    ("no-push", r"^no push has come yet"),
    ("signature", r"^pushes refused: .*the signature does not match"),
    ("push-refused", r"^pushes refused: "),
    ("timeout", r"did not answer in time"),
    ("unreachable", r"^the connection to .* broke"),
    ("clock", r"^our clock is "),
    ("throttled", r" answered 429\b"),
    ("token-quota", r"tokens were asked for in 24 hours"),
    ("denied", r" answered 401\b|refused the log-in"),
    ("locked", r" answered 403\b"),
    ("vendor-fault", r" answered 5\d\d\b"),
    ("kafka", r"\bKafka\b"),
    ("taken-over", r"another process has taken this source over"),
    ("fault", r"a fault of ours"),
    ("unreadable", r"document does not know|cannot be read: |answered without|undocumented"),
    ("refused", r" answered 4\d\d\b|did not succeed|refused the search"),
)


def reason_code(reason: str | None) -> ReasonCode | None:
    """Tell what kind a reason is; None where there is none, or it is of no kind known here."""
    if reason is None:
        return None
    return next((code for code, pattern in _PATTERNS if re.search(pattern, reason)), None)
