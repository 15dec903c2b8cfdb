from datetime import timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.simulators.calls import Outcome
from connectors.simulators.generator import World
from connectors.simulators.scenario import FLAGGED_NUMBER, DisplayNumber, brisk, workday
from tests.simulators.helpers import START, small

END = START + timedelta(minutes=6)


def everything(world):
    return list(world.calls())


def run(scenario, *, until=END):
    world = World(scenario)
    world.advance(until)
    return world


def test_one_seed_makes_one_history():
    assert everything(run(small(seed=3))) == everything(run(small(seed=3)))
    assert everything(run(small(seed=3))) != everything(run(small(seed=4)))


@settings(deadline=None, max_examples=40)
@given(steps=st.lists(st.integers(0, 60), max_size=8))
def test_the_steps_of_the_clock_do_not_change_the_calls(steps):
    until = START + timedelta(seconds=60)
    world = World(small())
    for second in steps:  # backwards, too
        world.advance(START + timedelta(seconds=second))
    world.advance(until)
    assert everything(world) == everything(run(small(), until=until))


def test_each_call_is_told_once_when_it_starts():
    world = World(small())
    told = world.advance(START) + world.advance(END)
    assert sorted(call.call_id for call in told) == sorted(c.call_id for c in world.calls())
    assert len({call.call_id for call in world.icsoc}) == len(world.icsoc) > 200
    assert world.advance(END) == []


def test_the_moments_of_a_call_are_in_order():
    for call in run(small()).calls():
        moments = [int(call.started), call.ringing, call.answered, call.rep_called]
        moments += [call.connected, call.ended]
        happened = [moment for moment in moments if moment]
        assert happened == sorted(happened)
        assert (call.outcome is Outcome.CONNECTED) == bool(call.connected)


def test_ids_are_snowflakes_in_the_order_of_their_starts():
    calls = run(small()).icsoc
    ids = [int(call.call_id) for call in calls]
    assert ids == sorted(ids)
    assert all(int(call.started * 1000) == int(call.call_id) >> 22 for call in calls)


def test_history_reaches_back_to_local_midnight_or_as_far_as_told():
    assert small(history=None).begins == START.replace(hour=16) - timedelta(days=1)
    first = min(call.started for call in run(small()).calls())
    assert START - timedelta(minutes=3) <= START.fromtimestamp(first, START.tzinfo) < START


def test_a_flagged_number_collapses_and_recovers_and_no_other_does():
    scenario = brisk(START, pace=3)
    world = run(scenario, until=START + timedelta(seconds=60))

    def rate(begin, end, *, flagged):
        outcomes = [
            call.outcome is not Outcome.UNANSWERED
            for call in world.icsoc
            if begin <= call.started - START.timestamp() < end
            and (call.number == FLAGGED_NUMBER) is flagged
        ]
        return sum(outcomes) / len(outcomes)

    assert rate(0, 15, flagged=True) > 0.3
    assert rate(15, 35, flagged=True) < 0.15
    assert rate(35, 60, flagged=True) > 0.3
    assert rate(15, 35, flagged=False) > 0.3


def test_the_demo_is_brisk():
    world = run(brisk(START), until=START + timedelta(seconds=60))
    calls = [c for c in world.icsoc if c.number == FLAGGED_NUMBER and c.started > START.timestamp()]
    assert 2.5 < len(calls) / 60 < 4.5
    assert max(call.ended - call.started for call in calls) < 20


def test_nobody_calls_at_night():
    world = run(workday(START), until=START + timedelta(hours=24))
    hours = {START.fromtimestamp(c.started, workday(START).zone).hour for c in world.calls()}
    assert hours <= set(range(8, 20))
    assert {9, 10, 15} <= hours


def test_another_number_does_not_change_what_a_number_does():
    more = small(icsoc=(*small().icsoc, DisplayNumber("02100000000", 30)))
    starts = [c.started for c in run(small()).icsoc if c.number == "02160661801"]
    assert starts == [c.started for c in run(more).icsoc if c.number == "02160661801"]


def test_stopped_traffic_starts_nothing_more():
    world = World(small())
    last_end = world.stop(START + timedelta(minutes=1))
    assert world.advance(END) == []
    assert max(call.started for call in world.calls()) <= (START.timestamp() + 60)
    assert all(call.has_ended(last_end.timestamp()) for call in world.calls())


def test_two_numbers_alike_do_not_ring_together():
    alike = small(icsoc=(DisplayNumber("1", 30), DisplayNumber("2", 30)))
    starts = [call.started for call in run(alike).icsoc]
    assert len(set(starts)) == len(starts)
