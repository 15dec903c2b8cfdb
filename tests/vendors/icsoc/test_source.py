import json
from datetime import UTC, datetime, timedelta

import pytest
from pydantic import ValidationError

from connectors.source import source_name
from connectors.vendors.icsoc.mapper import map_cdr
from connectors.vendors.icsoc.source import CdrSource, IcsocAccount
from schemas.envelope import read_envelope
from schemas.errors import FatalError, InvalidRecord

from .conftest import NOW, SAMPLES, page


@pytest.fixture
async def source(icsoc, tmp_path):
    made = build(icsoc, tmp_path)
    yield made
    await made.close()


def build(icsoc, tmp_path, **changes) -> CdrSource:
    given = {
        "name": "main",
        "base_url": icsoc.address,
        "oauth": icsoc.oauth(),
        "state_dir": tmp_path,
        "request_gap": timedelta(milliseconds=1),
    }
    (source,) = IcsocAccount.model_validate(given | changes).sources()
    assert isinstance(source, CdrSource)
    return source


def spans(icsoc):
    return [
        (body["startTime"]["gte"][11:], body["startTime"]["lte"][11:]) for body in icsoc.searches
    ]


async def test_it_is_a_source_with_the_default_schedule(source):
    assert source_name(source) == "icsoc/main/cdr"
    assert source.interval == timedelta(seconds=10)
    assert source.lookback >= timedelta(hours=3, minutes=30)


async def test_the_spans_of_a_morning(icsoc, source):
    """First from midnight, then the overlap, and every five minutes the whole lookback."""
    first = await source.poll(None, NOW)
    second = await source.poll(first.cursor, NOW + timedelta(seconds=10))
    third = await source.poll(second.cursor, NOW + timedelta(minutes=5))
    await source.poll(third.cursor, NOW + timedelta(minutes=5, seconds=10))
    # NOW is 16:00 in Beijing.
    assert spans(icsoc) == [
        ("00:00:00", "16:00:00"),
        ("15:50:10", "16:00:10"),
        ("12:30:00", "16:05:00"),
        ("15:55:10", "16:05:10"),
    ]
    assert not (first.more or second.more or third.more)


async def test_a_record_is_the_results_own_text(icsoc, source):
    icsoc.answers = [(SAMPLES / "search.json").read_bytes(), page([])]
    poll = await source.poll(None, NOW)
    (record,) = poll.records
    assert record.data.decode() in (SAMPLES / "search.json").read_text(encoding="utf-8")
    assert json.loads(record.data)["userData"]["extId"] == "1"
    assert record.subject == "6780056666542059520"
    assert record.key == b"icsoc/main/6780056666542059520"
    assert record.extensions == {"form": "search", "timezone": "Asia/Shanghai"}
    assert read_envelope(record.headers(), record.data) == record
    assert map_cdr(record)[0].ended_at == datetime(2021, 3, 23, 9, 24, 48, tzinfo=UTC)


async def test_integers_and_unknown_fields_pass_untouched(icsoc, source):
    result = '{"callId":6780056666542059521,"ratio":1.10,"new":[12345678901234567890]}'
    icsoc.answers = [page([result])]
    (record,) = (await source.poll(None, NOW)).records
    assert record.data == result.encode()
    assert record.subject == "6780056666542059521"


async def test_a_call_in_progress_comes_again_when_it_has_ended(icsoc, source):
    result = '{"callId":"7","startTime":1000,"endTime":%d,"callresult":"0"}'
    icsoc.answers = [page([result % 0])]
    first = await source.poll(None, NOW)
    again = await source.poll(first.cursor, NOW + timedelta(seconds=10))
    icsoc.answers = [page([result % 1020])]
    last = await source.poll(again.cursor, NOW + timedelta(seconds=20))
    ids = [poll.records[0].id for poll in (first, again, last)]
    assert ids[0] == ids[1] != ids[2]
    assert [poll.records[0].subject for poll in (first, last)] == ["7", "7"]


@pytest.mark.parametrize("result", ['{"callId":""}', "5", '{"a":1}', "null"])
async def test_a_result_without_an_id_goes_on_to_become_a_dead_letter(icsoc, source, result):
    icsoc.answers = [page([result])]
    first, again = await source.poll(None, NOW), await source.poll(None, NOW)
    assert first.records[0].data == result.encode()
    assert first.records[0].key == again.records[0].key
    with pytest.raises(InvalidRecord):
        map_cdr(first.records[0])


async def test_a_long_sweep_is_read_in_chunks_with_the_recent_span_between(icsoc, tmp_path):
    source = build(icsoc, tmp_path, pages_per_poll=2)
    icsoc.answers = [
        page(['{"callId":"1"}'], "a"),
        page(['{"callId":"2"}'], "b"),
        page(['{"callId":"9"}']),  # the recent span
        page(['{"callId":"3"}']),  # the sweep's end
        page(['{"callId":"9"}']),  # the recent span
    ]
    first = await source.poll(None, NOW)
    assert first.more
    assert [record.subject for record in first.records] == ["1", "2", "9"]
    # A restart in between: the cursor alone goes on.
    stored = json.loads(json.dumps(first.cursor))
    await source.close()
    source = build(icsoc, tmp_path, pages_per_poll=2)
    second = await source.poll(stored, NOW + timedelta(minutes=1))
    assert not second.more
    assert [record.subject for record in second.records] == ["3", "9"]
    assert [body.get("searchAfter") for body in icsoc.searches] == [None, "a", None, "b", None]
    assert spans(icsoc)[3] == ("00:00:00", "16:00:00")
    await source.close()


async def test_a_damaged_cursor_names_the_mend(source):
    with pytest.raises(FatalError, match="delete it"):
        await source.poll({"swept": "yesterday"}, NOW)


async def test_the_initial_span_can_be_set(icsoc, tmp_path):
    source = build(icsoc, tmp_path, initial_span=timedelta(minutes=30))
    await source.poll(None, NOW)
    assert spans(icsoc) == [("15:30:00", "16:00:00")]
    await source.close()


def test_an_account_must_give_calls_somehow():
    with pytest.raises(ValidationError, match="set oauth"):
        IcsocAccount(name="main")
    pushed = IcsocAccount(name="main", push={"secrets": ["s"]})
    assert pushed.sources() == ()
    assert pushed.receiver() is not None


def test_a_base_address_with_a_path_is_refused():
    with pytest.raises(ValidationError, match="without a path"):
        IcsocAccount(name="main", base_url="https://x/api", push={"secrets": ["s"]})
