"""Read, add and expire silences: for the command line and for the wallboard's API.

They stand on the compacted topic `callstreams.silences`; every hooks process follows it.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable
from datetime import datetime, timedelta

from pydantic import ValidationError

from connectors.kafka import KafkaError, KafkaSettings, create_topics, new_consumer, new_producer
from schemas.errors import ConfigError, RetryableError
from schemas.silence import Matcher, Silence
from schemas.topics import SILENCES

_REMEMBERED = timedelta(days=5)
"""As in Alertmanager: so long are silences listed that have ended."""


def new_silence(
    matchers: Iterable[str],
    *,
    starts_at: datetime,
    lasts: timedelta,
    created_by: str,
    comment: str,
    now: datetime,
) -> Silence:
    """Make a silence.

    Args:
        matchers: as text, `value=~"0755.*"`; all must match.
        starts_at: from when on it holds.
        lasts: how long.
        created_by: who is to be asked about it.
        comment: why.
        now: when it is made.

    Raises:
        ConfigError: it cannot be; the text names the mend.
    """
    try:
        return Silence(
            id=str(uuid.uuid4()),
            matchers=tuple(Matcher.parse(each) for each in matchers),
            starts_at=starts_at,
            ends_at=starts_at + lasts,
            created_by=created_by,
            comment=comment,
            updated_at=now,
        )
    except ValidationError as error:
        raise ConfigError(
            "; ".join(_said(each["loc"], each["msg"]) for each in error.errors())
        ) from error
    except ValueError as error:
        raise ConfigError(str(error)) from error


def expired(silence: Silence, now: datetime) -> Silence:
    """Give the silence as it is when it ends now; one that has ended stays as it is."""
    if silence.ends_at <= now:
        return silence
    starts_at = min(silence.starts_at, now)
    return silence.model_copy(update={"starts_at": starts_at, "ends_at": now, "updated_at": now})


async def read_silences(kafka: KafkaSettings) -> tuple[Silence, ...]:
    """Give all silences that Kafka has, those that end last first.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    await create_topics(kafka, [SILENCES])
    found: dict[bytes, Silence] = {}
    consumer = new_consumer(kafka, SILENCES.name)
    try:
        await consumer.start()
        places = consumer.assignment()
        ends = await consumer.end_offsets(places)
        while any([await consumer.position(place) < ends[place] for place in places]):
            for records in (await consumer.getmany(timeout_ms=100)).values():
                for record in records:
                    _learn(found, record.key or b"", record.value)
    except KafkaError as error:
        raise RetryableError(f"the silences cannot be read: {type(error).__name__}") from error
    finally:
        await consumer.stop()
    return tuple(sorted(found.values(), key=lambda each: each.ends_at, reverse=True))


async def write_silence(kafka: KafkaSettings, silence: Silence) -> None:
    """Add a silence, or replace the one with its id; it holds as soon as the hooks read it.

    Raises:
        RetryableError: Kafka cannot be reached.
    """
    old = [
        each
        for each in await read_silences(kafka)
        if each.ends_at < silence.updated_at - _REMEMBERED
    ]
    producer = new_producer(kafka)
    try:
        await producer.start()
        await producer.send_and_wait(SILENCES.name, silence.to_json(), key=silence.key)
        for each in old:
            await producer.send_and_wait(SILENCES.name, None, key=each.key)
    except KafkaError as error:
        raise RetryableError(f"the silence was not written: {type(error).__name__}") from error
    finally:
        await producer.stop()


async def expire_silence(kafka: KafkaSettings, silence_id: str, now: datetime) -> Silence:
    """End a silence now, and give it as it then is.

    Args:
        kafka: where the silences stand.
        silence_id: its id, or as much of its beginning as tells it from the others.
        now: the time.

    Raises:
        ConfigError: there is no such silence, or several.
        RetryableError: Kafka cannot be reached.
    """
    silences = await read_silences(kafka)
    found = [each for each in silences if each.id.startswith(silence_id)] if silence_id else []
    if len(found) != 1:
        many = "several silences begin" if found else "no silence begins"
        raise ConfigError(f"{many} with {silence_id!r}: see `callstreams silences list --all`")
    ended = expired(found[0], now)
    await write_silence(kafka, ended)
    return ended


def _learn(found: dict[bytes, Silence], key: bytes, value: bytes | None) -> None:
    found.pop(key, None)
    if value is not None:
        try:
            found[key] = Silence.model_validate_json(value)
        except ValidationError:
            return  # it silences nothing, and the hooks say so


def _said(where: tuple[int | str, ...], message: str) -> str:
    name = f"{where[0]}: " if where else ""
    return name + message.removeprefix("Value error, ")
