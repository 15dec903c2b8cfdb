import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from connectors.broker.node import in_own_loop
from connectors.dead_letters.letters import Filter, Letters, Place, destination
from connectors.dead_letters.replaying import replay
from connectors.vendors.registry import MAPPERS
from schemas import topics
from schemas.base import Vendor
from schemas.dead_letter import DeadLetter, Replayed
from schemas.envelope import RawRecord
from schemas.errors import RetryableError
from streams.agents.normalise import Normaliser
from streams.cli.payload import hide_numbers, written
from streams.core.step import Batch

from .conftest import read_all, write_all

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
RAW = topics.RAW_ICSOC_CDR.name
LETTER = DeadLetter(
    stage="normalise", code="bad-json", reason="no JSON", topic=RAW, partition=0, offset=5,
    failed_at=NOW, value=b"{", record_key=b"icsoc/main/1",
)  # fmt: skip
CDR = (
    b'{"callId": "77", "callresult": "9", "startTime": 1616491400, "endTime": 1616491500,'
    b' "callee": "13812345678"}'
)


def gathered(*messages):
    letters = Letters()
    for place, headers, value in messages:
        letters.take(Place(*place), headers, value)
    return letters


def test_a_letter_is_open_until_its_mark_is_read_whichever_comes_first():
    letter = ((0, 3), LETTER.headers(), b"{")
    mark = ((0, 9), Replayed(0, 3, NOW).headers(), None)
    (before,) = gathered(letter).all()
    assert before.replayed_at is None
    for order in ((letter, mark), (mark, letter)):
        (after,) = gathered(*order).all()
        assert (after.place, after.replayed_at) == (Place(0, 3), NOW)


def test_a_record_refused_twice_by_one_stage_is_one_letter_and_replayed_once():
    again = replace(LETTER, failed_at=NOW + timedelta(hours=1))
    other = replace(LETTER, stage="hooks/one")
    letters = gathered(
        ((0, 3), LETTER.headers(), b"{"),
        ((0, 4), Replayed(0, 3, NOW).headers(), None),
        ((0, 5), again.headers(), b"{"),
        ((0, 6), other.headers(), b"{"),
    ).all()
    assert [(each.place, each.replayed_at) for each in letters] == [
        (Place(0, 5), NOW),
        (Place(0, 6), None),
    ]
    # its older id names it too
    assert Filter(places=frozenset([Place(0, 3)]), replayed=True).takes(letters[0])


def test_refused_pushes_are_told_apart_though_they_stood_nowhere():
    push = replace(LETTER, stage="ingress", topic="/push/icsoc/main", partition=-1, offset=-1)
    letters = gathered(((0, 3), push.headers(), b"1"), ((0, 4), push.headers(), b"2")).all()
    assert len(letters) == 2


def test_what_is_no_dead_letter_is_counted_and_harms_nobody():
    letters = gathered(((0, 1), [("x", b"y")], b"?"), ((0, 2), LETTER.headers(), b"{"))
    assert (letters.unreadable, len(letters.all())) == (1, 1)


@pytest.mark.parametrize(
    ("wanted", "takes"),
    [
        (Filter(), True),
        (Filter(stage="normalise"), True),
        (Filter(stage="norm"), False),
        (Filter(code="bad-json"), True),
        (Filter(code="other"), False),
        (Filter(topic=RAW), True),
        (Filter(topic="calls"), False),
        (Filter(since=NOW), True),
        (Filter(since=NOW + timedelta(seconds=1)), False),
        (Filter(places=frozenset([Place(0, 4)])), False),
    ],
)
def test_filters(wanted, takes):
    (letter,) = gathered(((0, 3), LETTER.headers(), b"{")).all()
    assert wanted.takes(letter) is takes


def test_a_stage_means_its_parts_too():
    (letter,) = gathered(((0, 3), replace(LETTER, stage="hooks/one").headers(), b"{")).all()
    assert Filter(stage="hooks").takes(letter)
    assert Filter(stage="hooks/one").takes(letter)
    assert not Filter(stage="hooks/on").takes(letter)


@pytest.mark.parametrize(
    ("changes", "target"),
    [
        ({}, RAW),
        ({"topic": "calls", "stage": "count"}, "calls"),
        ({"topic": "alerts", "stage": "hooks"}, None),
        ({"topic": "alerts", "stage": "hooks/one"}, None),
        ({"topic": "elsewhere"}, None),
        ({"topic": "/push/icsoc/main", "stage": "ingress", "offset": -1}, "/push/icsoc/main"),
        ({"topic": "/push/icsoc/gone", "stage": "ingress", "offset": -1}, None),
    ],
)
def test_each_letter_goes_back_to_who_knows_copies_and_to_nobody_else(changes, target):
    found, why = destination(replace(LETTER, **changes), {"/push/icsoc/main"})
    assert found == target
    assert bool(why) is (target is None)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("13812345678", "138****5678"),
        ('"+86 138-1234-5678"', '"+86****5678"'),
        ("at 2026-11-22 10:30:00 from 0755-12345678", "at 2026-11-22 10:30:00 from 075****5678"),
        ("2026-11-22T22:58:44.680725", "2026-11-22T22:58:44.680725"),
        ("123456", "123456"),
    ],
)
def test_numbers_are_hidden_and_dates_are_not(text, shown):
    assert hide_numbers(text) == shown


def test_values_are_written_for_people():
    assert written(b'{"a":1.50,"b":"13812345678"}', masked=True) == [
        "{",
        '  "a": 1.50,',
        '  "b": "138****5678"',
        "}",
    ]
    assert "13812345678" in "".join(written(b'{"b":"13812345678"}', masked=False))
    assert written(b"{broken 13812345678", masked=True) == ["{broken 138****5678"]
    assert written(None, masked=True) == ["(no value)"]
    (line,) = written(b"\xff13812345678", masked=True)
    assert line.startswith("00000000  ff 31 33 38 2a")
    assert line.endswith(".138****5678")


def bad_record(mark):
    return RawRecord(
        Vendor.ICSOC, "main", "cdr", mark, CDR, NOW, {"form": "search", "timezone": "Asia/Shanghai"}
    )


def refuse_all(kafka):
    """Normalise what stands on the raw topic, as a worker does; give the refused records."""
    refused = []
    for record in read_all(kafka, RAW):
        effects = Normaliser(MAPPERS).fold(Batch(RAW, record.partition, [record], record.offset))
        for output in effects.outputs:
            write_all(kafka, (*output[:3], output.headers, None))
            refused.append(record)
    return refused


def same(one, other):
    return (one.key, one.value, one.headers, one.partition) == (
        other.key, other.value, other.headers, other.partition,
    )  # fmt: skip


def test_a_bad_record_is_shown_and_replayed_once_byte_for_byte(fresh_kafka, call):
    record = bad_record("77")
    write_all(fresh_kafka, (RAW, record.key, record.data, record.headers(), 2))
    (original,) = refuse_all(fresh_kafka)

    listed = call("dead-letters", "list", kafka=fresh_kafka).output
    assert re.search(rf"1 +normalise +unknown-callresult +{re.escape(RAW)}", listed)
    letter = re.search(r"^ *(\d+-\d+) .* open", listed, re.MULTILINE).group(1)

    shown = call("dead-letters", "show", letter, kafka=fresh_kafka).output
    assert f"from     {RAW}, partition 2, offset {original.offset}" in shown
    assert "header   ce_source: /icsoc/main/cdr" in shown
    assert '"callee": "138****5678"' in shown
    assert "13812345678" not in shown
    unmasked = call("dead-letters", "show", letter, "--unmask", kafka=fresh_kafka).output
    assert '"callee": "13812345678"' in unmasked

    told = call("dead-letters", "replay", letter, kafka=fresh_kafka)
    assert f"1 would go back to {RAW}" in told.output
    assert len(read_all(fresh_kafka, RAW)) == 1

    done = call("dead-letters", "replay", letter, "--yes", kafka=fresh_kafka)
    assert (done.exit_code, "1 replayed, 0 left" in done.output) == (0, True)
    first, second = read_all(fresh_kafka, RAW, at_least=2)
    assert same(first, second)
    assert first.offset != second.offset

    again = call("dead-letters", "replay", "--all", "--yes", kafka=fresh_kafka)
    assert "0 replayed, 0 left" in again.output
    assert len(read_all(fresh_kafka, RAW)) == 2
    assert "no such dead letters" in call("dead-letters", "list", kafka=fresh_kafka).output
    listed = call("dead-letters", "list", "--all", kafka=fresh_kafka).output
    assert re.search(rf"{letter} .* replayed \d\d-\d\d", listed)

    asked = call("dead-letters", "replay", letter, "--again", "--yes", kafka=fresh_kafka)
    assert "1 replayed" in asked.output
    assert len(read_all(fresh_kafka, RAW, at_least=3)) == 3

    # The copies are refused again, each a record and a letter of its own.
    refuse_all(fresh_kafka)
    listed = call("dead-letters", "list", "--code", "unknown-callresult", kafka=fresh_kafka).output
    assert re.search(r"2 +normalise", listed)
    done = call("dead-letters", "replay", "--stage", "normalise", "--yes", kafka=fresh_kafka)
    assert "2 replayed" in done.output
    assert all(same(first, each) for each in read_all(fresh_kafka, RAW, at_least=5))


def test_a_push_is_made_a_record_with_the_secret_of_today(kafka, call, config):
    from tests.vendors.icsoc.test_signature import DATA, SEALED, SECRET

    push = DeadLetter(
        stage="ingress", code="cannot-decrypt", reason="?", topic="/push/icsoc/mended",
        partition=-1, offset=-1, failed_at=NOW, value=SEALED.encode(),
    )  # fmt: skip
    write_all(kafka, (topics.DEAD_LETTERS.name, push.key, push.value, push.headers(), None))
    replaying = ("dead-letters", "replay", "--topic", push.topic)

    told = call(*replaying, kafka=kafka)
    assert "1 would stay: no account of the configuration takes pushes at /push/icsoc/mended" in (
        told.output
    )

    def with_secret(secret):
        account = {"vendor": "icsoc", "name": "mended", "push": {"secrets": [secret]}}
        return call(*replaying, "--yes", "-c", config(accounts=[account]), kafka=kafka)

    wrong = with_secret("x" * 32)
    assert (wrong.exit_code, "0 replayed, 1 left" in wrong.output) == (1, True)
    assert "refused still: the encrypted data cannot be opened" in wrong.stderr

    assert "1 replayed, 0 left" in with_secret(SECRET).output
    (record,) = read_all(kafka, RAW, 1, lambda each: each.value == DATA.encode())
    assert record.key.startswith(b"icsoc/mended/")
    assert dict(record.headers)["ce_form"] == b"push"
    assert dict(record.headers)["ce_time"] == b"2026-11-22T12:00:00Z"
    assert "0 replayed" in with_secret(SECRET).output


def test_a_replay_that_dies_half_way_has_put_nothing_back(kafka, monkeypatch):
    from connectors.dead_letters import replaying

    topic = topics.RAW_HUAWEI_MISSED.name
    letters = [
        replace(LETTER, topic=topic, offset=number, value=b"dies-%d" % number, code="dies")
        for number in range(3)
    ]
    write_all(kafka, *((topics.DEAD_LETTERS.name, each.key, each.value, each.headers(), 0)
                       for each in letters))  # fmt: skip

    def put_back():
        wanted = Filter(code="dies")
        return in_own_loop(replay(kafka, wanted, pushes={}, now=NOW, tell=lambda *_: None))

    class DiesError(Exception):
        pass

    marks = []

    class Mark(Replayed):
        def headers(self):
            marks.append(self)
            if len(marks) == 2:
                raise DiesError
            return super().headers()

    with monkeypatch.context() as patched:
        patched.setattr(replaying, "Replayed", Mark)
        with pytest.raises(DiesError):
            put_back()
    ours = {each.value for each in letters}
    assert not read_all(kafka, topic, where=lambda each: each.value in ours)
    assert put_back().replayed == 3
    assert put_back().replayed == 0
    back = read_all(kafka, topic, 3, lambda each: each.value in ours)
    assert [each.value for each in back] == [b"dies-0", b"dies-1", b"dies-2"]


def test_of_two_replays_the_later_stops_the_earlier(kafka, monkeypatch):
    from connectors.dead_letters import replaying

    letter = replace(LETTER, topic=topics.RAW_HUAWEI_MISSED.name, code="raced", value=b"raced")
    write_all(kafka, (topics.DEAD_LETTERS.name, letter.key, b"raced", letter.headers(), None))
    wanted = Filter(code="raced")

    async def put_back():
        return await replay(kafka, wanted, pushes={}, now=NOW, tell=lambda *_: None)

    read, outcomes = replaying.read_letters, []

    async def read_and_be_overtaken(settings):
        found = await read(settings)
        monkeypatch.setattr(replaying, "read_letters", read)
        outcomes.append(await put_back())
        return found

    monkeypatch.setattr(replaying, "read_letters", read_and_be_overtaken)
    with pytest.raises(RetryableError, match="another replay has begun"):
        in_own_loop(put_back())
    assert [each.replayed for each in outcomes] == [1]
    assert len(read_all(kafka, letter.topic, 1, lambda each: each.value == b"raced")) == 1


@pytest.mark.parametrize(
    ("arguments", "mend"),
    [
        (["replay"], "Name ids, or --stage"),
        (["replay", "x"], "such as 0-17"),
        (["show", "1/2"], "such as 0-17"),
        (["list", "--since", "soon"], "write 30m, 2h or 1d"),
    ],
)
def test_what_is_wrong_is_told_with_the_mend(call, arguments, mend):
    result = call("dead-letters", *arguments)
    assert result.exit_code == 1
    assert mend in result.stderr


def test_a_letter_that_is_not_there_is_told(kafka, call):
    result = call("dead-letters", "show", "0-999999", kafka=kafka)
    assert result.exit_code == 1
    assert "there is no dead letter 0-999999" in result.stderr
