"""From an icsoc call detail record, searched or pushed, to a Call."""

from __future__ import annotations

from datetime import datetime

from pydantic import ValidationError

from connectors.vendors.icsoc.payloads import Cdr
from schemas.base import Vendor
from schemas.call import Call, Direction, HungUpBy, Outcome
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord

_OUTCOMES = {"0": Outcome.UNANSWERED, "1": Outcome.ABANDONED, "2": Outcome.CONNECTED}
_CUSTOMER = "11"
_REP = "12"


def map_cdr(raw: RawRecord) -> list[Call]:
    """Map one record, in either form, to one Call.

    Source: icsoc-cdr.txt, 1.3 (search) and 2.2 (push); where its tables and its samples
    differ, both are read.

    Raises:
        InvalidRecord: `not-a-cdr`, `unknown-callresult`, `ends-before-start`, `out-of-order`.
    """
    cdr = _read(raw.data)
    outcome = _OUTCOMES.get(cdr.callresult or "")
    if outcome is None:
        raise InvalidRecord(
            f"callresult is {(cdr.callresult or '')[:20]!r}; known are 0, 1 and 2",
            code="unknown-callresult",
        )
    if cdr.started_at and cdr.ended_at and cdr.ended_at < cdr.started_at:
        raise InvalidRecord(
            f"the call ends at {cdr.ended_at.isoformat()}, "
            f"before it starts at {cdr.started_at.isoformat()}",
            code="ends-before-start",
        )
    connected_at = _connected_at(cdr, outcome)
    answered = outcome is not Outcome.UNANSWERED
    try:
        call = Call(
            vendor=Vendor.ICSOC,
            account=raw.account,
            call_id=cdr.call_id,
            direction=Direction.OUTBOUND,
            outcome=outcome,
            caller=cdr.caller,
            callee=cdr.called,
            display_number=cdr.caller,
            campaign=_campaign(cdr),
            queue=cdr.call_vars.queue,
            rep=cdr.rep,
            region=cdr.region,
            carrier=cdr.carrier,
            started_at=cdr.started_at,
            ringing_at=cdr.ringing_at,
            answered_at=cdr.answered_at,
            connected_at=connected_at,
            ended_at=cdr.ended_at,
            ring_seconds=_seconds(cdr.ringing_at, cdr.answered_at or cdr.ended_at),
            wait_seconds=_seconds(cdr.answered_at, connected_at or cdr.ended_at)
            if answered
            else None,
            talk_seconds=cdr.link_seconds,
            hung_up_by=_hung_up_by(cdr.endresult, answered=answered),
        )
    except ValidationError as error:
        raise InvalidRecord(_told(error), code="out-of-order") from None
    return [call]


def _read(data: bytes) -> Cdr:
    try:
        return Cdr.model_validate_json(data)
    except ValidationError as error:
        raise InvalidRecord(
            f"not a call detail record of icsoc: {_told(error)}", code="not-a-cdr"
        ) from None


def _told(error: ValidationError) -> str:
    """Say what is wrong without the values: they may hold phone numbers.

    For the same reason the error itself is not chained: a traceback would print it.
    """
    details = error.errors(include_url=False, include_input=False, include_context=False)
    return "; ".join(
        ": ".join(filter(None, (".".join(map(str, detail["loc"])), detail["msg"])))
        for detail in details
    )


def _campaign(cdr: Cdr) -> str | None:
    """Name the campaign `project/task`; a task without its project names nothing."""
    project = cdr.project or cdr.user_data.project or cdr.call_vars.project
    task = cdr.task or cdr.user_data.task
    if project is None or task is None:
        return project
    return f"{project}/{task}"


def _connected_at(cdr: Cdr, outcome: Outcome) -> datetime | None:
    if outcome is not Outcome.CONNECTED:
        return None
    return cdr.linked_at or cdr.rep_answered_at


def _seconds(start: datetime | None, end: datetime | None) -> int | None:
    """Measure from start to end; None where a moment is missing or the two contradict."""
    if start is None or end is None or end < start:
        return None
    return int((end - start).total_seconds())


def _hung_up_by(endresult: str | None, *, answered: bool) -> HungUpBy | None:
    """Tell who hung up. 12 stands on unanswered calls too, where no rep could have."""
    if endresult == _CUSTOMER:
        return HungUpBy.CUSTOMER
    if endresult == _REP and answered:
        return HungUpBy.REP
    return None
