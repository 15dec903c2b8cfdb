"""Follow the answer rates: the newest of each scope and window first, then each change.

pip install aiokafka
KAFKA_BOOTSTRAP_SERVERS=127.0.0.1:9092 python examples/read_metrics.py 15m
"""

import asyncio
import json
import os
import sys

from aiokafka import AIOKafkaConsumer


async def main(window: str) -> None:
    newest = {}  # by key: the scope and the window's name
    async with AIOKafkaConsumer(
        "metrics.answer-rate",
        bootstrap_servers=os.environ.get("KAFKA_BOOTSTRAP_SERVERS", "127.0.0.1:9092"),
        auto_offset_reset="earliest",  # compacted: from the beginning there is one of each key
    ) as consumer:
        async for message in consumer:
            metric = json.loads(message.value)
            # Of two messages with one key, the one with the higher (window end, revision) is newer.
            age = (metric["window"]["end"], metric["revision"])
            if age < newest.get(message.key, age):
                continue
            newest[message.key] = age
            if metric["window"]["name"] != window:
                continue
            rate = metric.get("answer_rate")  # left out without attempts: no data is not 0
            told = "no attempts"
            if rate is not None:
                told = f"{rate['value']:.1%} ({rate['low']:.1%} to {rate['high']:.1%})"
            print(metric["scope"], f"{metric['answered']}/{metric['attempts']}", told, flush=True)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1] if len(sys.argv) > 1 else "15m"))
