"""The raw records' headers, read by the CloudEvents project's own SDK."""

import json
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.kafka import KafkaMessage, from_binary_event
from hypothesis import given
from hypothesis import strategies as st

from schemas import topics
from schemas.base import Vendor
from schemas.envelope import RawRecord, read_envelope
from streams.contract.asyncapi import asyncapi
from tests.operations.conftest import read_all, write_all

AT = datetime(2026, 11, 22, 22, 58, 44, 680725, UTC)
RECORD = RawRecord(
    Vendor.ICSOC, "main", "cdr", "4711", '{"callId": "4711", "名": 1.50}'.encode(), AT,
    {"form": "push", "timezone": "Asia/Shanghai"},
)  # fmt: skip


def event_of(headers, key, value):
    return from_binary_event(KafkaMessage(headers=dict(headers), key=key, value=value))


def test_a_record_on_kafka_is_an_event_to_the_sdk(kafka):
    topic = topics.RAW_ICSOC_CDR.name
    write_all(kafka, (topic, RECORD.key, RECORD.data, RECORD.headers(), None))
    message = read_all(kafka, topic, 1, lambda each: each.value == RECORD.data)[0]
    event = event_of(message.headers, message.key, message.value)
    assert event.get_specversion() == "1.0"
    assert event.get_id() == RECORD.id
    assert event.get_source() == "/icsoc/main/cdr"
    assert event.get_type() == "callstreams.raw.icsoc.cdr.v1"
    assert event.get_subject() == "4711"
    assert event.get_time() == AT
    assert event.get_datacontenttype() == "application/json"
    assert event.get_extension("form") == "push"
    assert event.get_extension("timezone") == "Asia/Shanghai"
    assert event.get_extension("partitionkey") == "icsoc/main/4711"
    assert event.get_data() == json.loads(RECORD.data)
    assert read_envelope(message.headers, message.value) == RECORD


@pytest.mark.parametrize("topic", topics.RAW, ids=lambda topic: topic.name)
def test_each_raw_topics_example_is_an_event(topic):
    (example,) = asyncapi()["components"]["messages"][topic.name]["examples"]
    headers = [(name, value.encode()) for name, value in example["headers"].items()]
    event = event_of(headers, example["name"].encode(), json.dumps(example["payload"]).encode())
    assert event.get_type() == f"callstreams.{topic.name}.v1"
    assert event.get_data() == example["payload"]


_WORDS = st.text(st.characters(codec="utf-8", exclude_categories=["Cs", "Cc"]), min_size=1)


@given(
    subject=_WORDS,
    extensions=st.dictionaries(
        st.sampled_from(["vdn", "zone", "form", "timezone", "periodstart"]), _WORDS
    ),
    at=st.datetimes(timezones=st.just(UTC)),
)
def test_any_record_is_an_event(subject, extensions, at):
    record = RawRecord(Vendor.HUAWEI, "b", "missed-call", subject, b"{}", at, extensions)
    event = event_of(record.headers(), record.key, record.data)
    assert (event.get_id(), event.get_subject(), event.get_time()) == (record.id, subject, at)
    assert {name: event.get_extension(name) for name in extensions} == extensions
