"""The error tree, told once: every error of callstreams says by its type what helps.

```
CallstreamsError
├── RetryableError      the same again, later, may succeed (time-out, 5xx, 429)
├── FatalError          only a person can mend it (credentials, permissions, a locked address)
│   └── ConfigError     the configuration is wrong; the text names the key and the mend
└── InvalidRecord       this one record is bad: dead letter, and on with the next
```
"""

from __future__ import annotations

from datetime import timedelta


class CallstreamsError(Exception):
    """Any error that callstreams raises on purpose. Its text names the mend."""


class RetryableError(CallstreamsError):
    """A fault that may pass by itself.

    Args:
        message: what happened, in words.
        retry_after: how long the other side asked to be left alone, where it said so.
    """

    def __init__(self, message: str, *, retry_after: timedelta | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class FatalError(CallstreamsError):
    """A fault that stays until a person mends it: the source stops and says so."""


class ConfigError(FatalError):
    """The configuration cannot be used; the text names the key and the mend."""


class InvalidRecord(CallstreamsError):  # noqa: N818 - the field calls it a record, not an error
    """One record that cannot be used.

    Args:
        reason: a sentence for the person who reads the dead letter.
        code: a short stable word to group by, such as `bad-json` or `ends-before-start`.
    """

    def __init__(self, reason: str, *, code: str = "invalid") -> None:
        super().__init__(reason)
        self.reason = reason
        self.code = code
