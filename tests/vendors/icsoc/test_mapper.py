import json
import traceback
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connectors.vendors.icsoc.cipher import decrypt
from connectors.vendors.icsoc.jsontext import elements, members
from connectors.vendors.icsoc.mapper import map_cdr
from schemas.base import Vendor
from schemas.call import Call, Direction, HungUpBy, Outcome
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord

from .conftest import NOW, SAMPLES

PUSH = (SAMPLES / "push.json").read_text(encoding="utf-8")
SEARCH = (SAMPLES / "search.json").read_text(encoding="utf-8")


def raw(data, form="push"):
    if not isinstance(data, bytes):
        data = json.dumps(data).encode()
    return RawRecord(Vendor.ICSOC, "main", "cdr", "id", data, NOW, {"form": form})


def one(data) -> Call:
    (call,) = map_cdr(raw(data))
    return call


def at(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


ENDED = {
    "callId": "1",
    "startTime": 1000,
    "ringTime": 1003,
    "ansTime": 1010,
    "answerTimeEe": 1014,
    "endTime": 1100,
    "linkSecs": 86,
    "callresult": "2",
    "endresult": "11",
}


def test_the_searched_sample():
    (result,) = elements(members(members(SEARCH)["data"].text)["results"].text)
    assert map_cdr(raw(result.text.encode(), "search")) == [
        Call(
            vendor=Vendor.ICSOC,
            account="main",
            call_id="6780056666542059520",
            direction=Direction.OUTBOUND,
            outcome=Outcome.UNANSWERED,
            caller="010xxxx4343",
            callee="185xxxx2456",
            display_number="010xxxx4343",
            campaign="10008/13",
            region="广东 深圳",
            carrier="MOBILE",
            started_at=datetime(2021, 3, 23, 9, 24, 36, tzinfo=UTC),
            ended_at=datetime(2021, 3, 23, 9, 24, 48, tzinfo=UTC),
            talk_seconds=0,
        )
    ]


def test_the_pushed_sample():
    assert map_cdr(raw(members(PUSH)["data"].text.encode())) == [
        Call(
            vendor=Vendor.ICSOC,
            account="main",
            call_id="6811535818021285888",
            direction=Direction.OUTBOUND,
            outcome=Outcome.UNANSWERED,
            caller="01212345674",
            callee="156xxxx6818",
            display_number="01212345674",
            campaign="10195/7",
            queue="660",
            region="河南 信阳",
            carrier="MOBILE",
            started_at=datetime(2021, 6, 18, 6, 11, 31, tzinfo=UTC),
            ringing_at=datetime(2021, 6, 18, 6, 11, 36, tzinfo=UTC),
            ended_at=datetime(2021, 6, 18, 6, 12, 1, tzinfo=UTC),
            ring_seconds=25,
            talk_seconds=0,
        )
    ]


def test_the_encrypted_sample_is_another_products_record_and_refused():
    sealed = json.loads((SAMPLES / "push-encrypted.json").read_text())["data"]
    opened = decrypt(sealed, "12345678901234567890123456789012")
    with pytest.raises(InvalidRecord) as refused:
        map_cdr(raw(opened))
    assert refused.value.code == "not-a-cdr"
    assert "13075543120" not in refused.value.reason


def test_both_forms_of_one_call_map_to_one_call():
    pushed = {
        "call_id": "1",
        "start_time": "1000",
        "ring_time": "1003",
        "ans_time": "1010",
        "answer_time_ee": "1013",
        "link_time": "1014",
        "end_time": "1100",
        "link_secs": "86",
        "callresult": "2",
        "endresult": "11",
    }
    assert one(pushed) == one(ENDED)


def test_a_connected_call_is_measured():
    call = one(ENDED)
    assert call.outcome is Outcome.CONNECTED
    assert (call.answered_at, call.connected_at, call.ended_at) == (at(1010), at(1014), at(1100))
    assert (call.ring_seconds, call.wait_seconds, call.talk_seconds) == (7, 4, 86)
    assert call.hung_up_by is HungUpBy.CUSTOMER


def test_an_abandoned_call_waited_until_its_end_and_never_connected():
    call = one(ENDED | {"callresult": 1, "linkSecs": 0, "endresult": 12})
    assert call.outcome is Outcome.ABANDONED
    assert call.connected_at is None
    assert call.wait_seconds == 90
    assert call.hung_up_by is HungUpBy.REP


def test_a_call_in_progress_has_no_end():
    call = one(ENDED | {"endTime": 0, "linkSecs": 0})
    assert call.ended_at is None
    assert call.connected_at == at(1014)


@pytest.mark.parametrize(
    ("callresult", "endresult", "expected"),
    [
        ("0", "12", None),
        ("0", "11", HungUpBy.CUSTOMER),
        ("2", "12", HungUpBy.REP),
        ("2", "", None),
        ("2", "13", None),
    ],
)
def test_who_hung_up(callresult, endresult, expected):
    assert one(ENDED | {"callresult": callresult, "endresult": endresult}).hung_up_by is expected


@pytest.mark.parametrize("name", ["ansTime", "answerTime", "ans_time", "answer_time"])
def test_every_name_of_the_answer_time_is_read(name):
    record = {key: value for key, value in ENDED.items() if key != "ansTime"}
    assert one(record | {name: "1011"}).answered_at == at(1011)


@pytest.mark.parametrize("name", ["answerTimeEe", "answer_time_ee"])
def test_the_reps_answer_stands_for_a_missing_link_time(name):
    record = {key: value for key, value in ENDED.items() if key != "answerTimeEe"}
    assert one(record | {name: 1015}).connected_at == at(1015)
    assert one(record | {name: 1015, "link_time": "1016"}).connected_at == at(1016)
    assert one(record | {name: 1015, "link_time": "0"}).connected_at == at(1015)


@pytest.mark.parametrize(
    ("fields", "campaign"),
    [
        ({"projectId": "8", "taskId": "3", "userData": {"proid": "9", "taskid": "4"}}, "8/3"),
        ({"user_data": {"proid": 9, "taskid": 4}}, "9/4"),
        ({"user_data": '{"proid":"9","taskid":"4"}'}, "9/4"),
        ({"user_data": {"taskid": "4"}, "call_vars": "trans_que=1,trans_pro=9"}, "9/4"),
        ({"call_vars": "trans_pro=9"}, "9"),
        ({"user_data": {"taskid": "4"}}, None),
        ({"user_data": "free text"}, None),
        ({"user_data": []}, None),
        ({"user_data": None}, None),
        ({"user_data": "[" * 100_000}, None),
        ({"user_data": {"proid": {"x": 1}}, "call_vars": 5}, None),
    ],
)
def test_the_campaign(fields, campaign):
    assert one(ENDED | fields).campaign == campaign


def test_empty_strings_are_unknown_and_unknown_fields_break_nothing():
    call = one(ENDED | {"transPhone": "", "calledVendor": " ", "caller": "", "new": {"a": [1]}})
    assert (call.rep, call.carrier, call.display_number) == (None, None, None)
    assert one(ENDED | {"transPhone": "8001"}).rep == "8001"


@pytest.mark.parametrize("call_id", ["6811535818021285888", 6811535818021285888])
def test_big_ids_lose_no_digit(call_id):
    assert one(ENDED | {"callId": call_id}).call_id == "6811535818021285888"


@pytest.mark.parametrize("callresult", ["3", 7, "", None, "02"])
def test_an_unknown_callresult_is_refused(callresult):
    with pytest.raises(InvalidRecord) as refused:
        one(ENDED | {"callresult": callresult})
    assert refused.value.code == "unknown-callresult"


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"endTime": 999}, "ends-before-start"),
        ({"ansTime": 1101}, "out-of-order"),
        ({"callId": ""}, "not-a-cdr"),
        ({"callId": None}, "not-a-cdr"),
        ({"callId": 6.8e18}, "not-a-cdr"),
        ({"callId": "with space"}, "not-a-cdr"),
        ({"caller": {"a": 1}}, "not-a-cdr"),
        ({"startTime": 1623996691000}, "not-a-cdr"),
        ({"startTime": "2021-03-23"}, "not-a-cdr"),
        ({"startTime": 10.5}, "not-a-cdr"),
        ({"startTime": True}, "not-a-cdr"),
        ({"linkSecs": -1}, "not-a-cdr"),
        ({"linkSecs": "9" * 5000}, "not-a-cdr"),
    ],
)
def test_a_bad_record_is_refused_by_its_code(fields, code):
    with pytest.raises(InvalidRecord) as refused:
        one(ENDED | fields)
    assert refused.value.code == code


@pytest.mark.parametrize("data", [b"", b"5", b"[]", b"{", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_object_is_refused(data):
    with pytest.raises(InvalidRecord) as refused:
        one(data)
    assert refused.value.code == "not-a-cdr"


def test_a_refusal_does_not_tell_the_number():
    number = str(13_800_138_000)
    with pytest.raises(InvalidRecord) as refused:
        one(ENDED | {"caller": [number], "startTime": f"{number}x"})
    assert number not in "".join(traceback.format_exception(refused.value))
    assert "startTime" in refused.value.reason


def test_moments_that_contradict_one_another_give_no_duration():
    assert one(ENDED | {"ringTime": 1011}).ring_seconds is None


scalar = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12)


@given(st.dictionaries(st.sampled_from([*ENDED, "userData", "call_vars", "caller"]), scalar))
def test_any_record_is_a_call_or_refused(fields):
    try:
        call = one(ENDED | fields)
    except InvalidRecord:
        return
    assert Call.model_validate_json(call.to_json()) == call
