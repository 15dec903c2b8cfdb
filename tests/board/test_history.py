from hypothesis import given
from hypothesis import strategies as st

from streams.board.history import POINTS, History, Point

EPOCH = 1_772_438_400


def point(end, value=0.5, attempts=10):
    return Point(EPOCH + end, value, 0.25, 0.75, attempts, None)


@given(st.lists(st.integers(-100_000, 100_000), max_size=400))
def test_it_is_bounded_in_order_and_ends_with_the_newest(ends):
    history = History(30, EPOCH)
    for end in ends:
        history.add(point(end))

    kept = [each.end for each in history]
    assert kept == sorted(kept)
    assert len(history) == len(kept) <= POINTS
    if ends:
        assert kept[-1] == EPOCH + max(ends)


def test_of_the_points_in_one_step_the_last_stays():
    history = History(30, EPOCH)
    for end, attempts in ((10, 1), (20, 2), (30, 3), (40, 4), (60, 5), (70, 6)):
        history.add(point(end, attempts=attempts))

    assert [each.attempts for each in history] == [3, 5, 6]


def test_what_is_unknown_stays_unknown():
    history = History(30, EPOCH)
    history.add(Point(EPOCH, None, None, None, 0, 7))

    assert list(history) == [Point(EPOCH, None, None, None, 0, 7)]


def test_a_moment_too_far_to_be_kept_exactly_is_left_out():
    history = History(30, EPOCH)
    history.add(point(-(2**24)))

    assert len(history) == 0
