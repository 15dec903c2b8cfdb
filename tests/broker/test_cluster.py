import asyncio

from connectors.broker import Cluster
from connectors.kafka import (
    TopicPartition,
    create_topics,
    describe_topics,
    live_brokers,
    new_consumer,
    new_producer,
)
from schemas.topics import ALL, CALLS


async def test_three_nodes_go_on_and_lose_nothing_when_one_is_killed(installation):
    async with Cluster(installation=installation) as cluster:
        settings = cluster.settings
        await create_topics(settings, ALL)
        # the controller has made it; the node that is asked hears of it a moment later
        while not (states := await describe_topics(settings, [CALLS.name])):
            pass
        state = states[CALLS.name]
        assert (state.partitions, state.replication) == (4, 3)
        assert state.configs["min.insync.replicas"] == "2"

        where = [TopicPartition(CALLS.name, number) for number in range(state.partitions)]
        async with new_producer(settings) as producer, new_consumer(settings) as consumer:
            consumer.assign(where)
            for number in range(20):
                if number == 10:
                    await asyncio.to_thread(cluster.nodes[0].kill)
                # to each partition in turn: at least one was led by the node that is gone
                await producer.send_and_wait(CALLS.name, b"%d" % number, partition=number % 4)
            seen = {int((await consumer.getone()).value) for _ in range(20)}
        assert seen == set(range(20))

        await asyncio.to_thread(cluster.start)
        assert await live_brokers(settings) == {1, 2, 3}
