"""The messages against those of the last release (tests/schemas/baseline).

A change that breaks somebody on purpose: tell it in CHANGELOG.md under "Changed", say what
readers are to do, and take the new contract for the baseline:

    callstreams schemas export --to tests/schemas/baseline/schemas

The same at each release, when only additions are in it.
"""

import copy
import json
from pathlib import Path

import pytest
import yaml
from pydantic import BaseModel

from streams.contract.asyncapi import asyncapi
from streams.contract.jsonschemas import message_schemas

from .compatible import breaks

_BASELINE = Path(__file__).parent / "baseline"
_OLD = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))
    for path in sorted((_BASELINE / "schemas").glob("*.json"))
}
_NEW = message_schemas()


@pytest.mark.parametrize("name", _OLD)
def test_no_message_breaks_those_who_read_it(name):
    assert name in _NEW, f"{name} is no message any more"
    assert breaks(_OLD[name], _NEW[name]) == []


def test_no_topic_breaks_those_who_read_it():
    old = yaml.safe_load((_BASELINE / "asyncapi.yaml").read_text(encoding="utf-8"))
    new = asyncapi()
    public = [name for name, each in old["channels"].items() if not each.get("x-internal")]
    assert public
    for name in public:
        assert name in new["channels"], f"the topic {name} is gone"
        before, after = (each["components"]["messages"][name] for each in (old, new))
        assert after["bindings"]["kafka"]["key"] == before["bindings"]["kafka"]["key"], name
        assert after["payload"].get("$ref") == before["payload"].get("$ref"), name
        assert breaks(before["headers"], after["headers"]) == [], name
        before, after = (
            each["channels"][name]["bindings"]["kafka"]["topicConfiguration"]["cleanup.policy"]
            for each in (old, new)
        )
        assert after == before, f"{name}: readers rely on its being kept so"


def test_the_baseline_is_no_copy_of_something_else():
    assert len(_OLD) > 5
    assert set(_OLD) <= set(_NEW)


def _old():
    return {
        "$defs": {"State": {"type": "string", "enum": ["on", "off"]}},
        "type": "object",
        "properties": {
            "id": {"type": "string", "minLength": 1},
            "state": {"$ref": "#/$defs/State"},
            "count": {"type": "integer"},
            "labels": {"type": "object", "additionalProperties": {"type": "string"}},
            "parts": {"type": "array", "items": {"$ref": "#/$defs/State"}},
        },
        "required": ["id", "state"],
    }


def _changed(change):
    schema = copy.deepcopy(_old())
    change(schema)
    return schema


def _add(name, schema, *, required=False):
    def change(whole):
        whole["properties"][name] = schema
        if required:
            whole["required"].append(name)

    return change


_ADDITIONS = {
    "nothing": lambda whole: None,
    "a description": lambda whole: whole["properties"]["id"].update(description="names it"),
    "a field that may be left out": _add("note", {"type": "string"}),
    "a field with a default": _add("n", {"type": "integer", "default": 0}, required=True),
    "a part that moved": lambda whole: whole["properties"].update(
        state={"type": "string", "enum": ["on", "off"]}
    ),
}
_BREAKS = {
    "id: the field is gone": lambda whole: whole["properties"].pop("id"),
    "note: a new field is needed": _add("note", {"type": "string"}, required=True),
    "count: it is needed now": lambda whole: whole["required"].append("count"),
    "id: it was always there": lambda whole: whole["required"].remove("id"),
    "count: type was integer, is number": _add("count", {"type": "number"}),
    "count: type was integer, is string": _add("count", {"type": "string"}),
    "id: minLength was 1, is 3": lambda whole: whole["properties"]["id"].update(minLength=3),
    "id: pattern was None": lambda whole: whole["properties"]["id"].update(pattern="^x"),
    "state: 'off' is no value any more": lambda whole: whole["$defs"]["State"]["enum"].remove(
        "off"
    ),
    "parts[]: 'standby' is a value": lambda whole: whole["$defs"]["State"]["enum"].append(
        "standby"
    ),
    "labels.*: type was string": lambda whole: whole["properties"]["labels"].update(
        additionalProperties={"type": "integer"}
    ),
    "labels: additionalProperties was": lambda whole: whole["properties"]["labels"].pop(
        "additionalProperties"
    ),
}


@pytest.mark.parametrize("change", _ADDITIONS)
def test_what_only_adds_passes(change):
    assert breaks(_old(), _changed(_ADDITIONS[change])) == []


@pytest.mark.parametrize("told", _BREAKS)
def test_what_breaks_is_told(told):
    assert any(each.startswith(told) for each in breaks(_old(), _changed(_BREAKS[told])))


def test_a_renamed_field_of_a_model_is_seen():
    class Before(BaseModel):
        attempts: int
        note: str | None = None

    class After(BaseModel):
        tries: int
        note: str | None = None

    assert breaks(Before.model_json_schema(), After.model_json_schema()) == [
        "attempts: the field is gone",
        "tries: a new field is needed, and old messages lack it",
    ]
