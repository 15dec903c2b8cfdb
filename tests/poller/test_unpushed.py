"""What the pushes did not bring: each counted once, over restarts too."""

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from connectors.poller.unpushed import NONE_FOUND, Found, Unpushed, read_found

from .fakes import START

GRACE = timedelta(seconds=60)
KEEP = timedelta(hours=1)


def at(seconds):
    return START + timedelta(seconds=seconds)


def test_only_what_no_push_brings_in_time_is_counted():
    watch = Unpushed(GRACE, NONE_FOUND)
    watch.polled("a", at(0))
    watch.polled("b", at(0))
    watch.pushed("b", at(5))
    watch.pushed("c", at(6))
    watch.polled("c", at(7))
    assert watch.count(at(59), keep=KEEP).count == 0
    assert watch.count(at(60), keep=KEEP).count == 1
    watch.pushed("a", at(61))  # too late, and counted it stays
    watch.polled("a", at(70))
    assert watch.count(at(600), keep=KEEP).count == 1


def test_a_record_that_changed_has_its_grace_anew():
    watch = Unpushed(GRACE, NONE_FOUND)
    watch.polled("a", at(0))
    watch.polled("a", at(50))
    assert watch.count(at(100), keep=KEEP).count == 0
    assert watch.count(at(110), keep=KEEP).count == 1


def test_what_was_found_stands_in_headers():
    found = Found(7, at(1))
    assert read_found(found.headers()) == found
    assert read_found(NONE_FOUND.headers()) == NONE_FOUND


notes = st.lists(
    st.tuples(st.sampled_from("pq"), st.sampled_from("abcdef"), st.integers(0, 300)), max_size=40
)


@given(notes=notes, restart=st.integers(0, 400))
def test_a_restart_counts_as_if_there_had_been_none(notes, restart):
    """Whoever takes over reads the topic again and goes on from what the cursor's headers say."""
    notes = sorted(notes, key=lambda note: note[2])

    def follow(watch, seconds, *, counting=True):
        for second in seconds:
            for kind, subject, when in notes:
                if when == second:
                    (watch.polled if kind == "p" else watch.pushed)(subject, at(when))
            if counting:
                watch.count(at(second), keep=KEEP)
        return watch

    whole = follow(Unpushed(GRACE, NONE_FOUND), range(500))
    before = follow(Unpushed(GRACE, NONE_FOUND), range(restart))
    after = Unpushed(GRACE, read_found(before.found.headers()))
    follow(after, range(restart), counting=False)
    assert follow(after, range(restart, 500)).found.count == whole.found.count
