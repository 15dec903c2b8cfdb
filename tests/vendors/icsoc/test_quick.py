"""What is read of a push quickly and what thoroughly is the same, or quickly nothing at all."""

import json

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.ingress.contract import PushRefused
from connectors.vendors.icsoc.push import PushReceiver, PushSettings
from connectors.vendors.icsoc.quick import read_call_id, read_push
from connectors.vendors.icsoc.signature import sign

from .conftest import NOW
from .test_push import body, sealed
from .test_signature import DATA, SECRET

RECEIVER = PushReceiver("main", "Asia/Shanghai", PushSettings(secrets=("old", SECRET)))

names = st.sampled_from(["data", "type", "sign", "timestamp", "d\\u0061ta", "é", "x", ""])
records = st.sampled_from(
    [
        DATA,
        '{"call_id":7}',
        '{"callId":"a","call_id":"b"}',
        '{"call_id":"a","call_id":"b"}',
        '{"call_id":"1","x":NaN}',
        '{"call_id":"1","x":1e999}',
        '{"call_id":"1","x":"\\ud800"}',
        '{"call_id":"1","x":' + "[" * 40 + "]" * 40 + "}",
        '{"call_id" : "1" }',
        '{"call_id":true}',
        "[1]",
    ]
)
data = records | records.map(lambda text: sealed(text.encode())) | st.just('"x"')
values = st.sampled_from(["1", '"1"', "2", "null", '""', '"\\/"', "{}"]) | data
blanks = st.sampled_from(["", "", "", " ", "\n"])


@st.composite
def pushes(draw):
    signed = draw(data)
    text = json.loads(signed) if signed.startswith('"') else signed
    members = [("type", draw(st.sampled_from(["1", '"1"']))), ("data", signed)]
    members += [("sign", json.dumps(sign(text, SECRET)))]
    members += draw(st.lists(st.tuples(names, values), max_size=2))
    blank = draw(blanks)
    inside = f",{blank}".join(f'"{name}":{value}' for name, value in draw(st.permutations(members)))
    return f"{{{inside}}}{draw(blanks)}".encode()


def outcome(receive, push):
    try:
        return receive(push, NOW)
    except PushRefused as refusal:
        return (refusal.status, refusal.code, refusal.data)


@given(pushes())
@example(body(DATA)[:-1] + b',"data":{"call_id":"evil"}}')
@example(b'{"data":{"call_id":"evil"},' + body(DATA)[1:])
def test_what_is_read_quickly_is_what_is_read_thoroughly(push):
    quick = RECEIVER._received_quickly(push, NOW)
    assert quick is None or quick == outcome(RECEIVER._received, push)


@pytest.mark.parametrize("push", [body(DATA), body(sealed(DATA.encode()))], ids=["plain", "sealed"])
def test_the_vendors_form_is_read_quickly(push):
    assert RECEIVER._received_quickly(push, NOW).data == DATA.encode()
    assert RECEIVER._received_quickly(push.replace(b'"sign":"', b'"sign":"0'), NOW) is None


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"{",
        b"[]",
        b'{"type":2,"data":{},"sign":""}',
        b'{"type":1,"sign":""}',
        b'{"type":1,"data":{},"sign":5}',
        b'{"type":1,"data":{},"data":{},"sign":""}',
        b'{"type":1, "data":{},"sign":""}',
        '{"type":1,"data":{},"sign":"é"}'.encode(),
        b'{"type":1,"data":' + b"[" * 100_000,
    ],
)
def test_everything_else_is_left_to_the_thorough_reading(text):
    assert read_push(text) is None
    assert read_call_id(text) is None


def test_a_record_with_something_around_it_is_left_too():
    assert read_call_id(b'{"call_id":"7"}') == "7"
    assert read_call_id(b' {"call_id":"7"}') is None
    assert read_call_id(b'{"call_id":"7"}\n') is None
