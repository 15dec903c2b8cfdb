"""7moor's records in the common vocabulary."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal, InvalidOperation

from connectors.vendors.reading import masked, read, read_extension, read_time, read_zone
from connectors.vendors.sevenmoor.payloads import AnswerRow, Task
from schemas.campaign import Campaign
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord
from schemas.tally import Tally

_ROUNDING = Decimal("0.01")
"""Two decimals are told, and whether they are rounded or cut is not."""


def map_answer_report(raw: RawRecord) -> list[Tally]:
    """Map one row of the answer report, with the extension `periodstart`, to a reading.

    Raises:
        InvalidRecord: it cannot be read, or its figures contradict each other.
    """
    row = read(AnswerRow, raw.data)
    _check(row)
    return [
        Tally(
            vendor=raw.vendor,
            account=raw.account,
            series=f"{raw.vendor}/{raw.account}/display_number/{row.number}",
            since=_period_start(raw),
            read_at=raw.observed_at,
            display_number=row.number,
            attempts=row.attempts,
            answered=row.answered,
        )
    ]


def map_dialout_task(raw: RawRecord) -> list[Campaign]:
    """Map one dial-out task, with the extension `timezone`, to what it is called and holds.

    Raises:
        InvalidRecord: it cannot be read.
    """
    task = read(Task, raw.data)
    zone = read_zone(raw, "timezone")
    return [
        Campaign(
            vendor=raw.vendor,
            account=raw.account,
            campaign=task.task_id,
            name=task.task_name,
            description=task.description or None,
            numbers_total=task.number_total,
            reps_total=task.agent_total,
            created_at=(
                read_time(task.create_time, zone, name="createTime") if task.create_time else None
            ),
            read_at=raw.observed_at,
        )
    ]


def _period_start(raw: RawRecord) -> datetime:
    text = read_extension(raw, "periodstart")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise InvalidRecord(
            f"ce_periodstart is {text!r}: not an ISO 8601 moment with its offset",
            code="bad-envelope",
        )
    return moment


def _check(row: AnswerRow) -> None:
    if row.answered > row.attempts:
        raise InvalidRecord(
            f"{row.answered} calls answered of {row.attempts} made",
            code="answered-exceeds-attempts",
        )
    if not row.answer_percentage or row.attempts == 0:
        return
    told = _percentage(row.answer_percentage)
    counted = Decimal(100 * row.answered) / row.attempts
    if told is None or abs(told - counted) > _ROUNDING:
        raise InvalidRecord(
            f"answerPercentage says {masked(row.answer_percentage)!r}, but {row.answered} of "
            f"{row.attempts} is {counted:.2f}%",
            code="percentage-mismatch",
        )


def _percentage(text: str) -> Decimal | None:
    try:
        value = Decimal(text.strip().removesuffix("%"))
    except InvalidOperation:
        return None
    return value if value.is_finite() else None
