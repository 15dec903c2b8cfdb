"""Each mend of Faust, and what goes wrong without it."""

import asyncio
from collections import defaultdict, deque
from itertools import count
from types import SimpleNamespace

import pytest
from faust.types import TP

from connectors.kafka import KafkaSettings
from schemas.errors import FatalError
from streams.core.step import Effects, Output
from streams.engine.app import new_app, new_table
from streams.engine.liveness import Liveness
from streams.engine.meter import Meter
from streams.engine.stage import _Lanes, _Stage, add_stage
from streams.engine.transport import BatchConsumer, IdempotentProducer

CALLS = TP("calls", 0)


class Consumer(BatchConsumer):
    """A consumer whose fetches the test hands out."""

    should_stop = False

    def __init__(self):
        self._in_flight = defaultdict(deque)
        self._acked_index = defaultdict(set)
        self._acked = defaultdict(list)
        self._read_offset, self._committed_offset = {}, {}
        self._epoch = 0
        self.fetching = asyncio.Lock()
        self.flow_active = True
        self.active = {CALLS}
        self.fetched = asyncio.Queue()
        self.asked = []
        self._thread = SimpleNamespace(
            seek_to_committed=self._seek_to_committed, seek_to_beginning=self._seek_to_beginning
        )
        self.sought = []
        self.commits = {}
        self.app = SimpleNamespace(
            consumer_generation_id=7,
            topics=SimpleNamespace(acks_enabled_for=lambda _topic: True),
            monitor=SimpleNamespace(track_tp_end_offset=lambda *_: None),
        )

    def _get_active_partitions(self):
        return self.active

    async def _getmany(self, active_partitions, timeout):
        self.asked.append(active_partitions)
        return await self.fetched.get()

    def highwater(self, tp):
        return 0

    def _new_topicpartition(self, topic, partition):
        return TP(topic, partition)

    async def _seek_to_committed(self):
        return self.commits

    async def _seek_to_beginning(self, *tps):
        self.sought += tps


def records(*offsets):
    return [SimpleNamespace(offset=offset, timestamp=1000, timestamp_type=0) for offset in offsets]


async def test_a_fetch_of_a_partition_is_one_message():
    consumer = Consumer()
    consumer.fetched.put_nowait({CALLS: records(3, 4, 5)})
    ((tp, message),) = [each async for each in consumer.getmany(1.0)]
    assert tp == CALLS
    assert [record.offset for record in message.value] == [3, 4, 5]
    assert (message.offset, message.generation_id) == (5, 7)


async def test_only_the_longest_acknowledged_prefix_is_committed():
    # Faust #606: offset 40 was committed while event 0 ran.
    consumer = Consumer()
    for offsets in ((0, 1), (2, 3), (4, 5)):
        consumer.fetched.put_nowait({CALLS: records(*offsets)})
        [each async for each in consumer.getmany(1.0)]
    consumer._acked_index[CALLS] |= {3, 5}
    assert consumer._new_offset(CALLS) is None
    consumer._acked_index[CALLS].add(1)
    assert consumer._new_offset(CALLS) == 6
    assert consumer._new_offset(CALLS) is None


async def test_nothing_is_sought_while_a_fetch_is_under_way():
    # Faust #596: what a fetch had under way at the seek was dropped, and yet passed.
    consumer = Consumer()
    fetch = asyncio.ensure_future(anext(consumer.getmany(1.0)))
    await until(lambda: consumer.asked)
    assert consumer.fetching.locked()
    consumer.fetched.put_nowait({CALLS: records(1)})
    await fetch
    assert not consumer.fetching.locked()


async def test_what_was_fetched_before_a_seek_is_not_delivered_after_it():
    consumer = Consumer()
    consumer.fetched.put_nowait({CALLS: records(1), TP("calls", 1): records(1)})
    delivered = []
    async for tp, _ in consumer.getmany(1.0):
        delivered.append(tp)
        consumer.begin_epoch()
    assert delivered == [CALLS]
    assert not any(consumer._in_flight.values())


async def test_a_pause_of_all_is_no_fetch_of_all():
    # aiokafka takes an empty set of partitions for all of them.
    consumer = Consumer()
    consumer.fetched.put_nowait({})
    [each async for each in consumer.getmany(1.0)]
    consumer.active.clear()
    assert consumer.asked == [{CALLS}]


async def test_lag_is_what_was_not_acknowledged_or_not_even_fetched():
    consumer = Consumer()
    consumer._committed_offset[CALLS] = 3
    state = SimpleNamespace(highwater=20, has_valid_position=True, position=11)
    assignment = SimpleNamespace(tps={CALLS}, state_value=lambda _tp: state)
    subscription = SimpleNamespace(subscription=SimpleNamespace(assignment=assignment))
    consumer._thread._consumer = SimpleNamespace(_subscription=subscription)
    assert consumer.lag() == {CALLS: 9}  # a transaction's mark at 10 is no record
    consumer._in_flight[CALLS].extend((5, 9))
    assert consumer.lag() == {CALLS: 9 + 7}
    state.highwater = None
    assert consumer.lag() == {}


async def test_a_partition_without_a_commit_is_sought_to_its_beginning():
    consumer = Consumer()
    other = TP("calls", 1)
    consumer.commits = {CALLS: 12, other: None}
    assert await consumer.seek_to_committed_or_first({CALLS, other}) == {CALLS: 12, other: 0}
    assert consumer.sought == [other]
    assert (consumer.committed(CALLS), consumer.committed(other)) == (12, 0)


async def test_a_worker_without_partitions_seeks_nothing_and_stands_by():
    consumer = Consumer()

    async def refuse():  # as aiokafka does
        raise AssertionError("No partitions are currently assigned")

    consumer._thread.seek_to_committed = refuse
    assert await consumer.seek_to_committed_or_first(()) == {}


def test_the_producer_neither_repeats_nor_reorders():
    settings = IdempotentProducer._settings_extra(SimpleNamespace())
    assert settings["enable_idempotence"] is True
    assert settings["acks"] == "all"


class Sender:
    """A sender whose acknowledgements the test gives."""

    def __init__(self):
        self.sent = []

    async def send(self, outputs):
        future = asyncio.get_running_loop().create_future()
        self.sent += [(output.topic, output.key, future) for output in outputs]
        return [future]


class OneStep:
    """A step that writes one state record and sends one message a batch."""

    def __init__(self):
        self.batches = []
        self.restored = []
        self.forgotten = []

    def fold(self, batch):
        self.batches.append(batch)
        return Effects([(b"k", b"v")], [Output("out", b"o", b"v")])

    def restore(self, partition, key, value):
        self.restored.append((partition, key, value))

    def forget(self, partition):
        self.forgotten.append(partition)


class Event:
    """An event that remembers whether it was acknowledged."""

    def __init__(self, generation=7):
        self.message = SimpleNamespace(
            topic="calls", partition=0, value=records(1), generation_id=generation
        )
        self.acked = False

    def ack(self):
        self.acked = True


def stage(step):
    sender = Sender()
    app = SimpleNamespace(
        consumer_generation_id=7,
        consumer=SimpleNamespace(committed=lambda _tp: 0),
        sender=sender,
    )

    async def write(partition, changes):
        return await sender.send(
            [Output("changelog", k, v, partition=partition) for k, v in changes]
        )

    table = SimpleNamespace(write=write)
    return _Stage(app, step, table, Liveness(60), Meter("test")), app, sender


async def until(condition):
    async with asyncio.timeout(10):
        for _ in count():
            if condition():
                return
            await asyncio.sleep(0)


async def test_a_batch_is_acknowledged_when_its_state_and_then_its_outputs_are_durable():
    # Faust committed offsets before the state was in Kafka (ProducerBuffer.flush gives up).
    staged, _, sender = stage(OneStep())
    event = Event()
    task = asyncio.ensure_future(staged.handle([event]))
    await until(lambda: sender.sent)
    assert [topic for topic, *_ in sender.sent] == ["changelog"]
    sender.sent[0][2].set_result(None)
    await until(lambda: len(sender.sent) == 2)
    assert not event.acked
    sender.sent[1][2].set_result(None)
    await task
    assert event.acked


async def test_a_batch_of_a_former_assignment_is_neither_counted_nor_acknowledged():
    step = OneStep()
    staged, app, sender = stage(step)
    old = Event(generation=6)
    await staged.handle([old])
    assert step.batches == []
    assert not old.acked
    event = Event()
    task = asyncio.ensure_future(staged.handle([event]))
    await until(lambda: sender.sent)
    app.consumer_generation_id = 8
    sender.sent[0][2].set_result(None)
    await until(lambda: len(sender.sent) == 2)
    sender.sent[1][2].set_result(None)
    await task
    assert not event.acked


async def test_what_waits_in_a_lane_becomes_one_batch_and_other_lanes_go_on():
    begun, gates = [], {}

    async def handle(events):
        partition = events[0].message.partition
        begun.append((partition, [event.name for event in events]))
        await gates.setdefault((partition, len(begun)), asyncio.Event()).wait()

    def event(name, partition):
        message = SimpleNamespace(topic="calls", partition=partition, value=records(1))
        return SimpleNamespace(name=name, message=message)

    lanes = _Lanes(handle, pytest.fail)
    await lanes.put(event("a", 0))
    await until(lambda: len(begun) == 1)
    for name in "bcd":
        await lanes.put(event(name, 0))
    await lanes.put(event("x", 1))
    await until(lambda: len(begun) == 2)
    assert begun == [(0, ["a"]), (1, ["x"])]
    gates[0, 1].set()
    await until(lambda: len(begun) == 3)
    assert begun[2] == (0, ["b", "c", "d"])
    await lanes.close()


@pytest.fixture
def app(tmp_path):
    return new_app("test", KafkaSettings(), data_dir=str(tmp_path))


async def test_a_fault_stops_the_worker_and_acknowledges_nothing(app):
    # Faust logs an exception of an agent, and commits the event as if it were done.
    class Broken(OneStep):
        def fold(self, batch):
            raise OSError("the disk is gone")

    faults = []
    add_stage(
        app,
        "broken",
        ["calls"],
        Broken(),
        table=None,
        liveness=Liveness(60),
        on_fault=faults.append,
    )
    app.consumer_generation_id = 7
    app.consumer = SimpleNamespace(committed=lambda _tp: 0)
    event = Event()

    class Stream:
        def noack(self):
            return self

        async def events(self):
            yield event
            await until(lambda: faults)

    await app.agents["broken"].fun(Stream())
    assert [str(fault) for fault in faults] == ["the disk is gone"]
    assert not event.acked


async def test_state_is_dropped_at_every_rebalance_and_restored_into_the_step(app):
    # Faust's memory store keeps keys of a partition that was lost and comes back.
    step = OneStep()
    table = new_table(app, "t", step=step, partitions=2)
    table.held = {0, 1}
    await table.data.on_rebalance(set(), set(), set())
    assert step.forgotten == [0, 1]
    assert table.held == set()
    table.restore(1, [SimpleNamespace(key=b"k", value=b"v"), SimpleNamespace(key=b"k", value=None)])
    assert step.restored == [(1, b"k", b"v"), (1, b"k", None)]
    changelog = TP(table.changelog_topic_name, 1)
    await table.data.on_recovery_completed({changelog, TP("another", 0)}, set())
    assert table.held == {1}


def test_a_worker_that_stood_still_says_nothing_more():
    now = [0.0]
    pulse = Liveness(8, clock=lambda: now[0])
    now[0] = 7.0
    pulse.beat()
    now[0] = 14.0
    pulse.check()
    now[0] = 15.5
    with pytest.raises(FatalError, match="stood still for 8 s"):
        pulse.check()
    with pytest.raises(FatalError):
        pulse.beat()


async def test_a_batch_is_neither_written_nor_acknowledged_after_standing_still():
    now = [0.0]
    step, event = OneStep(), Event()
    staged, _, sender = stage(step)
    staged._liveness = Liveness(8, clock=lambda: now[0])
    staged._liveness.beat()
    task = asyncio.ensure_future(staged.handle([event]))
    await until(lambda: sender.sent)
    now[0] = 9.0
    sender.sent[0][2].set_result(None)
    with pytest.raises(FatalError):
        await task
    assert len(sender.sent) == 1
    assert not event.acked
