"""Segments: whatever is merged, each entry that lives is in the changelog with its newest value."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.core import segments
from streams.core.panes import Pane, Places
from streams.core.segments import Segments
from streams.core.step import Effects


@pytest.fixture(autouse=True)
def merged_often(monkeypatch):
    monkeypatch.setattr(segments, "FANOUT", 2)
    monkeypatch.setattr(segments, "_CHUNK", 3)
    monkeypatch.setattr(segments, "LARGE", 5)


class Worker:
    """Entries that only grow, and the segments that keep them; a changelog may have several."""

    def __init__(self, changelog, *, levels, packs):
        self.entries = {}
        self.segments = Segments(b"e|", self._encode, levels, packs=packs)
        self.changelog = changelog
        for key, value in dict(changelog).items():
            if value is not None:
                held = json.loads(value)
                for name, number in held.items():
                    self.entries[name] = max(number, self.entries.get(name, 0))
                self.segments.restored(key, list(held), (9,))

    def _encode(self, names, _until):
        held = {name: self.entries[name] for name in names if name in self.entries}
        return json.dumps(held).encode() if held else None

    def grow(self, names, *, durable=None):
        effects = Effects()
        for name in names:
            self.entries[name] = self.entries.get(name, 0) + 1
        self.segments.write(names, (9,), effects)
        self.changelog += effects.state if durable is None else effects.state[:durable]


batches = st.lists(
    st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=6, unique=True), max_size=30
)


@given(batches, st.integers(1, 4), st.booleans())
def test_what_is_read_back_is_what_was_written(grown, levels, packs):
    changelog = []
    worker = Worker(changelog, levels=levels, packs=packs)
    for names in grown:
        worker.grow(names)
    assert Worker(changelog, levels=levels, packs=packs).entries == worker.entries


@given(batches, batches, st.integers(0, 6), batches)
def test_neither_a_crash_nor_one_that_has_been_replaced_takes_anything_away(
    before, after, durable, late
):
    changelog = []
    old = Worker(changelog, levels=2, packs=False)
    for names in before:
        old.grow(names)
    told = dict(old.entries)
    old.grow(list("abcdefgh"), durable=durable)
    new = Worker(changelog, levels=2, packs=False)
    assert all(new.entries[name] >= number for name, number in told.items())
    for names in after:
        new.grow(names)
    for names in late:  # it does not know yet that it has been replaced
        old.grow(names)
    restored = Worker(changelog, levels=2, packs=False).entries
    assert all(restored[name] >= number for name, number in new.entries.items())


def test_entries_that_change_again_and_again_are_kept_a_few_times():
    changelog = []
    worker = Worker(changelog, levels=20, packs=False)
    for _ in range(1000):
        worker.grow(["a", "b"])
    live = [value for value in dict(changelog).values() if value is not None]
    assert len(live) <= 10


def test_what_is_large_enough_is_left_as_it_is():
    changelog = []
    worker = Worker(changelog, levels=2, packs=True)
    for _ in range(8):
        worker.grow(list("abcdef"))
    assert all(value is not None for _, value in changelog)


def test_segments_expire_from_the_changelog_and_tell_what_they_held():
    changelog = []
    worker = Worker(changelog, levels=1, packs=False)
    worker.grow(["a"])
    effects = Effects()
    assert worker.segments.expire((9,), effects) == []
    assert worker.segments.expire((10,), effects) == [(("a",), (9,))]
    assert [(key, None) for key, _ in changelog] == effects.state


@given(st.lists(st.tuples(st.integers(0, 3).map(lambda n: Pane(n, n + 10)), st.text(max_size=2))))
def test_places_are_the_pairs_that_were_given(pairs):
    places = Places(pairs)
    assert sorted(places) == sorted(pairs)
    assert len(places) == len(pairs)
    assert [places[at] for at in range(len(places))] == list(places)
    assert places[1:3] == list(places)[1:3]
