from __future__ import annotations

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.poller.memory import Memory
from schemas.envelope import RawRecord

from .fakes import START, record

records = st.builds(
    lambda subject, data, minute: record(subject, data, at=START + timedelta(minutes=minute)),
    st.sampled_from("abc"),
    st.sampled_from([b"1", b"2", b"3"]),
    st.integers(0, 100),
)


@given(st.lists(records), st.lists(records))
def test_what_is_fresh_is_exactly_what_changes_what_stands(
    published: list[RawRecord], polled: list[RawRecord]
) -> None:
    memory = Memory()
    memory.remember(published)
    standing = {r.subject: r.data for r in published}
    expected = []
    for r in polled:
        if standing.get(r.subject) != r.data:
            standing[r.subject] = r.data
            expected.append(r)
    assert memory.fresh(polled) == expected


@given(st.lists(records, min_size=1), st.integers(0, 100))
def test_it_never_forgets_within_the_lookback(published: list[RawRecord], minute: int) -> None:
    memory = Memory()
    memory.remember(published)
    horizon = START + timedelta(minutes=minute)
    memory.forget(horizon)
    last = {r.subject: r for r in published}
    within = [r for r in last.values() if r.observed_at >= horizon]
    assert memory.fresh(within) == []


@given(st.lists(records), st.integers(0, 100))
def test_it_is_bounded(published: list[RawRecord], minute: int) -> None:
    in_order = sorted(published, key=lambda r: r.observed_at)
    horizon = START + timedelta(minutes=minute)
    memory = Memory()
    memory.remember(in_order)
    memory.forget(horizon)
    last = {r.subject: r for r in in_order}
    assert len(memory) == sum(r.observed_at >= horizon for r in last.values())


def test_a_record_that_goes_back_to_what_it_was_has_changed() -> None:
    memory = Memory()
    first, second = record("a", b"1"), record("a", b"2")
    memory.remember([first, second])
    assert memory.fresh([second, first]) == [first]


def test_looking_does_not_remember() -> None:
    memory = Memory()
    polled = [record("a"), record("a"), record("b")]
    assert memory.fresh(polled) == memory.fresh(polled) == [record("a"), record("b")]
