from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vendors.sevenmoor.spans import add_months, batches, split_span

SHANGHAI = ZoneInfo("Asia/Shanghai")
# hypothesis adds the zone itself
_FIRST, _LAST = datetime(1995, 1, 1), datetime(2040, 1, 1)  # noqa: DTZ001
moments = st.datetimes(_FIRST, _LAST, timezones=st.just(SHANGHAI))


def at(text):
    return datetime.fromisoformat(text).replace(tzinfo=SHANGHAI)


@given(moments, moments)
def test_parts_cover_the_span_exactly_and_none_is_longer_than_three_months(one, other):
    start, end = sorted((one, other))
    parts = split_span(start, end)

    edges = [start, *(stop for _, stop in parts)]
    assert [since for since, _ in parts] == edges[:-1]
    assert edges[-1] == end
    for since, until in parts:
        assert since < until <= add_months(since, 3)


@given(moments, st.integers(min_value=1, max_value=60))
def test_months_later_is_in_that_month_and_not_past_the_same_day(moment, months):
    later = add_months(moment, months)

    assert (later.year - moment.year) * 12 + later.month - moment.month == months
    assert later.day <= moment.day
    assert later.time() == moment.time()
    if later.day < moment.day:
        assert (later + timedelta(days=1)).day == 1


def test_the_documents_three_months_are_one_query():
    span = (at("2020-09-25 20:32:03"), at("2020-12-25 20:32:03"))

    assert split_span(*span) == [span]


def test_a_month_end_shortens_and_the_next_part_starts_from_there():
    assert split_span(at("2020-11-30 00:00:00"), at("2021-06-01 00:00:00")) == [
        (at("2020-11-30 00:00:00"), at("2021-02-28 00:00:00")),
        (at("2021-02-28 00:00:00"), at("2021-05-28 00:00:00")),
        (at("2021-05-28 00:00:00"), at("2021-06-01 00:00:00")),
    ]


def test_an_empty_span_has_no_parts():
    assert split_span(at("2020-11-30 00:00:00"), at("2020-11-30 00:00:00")) == []


def test_a_span_backwards_is_refused():
    with pytest.raises(ValueError, match="swap them"):
        split_span(at("2020-11-30 00:00:01"), at("2020-11-30 00:00:00"))


@given(st.lists(st.integers()), st.integers(min_value=1, max_value=7))
def test_batches_keep_every_item_in_order(items, size):
    parts = list(batches(items, size))

    assert [item for part in parts for item in part] == items
    assert all(1 <= len(part) <= size for part in parts)
    assert all(len(part) == size for part in parts[:-1])
