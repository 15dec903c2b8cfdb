import re
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote_to_bytes

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.vendors.huawei.auth import (
    HUAWEIS_OWN,
    Credentials,
    Scheme,
    Unsigned,
    authorize,
    encode,
    encode_query,
)
from connectors.vendors.huawei.payloads import MissedCallQuery

ACCOUNT = Credentials("test-ak", "test-sk")
NOW = datetime(2022, 11, 18, tzinfo=UTC)
BODY = MissedCallQuery(
    vdn=159,
    offset=0,
    limit=3,
    begin_time="2022-11-17 00:13:43",
    end_time="2022-11-17 23:44:13",
).to_body()
HEADERS = {
    "host": "10.22.26.181:28080",
    "content-type": "application/json;charset=UTF-8",
    "content-length": "98",
}
POST = Unsigned("POST", "/rest/cmsapp/v1/callin/queryMissedCalls", HEADERS, body=BODY)
GET = Unsigned(
    "GET",
    "/rest/isales/v2/openapi/campaigns/170/statistics",
    HEADERS,
    {"campaignId": "1549589640", "batchId": "123456"},
)
ALL_THREE = ("content-length", "content-type", "host")


def test_the_body_is_the_vectors_to_the_byte():
    assert BODY == (
        b'{"vdn":159,"offset":0,"limit":3,'
        b'"beginTime":"2022-11-17 00:13:43","endTime":"2022-11-17 23:44:13"}'
    )
    assert len(BODY) == 98


@pytest.mark.parametrize(
    ("request_", "scheme", "prefix", "signature"),
    [
        (
            POST,
            HUAWEIS_OWN,
            "2022-11-18T00:00:00Z/host",
            "3be820a95d1acf1ca544c6f769abb3f6049fcc50bd375d90ceda778b54af5b40",
        ),
        (
            GET,
            HUAWEIS_OWN,
            "2022-11-18T00:00:00Z/host",
            "7fd320b466352991ef14d0d835813149c1c964e87a59e09af2e34b618098868b",
        ),
        (
            POST,
            Scheme(blank_query_line=True),
            "2022-11-18T00:00:00Z/host",
            "cb5a66e95d25e455b986f753dca17c0266e909d021848a028c9da7d5a6560a0d",
        ),
        (
            POST,
            Scheme(signed_headers=ALL_THREE, timestamp_millis=True),
            "2022-11-18T00:00:00.000Z/content-length;content-type;host",
            "fdbdc310cfc9a69aedc092d5cacdf40c31014148e40a7290bbb798f373caeeda",
        ),
    ],
)
def test_signs_the_published_vectors(request_, scheme, prefix, signature):
    assert (
        authorize(ACCOUNT, request_, now=NOW, scheme=scheme)
        == f"auth-v2/test-ak/{prefix}/{signature}"
    )


def test_the_order_in_which_headers_and_query_are_given_does_not_matter():
    scheme = Scheme(signed_headers=tuple(reversed(ALL_THREE)))
    turned = replace(GET, query=dict(reversed(GET.query.items())))

    assert authorize(ACCOUNT, turned, now=NOW, scheme=scheme) == authorize(
        ACCOUNT, GET, now=NOW, scheme=Scheme(signed_headers=ALL_THREE)
    )


def test_a_query_has_its_line_whatever_a_blank_one_would():
    assert authorize(ACCOUNT, GET, now=NOW, scheme=Scheme(blank_query_line=True)) == authorize(
        ACCOUNT, GET, now=NOW
    )


def test_the_time_is_written_in_utc():
    beijing = NOW.astimezone(timezone(timedelta(hours=8)))

    assert authorize(ACCOUNT, POST, now=beijing) == authorize(ACCOUNT, POST, now=NOW)


def test_what_is_signed_is_what_is_sent():
    assert POST.target == POST.path
    assert GET.target == f"{GET.path}?batchId=123456&campaignId=1549589640"
    assert encode_query({"b": "1 2", "a": "呼/叫"}) == "a=%E5%91%BC%2F%E5%8F%AB&b=1%202"


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("-._~AZaz09")
@example("呼叫 /?#+%&=*'()!\x00\x7f")
def test_encoding_keeps_the_unreserved_and_writes_the_rest_in_upper_case_hex(text):
    encoded = encode(text)

    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*", encoded)
    assert unquote_to_bytes(encoded) == text.encode()
    for escape in re.findall(r"%([0-9A-F]{2})", encoded):
        assert not re.match(r"[A-Za-z0-9._~-]", chr(int(escape, 16)))


@given(st.binary())
def test_bytes_are_encoded_byte_for_byte(data):
    assert unquote_to_bytes(encode(data)) == data


def test_credentials_do_not_show_their_secret():
    assert "test-sk" not in repr(ACCOUNT)
