"""The bare loop: aiokafka, msgspec, dicts. It writes nothing and keeps nothing: the ceiling."""

from __future__ import annotations

import asyncio
from datetime import datetime

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition

from benchmarks.engine.contenders.meter import Job, Meter, read_job


class Call(msgspec.Struct):
    """The fields that counting needs."""

    vendor: str
    account: str
    call_id: str
    outcome: str
    display_number: str
    campaign: str
    ended_at: datetime


async def run(job: Job) -> None:
    """Count the job's calls."""
    meter = Meter()
    decode = msgspec.json.Decoder(Call).decode
    seen: set[str] = set()
    counted: dict[tuple[str, str, int], list[int]] = {}
    consumer = AIOKafkaConsumer(bootstrap_servers=job.servers, max_poll_records=2000)
    await consumer.start()
    consumer.assign([TopicPartition(job.topic, partition) for partition in range(4)])
    await consumer.seek_to_beginning()
    left = job.calls
    while left > 0:
        for records in (await consumer.getmany(timeout_ms=1000)).values():
            meter.first()
            left -= len(records)
            for record in records:
                call = decode(record.value)
                if call.call_id in seen:
                    continue
                seen.add(call.call_id)
                pane = int(call.ended_at.timestamp()) // 10
                answered = call.outcome != "unanswered"
                for scope in (
                    ("v", call.vendor, pane),
                    ("a", call.account, pane),
                    ("n", call.display_number, pane),
                    ("c", call.campaign, pane),
                ):
                    counts = counted.get(scope)
                    if counts is None:
                        counted[scope] = [1, answered]
                    else:
                        counts[0] += 1
                        counts[1] += answered
    meter.done()
    await consumer.stop()


if __name__ == "__main__":
    asyncio.run(run(read_job()))
