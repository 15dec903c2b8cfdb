from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schemas.alert import AlertState
from schemas.topics import ALERTS, ANSWER_RATE, CALLS, CAMPAIGNS, MISSED_CALL_COUNTS
from streams.board.frames import row_of
from streams.board.queries import (
    MetricsQuery,
    alert_story,
    alerts,
    calls_of,
    is_stale,
    metrics,
)
from streams.board.state import Board
from tests.board.conftest import NOW
from tests.board.feeder import Centre, answer_alert, answer_rate, missed_calls

NUMBER = "calls:icsoc/main/display_number/075512345678"
STALE = timedelta(minutes=3)


def put(board, told, topic=ANSWER_RATE):
    board.take(topic.name, told.key, told.to_json())


def attempts(board, window="5m"):
    return board.entry(NUMBER).cells[window].answer.attempts


def at(seconds, count, revision=1, **more):
    return answer_rate(
        NUMBER, "5m", NOW + timedelta(seconds=seconds), count, 0, revision=revision, **more
    )


@given(
    st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, unique=True).flatmap(
        lambda versions: st.tuples(st.just(versions), st.permutations(versions))
    )
)
def test_whatever_the_order_the_highest_end_and_revision_stands(drawn):
    versions, shuffled = drawn
    board = Board(int(NOW.timestamp()))
    for end, revision in shuffled:
        put(board, at(end, 100 * end + revision, revision))

    end, revision = max(versions)
    assert attempts(board) == 100 * end + revision


def test_an_answer_rate_and_missed_calls_of_one_scope_stand_in_one_row(board):
    put(board, answer_rate("calls:icsoc", "5m", NOW, 40, 10, connected=8, abandoned=2))
    put(board, missed_calls("calls:icsoc", "5m", NOW, 3), MISSED_CALL_COUNTS)

    (metric,) = metrics(board, MetricsQuery(), NOW, STALE).items

    assert (metric.attempts, metric.connected, metric.missed) == (40, 8, 3)


def test_a_tombstone_takes_the_half_that_it_names_and_the_scope_with_the_last(board):
    put(board, answer_rate("calls:icsoc", "5m", NOW, 40, 10))
    put(board, missed_calls("calls:icsoc", "5m", NOW, 3), MISSED_CALL_COUNTS)

    board.take(ANSWER_RATE.name, b"calls:icsoc|5m", None)
    (metric,) = metrics(board, MetricsQuery(), NOW, STALE).items
    assert (metric.attempts, metric.missed) == (None, 3)

    board.take(MISSED_CALL_COUNTS.name, b"calls:icsoc|5m", None)
    assert metrics(board, MetricsQuery(), NOW, STALE).total == 0


def test_a_tombstone_of_what_is_not_known_is_nothing(board):
    board.take(ANSWER_RATE.name, b"calls:icsoc|5m", None)
    board.take(ALERTS.name, b"nobody", None)

    assert not board.take_changes()


def test_a_message_that_cannot_be_read_is_counted_and_harms_nobody(board):
    put(board, at(0, 7))
    board.take(ANSWER_RATE.name, b"calls:icsoc|5m", b"{not json")
    board.take(ANSWER_RATE.name, b"\xff|5m", None)
    put(board, answer_rate(NUMBER, "5m", NOW, 1, 0).model_copy(update={"scope": "calls:acme"}))

    assert board.unread == 3
    assert attempts(board) == 7


def test_windows_go_from_short_to_long_and_the_day_comes_last(board):
    for window in ("day", "1h", "5m", "15m", "day@2026-03-01T16:00Z"):
        put(board, answer_rate(NUMBER, window, NOW, 1, 0))

    assert board.windows() == ["5m", "15m", "1h", "day"]


def test_a_scope_keeps_the_seven_newest_days_that_are_over(board):
    for day in (9, 3, 8, 1, 2, 7, 4, 6, 5):
        put(board, answer_rate(NUMBER, f"day@2026-02-0{day}T16:00Z", NOW, day, 0))

    assert sorted(board.entry(NUMBER).cells) == [
        f"day@2026-02-0{day}T16:00Z" for day in range(3, 10)
    ]


def test_a_silent_scope_is_forgotten_and_its_calls_with_it(board):
    centre = Centre()
    put(board, answer_rate(NUMBER, "5m", NOW - timedelta(hours=49), 4, 1))
    put(board, answer_rate("calls:icsoc", "5m", NOW, 4, 1))
    centre.call(board, NOW, NUMBER)

    board.sweep(NOW, timedelta(hours=48))

    assert board.entry(NUMBER) is None
    assert board.entry("calls:icsoc") is not None
    assert calls_of(board, NUMBER, unmask=True) == []


def test_beyond_the_bound_the_longest_silent_scope_goes():
    board = Board(int(NOW.timestamp()), most_scopes=2)
    for minute in (2, 0, 1):
        end = NOW + timedelta(minutes=minute)
        put(board, answer_rate(f"calls:icsoc/a{minute}", "5m", end, 1, 0))

    board.sweep(NOW, timedelta(hours=48))

    assert sorted(entry.text for entry in board.entries()) == ["calls:icsoc/a1", "calls:icsoc/a2"]


def test_a_scope_keeps_its_newest_calls_and_each_once():
    board = Board(int(NOW.timestamp()), calls_per_scope=3)
    centre = Centre()
    for minute in range(5):
        centre.call(board, NOW + timedelta(minutes=minute), NUMBER, call_id=f"c{minute}")
    centre.call(board, NOW + timedelta(minutes=9), NUMBER, call_id="c3", rep="8002")

    calls = calls_of(board, NUMBER, unmask=True)

    assert [call.call_id for call in calls] == ["c3", "c4", "c2"]
    assert calls[0].rep == "8002"


def test_a_call_in_progress_does_not_replace_the_one_that_has_ended(board):
    centre = Centre()
    centre.call(board, NOW, NUMBER, call_id="c1", outcome="connected")
    centre.call(board, NOW, NUMBER, call_id="c1", outcome="unanswered", ended_at=None)

    (call,) = calls_of(board, NUMBER, unmask=True)
    assert call.outcome == "connected"


def test_the_customer_is_masked_and_our_own_number_is_not(board):
    number = NUMBER.rsplit("/", 1)[1]
    Centre().call(board, NOW, NUMBER, callee="13912345678", caller=number)

    (masked,) = calls_of(board, NUMBER, unmask=False)
    (full,) = calls_of(board, NUMBER, unmask=True)

    assert (masked.callee, masked.caller) == ("139****5678", number)
    assert full.callee == "13912345678"


def test_a_campaign_goes_by_the_name_that_its_vendor_tells(board):
    centre = Centre()
    put(board, answer_rate("tallies:huawei/aicc/campaign/88100", "5m", NOW, 9, 3))
    centre.campaigns(board, NOW)

    (metric,) = metrics(board, MetricsQuery(q="春季"), NOW, STALE).items
    assert metric.name == "春季回访"

    board.take(CAMPAIGNS.name, b"huawei/aicc/88100", None)
    assert metrics(board, MetricsQuery(), NOW, STALE).items[0].name is None


def test_counts_are_stale_once_they_should_have_slid_on(board):
    put(board, at(0, 5))
    entry = board.entry(NUMBER)
    due = NOW + timedelta(minutes=5)  # by then the last of the five calls has left the window

    assert not is_stale(entry, due + STALE, STALE)
    assert is_stale(entry, due + STALE + timedelta(seconds=1), STALE)


def test_a_quiet_scope_is_never_stale(board):
    put(board, at(0, 0))

    assert not is_stale(board.entry(NUMBER), NOW + timedelta(days=1), STALE)


def test_sorting_puts_the_unknown_last_whichever_way(board):
    for account, answered in (("a", 30), ("b", 10), ("c", 20)):
        put(board, answer_rate(f"calls:icsoc/{account}", "5m", NOW, 40, answered))
    put(board, answer_rate("calls:icsoc/nothing", "5m", NOW, 0, 0))

    def order(sort):
        found = metrics(board, MetricsQuery(sort=sort), NOW, STALE).items
        return [metric.account for metric in found]

    assert order("answer_rate") == ["b", "c", "a", "nothing"]
    assert order("-answer_rate") == ["a", "c", "b", "nothing"]


def test_pages_hold_every_scope_once(filled):
    board, _ = filled
    total = metrics(board, MetricsQuery(), NOW, STALE).total
    seen = []
    for offset in range(0, total, 7):
        query = MetricsQuery(sort="-attempts", limit=7, offset=offset)
        seen += [metric.scope for metric in metrics(board, query, NOW, STALE).items]

    assert len(seen) == len(set(seen)) == total


def alert_at(state, minutes, **more):
    at = NOW + timedelta(minutes=minutes)
    return answer_alert(NUMBER, AlertState(state), NOW, at, successes=3, attempts=90, **more)


def test_an_alert_goes_from_open_to_closed_and_its_story_is_kept(board):
    for state, minutes in (("pending", 0), ("firing", 5), ("firing", 6)):
        put(board, alert_at(state, minutes), ALERTS)
    assert [alert.state for alert in alerts(board, "open", NOW).items] == ["firing"]

    put(board, alert_at("resolved", 20), ALERTS)
    assert alerts(board, "open", NOW).total == 0
    assert [alert.state for alert in alerts(board, "closed", NOW).items] == ["resolved"]
    story = alert_story(board, f"dn-icsoc-{NUMBER.rsplit('/', 1)[1]}", NOW)
    assert [step.state for step in story.transitions] == ["pending", "firing", "resolved"]


def test_an_older_record_of_an_alert_does_not_reopen_it(board):
    put(board, alert_at("resolved", 20), ALERTS)
    put(board, alert_at("firing", 5), ALERTS)

    assert alerts(board, "open", NOW).total == 0


def test_closed_alerts_are_bounded_and_open_ones_are_not(board):
    for number in range(600):
        scope = f"calls:icsoc/main/display_number/0{number:09}"
        state = AlertState.FIRING if number % 100 == 0 else AlertState.RESOLVED
        at = NOW + timedelta(seconds=number)
        put(board, answer_alert(scope, state, NOW, at, successes=1, attempts=90), ALERTS)

    assert alerts(board, "open", NOW).total == 6
    assert alerts(board, "closed", NOW).total == 500
    assert min(alert.at for alert in alerts(board, "closed", NOW).items) > NOW + timedelta(
        seconds=90
    )


def test_a_call_without_a_scope_that_counts_is_let_go_at_the_sweep(board):
    Centre().call(board, NOW, NUMBER)
    board.take(CALLS.name, b"icsoc/main/x", None)

    board.sweep(NOW, timedelta(hours=48))

    assert board.calls.scopes() == []


def test_a_row_of_a_window_that_is_gone_holds_its_number_alone(board):
    put(board, at(0, 5))
    entry = board.entry(NUMBER)

    assert row_of(entry, "1h") == (entry.number,)
    assert len(row_of(entry, "5m")) == 14
