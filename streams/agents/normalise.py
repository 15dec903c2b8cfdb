"""Normalise: a vendor's record into the vocabulary, or into a dead letter."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import ValidationError

from connectors import tracing
from connectors.vendors.listed import Mapper
from schemas import topics
from schemas.base import Message
from schemas.call import Call
from schemas.campaign import Campaign
from schemas.envelope import read_envelope
from schemas.errors import InvalidRecord
from schemas.missed_call import MissedCall
from schemas.tally import Tally
from streams.core.refuse import refuse
from streams.core.step import Batch, Effects, Output, Record

_TOPIC_OF: Mapping[type[Message], str] = {
    Call: topics.CALLS.name,
    Tally: topics.TALLIES.name,
    MissedCall: topics.MISSED_CALLS.name,
    Campaign: topics.CAMPAIGNS.name,
}


class Normaliser:
    """The step from raw topics to the vocabulary. It keeps no state.

    A record that is normalised twice gives the same messages under the same keys; the counters
    know them for copies.

    Args:
        mappers: the vendor's mapper by raw topic.
    """

    def __init__(self, mappers: Mapping[str, Mapper]) -> None:
        self._mappers = mappers

    def forget(self, partition: int) -> None:
        """Do nothing: there is no state."""

    def restore(self, partition: int, key: bytes, value: bytes | None) -> None:
        """Do nothing: there is no state."""

    def fold(self, batch: Batch) -> Effects:
        """Map each record of a batch."""
        mapper = self._mappers[batch.topic]
        effects = Effects()
        for record in batch.records:
            try:
                messages = mapper(read_envelope(record.headers, record.value))
            except InvalidRecord as error:
                effects.outputs.append(_letter(batch, record, error.code, error.reason))
            except ValidationError as error:
                effects.outputs.append(_letter(batch, record, "bad-value", _reason(error)))
            else:
                origin = f"{batch.topic}/{batch.partition}/{record.offset}".encode()
                trace = tracing.carried(record.headers)
                headers = [("origin", origin)]
                if trace is not None:
                    headers.append((tracing.HEADER, trace))
                effects.outputs.extend(
                    Output(
                        _TOPIC_OF[type(message)],
                        message.key,  # type: ignore[attr-defined]
                        message.to_json(),
                        headers,
                        record.timestamp,
                    )
                    for message in messages
                )
        return effects


def _letter(batch: Batch, record: Record, code: str, reason: str) -> Output:
    return refuse(topics.DEAD_LETTERS.name, "normalise", batch, record, code, reason)


def _reason(error: ValidationError) -> str:
    # The input is left out: it may hold a phone number, and the bytes are in the letter anyway.
    return "; ".join(
        f"{'.'.join(str(part) for part in one['loc']) or 'record'}: {one['msg']}"
        for one in error.errors(include_url=False, include_input=False, include_context=False)
    )
