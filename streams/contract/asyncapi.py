"""All topics as an AsyncAPI 3 document (asyncapi.com/docs/reference/specification/v3.0.0)."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import version
from importlib.resources import files

from schemas import topics
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.topics import Cleanup, Topic
from streams.contract.jsonschemas import Schema, shared_schemas

_OBSERVED = datetime(2026, 11, 22, 22, 58, 44, tzinfo=UTC)
_BINDING = "0.5.0"
_JSON = "application/json"
_MSGPACK = "application/vnd.msgpack"

_EXTENSIONS: Mapping[str, Mapping[str, str]] = {
    topics.RAW_SEVENMOOR_REPORT.name: {
        "ce_periodstart": "start of the period that the counts cover",
        "ce_timezone": "the account's time zone",
    },
    topics.RAW_SEVENMOOR_TASK.name: {"ce_timezone": "the account's time zone"},
    topics.RAW_HUAWEI_STATISTICS.name: {"ce_vdn": "the VDN"},
    topics.RAW_HUAWEI_MISSED.name: {
        "ce_vdn": "the VDN",
        "ce_zone": "zone of the times in the record",
    },
    topics.RAW_ICSOC_CDR.name: {
        "ce_timezone": "the account's time zone",
        "ce_form": "search or push, which spell the same fields differently",
    },
}
_ORIGIN = "the raw record that it was made of: topic/partition/offset"
_WITH_ORIGIN = (topics.CALLS, topics.TALLIES, topics.MISSED_CALLS, topics.CAMPAIGNS)
_LETTER = {
    "dl_stage": "who refused it",
    "dl_code": "a short stable word to group by",
    "dl_reason": "a sentence for the person who reads it",
    "dl_topic": "where it stood; for a refused push the address it came to",
    "dl_partition": "its partition; -1 for a push",
    "dl_offset": "its offset; -1 for a push",
    "dl_failed_at": "when",
}
_LETTER_MAY_HAVE = {
    "dl_key": "its key, where it had one",
    "dl_replayed": "a mark: the dead letter at this partition/offset was replayed",
    "dl_replayed_at": "a mark: when it was replayed",
}
_WRITTEN_BY_OTHERS = (topics.SILENCES,)


def asyncapi() -> Schema:
    """Make the document."""
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "callstreams",
            "version": version("callstreams"),
            "description": "Calls, counts, rates and alerts of a call centre that works through "
            "several vendors, on Apache Kafka. docs/topics.md tells each field. A field whose "
            "value is not known is left out; unknown fields may be added, ignore them.",
            "license": {"name": "Apache-2.0"},
        },
        "defaultContentType": _JSON,
        "servers": {
            "kafka": {
                "host": "127.0.0.1:9092",
                "protocol": "kafka",
                "description": "As `kafka.bootstrap_servers` of the configuration says.",
            }
        },
        "channels": {topic.name: _channel(topic) for topic in topics.ALL},
        "operations": dict(map(_operation, topics.ALL)),
        "components": {
            "messages": {topic.name: _message(topic) for topic in topics.ALL},
            "schemas": shared_schemas("#/components/schemas/{model}"),
        },
    }


@cache
def examples() -> dict[str, Schema]:
    """Give a message of each topic by its name: `key`, `headers`, `payload`."""
    text = files("schemas").joinpath("examples.json").read_text(encoding="utf-8")
    found: dict[str, Schema] = json.loads(text)
    return found


def _channel(topic: Topic) -> Schema:
    configs: Schema = {"cleanup.policy": [str(topic.cleanup)]}
    milliseconds = int(topic.retention.total_seconds() * 1000)
    compact = topic.cleanup is Cleanup.COMPACT
    configs["delete.retention.ms" if compact else "retention.ms"] = milliseconds
    kafka: Schema = {"topicConfiguration": configs, "bindingVersion": _BINDING}
    if not topic.partitioned:
        kafka["partitions"] = 1
    return {
        "address": topic.name,
        "summary": topic.purpose,
        "messages": {"message": {"$ref": f"#/components/messages/{topic.name}"}},
        "bindings": {"kafka": kafka},
        **({"x-internal": True} if topic.purpose.startswith("internal") else {}),
    }


def _operation(topic: Topic) -> tuple[str, Schema]:
    action = "receive" if topic in _WRITTEN_BY_OTHERS else "send"
    return f"{action}-{topic.name}", {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic.name}"},
    }


def _message(topic: Topic) -> Schema:
    return {
        "name": topic.name,
        "title": topic.purpose,
        "contentType": _MSGPACK if topic is topics.PARTIALS else _JSON,
        "headers": _headers(topic),
        "payload": _payload(topic),
        "bindings": {
            "kafka": {
                "key": {"type": "string", "description": topic.key},
                "bindingVersion": _BINDING,
            }
        },
        "examples": [_example(topic)],
    }


def _example(topic: Topic) -> Schema:
    example = examples()[topic.name]
    headers = example["headers"]
    if topic in topics.RAW:
        vendor, account, subject = example["key"].split("/", 2)
        record = RawRecord(
            Vendor(vendor),
            account,
            feed=topic.name.removeprefix(f"raw.{vendor}."),
            subject=subject,
            data=json.dumps(example["payload"], ensure_ascii=False).encode(),
            observed_at=_OBSERVED,
            extensions={name.removeprefix("ce_"): value for name, value in headers.items()},
        )
        headers = {name: value.decode() for name, value in record.headers()}
    told = {"headers": headers} if headers else {}
    return {"name": example["key"], **told, "payload": example["payload"]}


def _payload(topic: Topic) -> Schema:
    if topic.model is not None:
        return {"$ref": f"#/components/schemas/{topic.model.__name__}"}
    if topic in topics.RAW:
        return {"description": "the vendor's own bytes, unchanged"}
    if topic is topics.DEAD_LETTERS:
        return {"description": "the record's own bytes; none for the mark of a replay"}
    return {"description": "internal: it may change with any version"}


def _headers(topic: Topic) -> Schema:
    if topic in topics.RAW:
        return _cloud_event(topic)
    if topic in _WITH_ORIGIN:
        return _told({"origin": _ORIGIN})
    if topic is topics.DEAD_LETTERS:
        return _told({**_LETTER, **_LETTER_MAY_HAVE}, required=())
    return {"type": "object"}


def _cloud_event(topic: Topic) -> Schema:
    """Tell the envelope: CloudEvents 1.0, Kafka binding, binary mode."""
    vendor, _, feed = topic.name.removeprefix("raw.").partition(".")
    attributes = _told(
        {
            "ce_specversion": "of CloudEvents",
            "ce_id": "subject:digest; the same for each re-read of unchanged content",
            "ce_source": "/vendor/account/feed",
            "ce_type": "what it is",
            "ce_time": "when it was read, or pushed to us",
            "ce_subject": "what it is about, stable over re-reads",
            "content-type": "media type of the value",
            **_EXTENSIONS[topic.name],
        }
    )
    known: Schema = {
        "ce_specversion": {"const": "1.0"},
        "ce_source": {"pattern": f"^/{Vendor(vendor)}/[^/]+/{feed}$"},
        "ce_type": {"const": f"callstreams.raw.{vendor}.{feed}.v1"},
        "ce_time": {"format": "date-time"},
    }
    for name, more in known.items():
        attributes["properties"][name] |= more
    return attributes


def _told(texts: Mapping[str, str], *, required: tuple[str, ...] | None = None) -> Schema:
    names = list(texts) if required is None else list(required)
    return {
        "type": "object",
        "properties": {
            name: {"type": "string", "description": text} for name, text in texts.items()
        },
        **({"required": names} if names else {}),
    }
