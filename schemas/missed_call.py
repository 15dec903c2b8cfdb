"""An inbound call that nobody answered: somebody to call back."""

from __future__ import annotations

from pydantic import Field

from schemas.base import Message, Moment, Vendor


class MissedCall(Message):
    """One missed inbound call (未接来电). Topic `missed-calls`, keyed `vendor/account/call_id`.

    Attributes:
        queue: where the caller waited: the called number at Huawei.
        waited_from: when the caller began to wait.
        ended_at: when the caller gave up.
        wait_seconds: how long the caller waited.
        media: the vendor's media label, where it is stable, such as `voice` or `web chat`.
    """

    vendor: Vendor
    account: str
    call_id: str = Field(min_length=1)
    caller: str | None = None
    callee: str | None = None
    queue: str | None = None
    waited_from: Moment | None = None
    ended_at: Moment
    wait_seconds: int | None = Field(default=None, ge=0)
    media: str | None = None

    @property
    def key(self) -> bytes:
        """Give the Kafka key."""
        return f"{self.vendor}/{self.account}/{self.call_id}".encode()
