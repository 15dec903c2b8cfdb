"""docs/schemas and docs/asyncapi.yaml are current, are what they claim, and fit the messages."""

import json
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from typer.testing import CliRunner

from schemas import topics
from streams.cli.main import app
from streams.contract.asyncapi import asyncapi, examples
from streams.contract.jsonschemas import message_models, message_schemas
from tests.docs.examples import examples as told_examples
from tests.docs.pages import ROOT

# github.com/asyncapi/spec-json-schemas, schemas/3.0.0-without-$id.json, Apache-2.0
_ASYNCAPI = json.loads((Path(__file__).parent / "asyncapi-3.0.0.json").read_text("utf-8"))


def export(to, *options):
    return CliRunner().invoke(app, ["schemas", "export", "--to", str(to), *options])


def test_the_documents_in_docs_are_current():
    result = export(ROOT / "docs" / "schemas", "--check")
    assert result.exit_code == 0, result.stderr


def test_a_stale_a_missing_and_a_leftover_document_are_told_and_written_anew(tmp_path):
    folder = tmp_path / "docs" / "schemas"
    assert export(folder).exit_code == 0
    assert export(folder, "--check").exit_code == 0
    stale, missing, leftover = folder / "call.json", folder / "alert.json", folder / "gone.json"
    for spoil in (
        lambda: stale.write_text("{}"),
        missing.unlink,
        lambda: leftover.write_text("{}"),
        lambda: (tmp_path / "docs" / "asyncapi.yaml").write_text("asyncapi: 2.0.0"),
    ):
        spoil()
        result = export(folder, "--check")
        assert result.exit_code == 1
        assert result.stderr.count("is stale") == 1
        assert "callstreams schemas export" in result.stderr
        assert export(folder).exit_code == 0
        assert export(folder, "--check").exit_code == 0
    assert not leftover.exists()


def test_the_document_is_asyncapi_3():
    document = yaml.safe_load((ROOT / "docs" / "asyncapi.yaml").read_text("utf-8"))
    errors = [
        f"{list(each.absolute_path)}: {each.message}"
        for each in Draft7Validator(_ASYNCAPI).iter_errors(document)
    ]
    assert errors == []


def test_each_topic_stands_in_the_document_as_in_the_catalogue():
    document = asyncapi()
    assert [each["address"] for each in document["channels"].values()] == [
        topic.name for topic in topics.ALL
    ]
    for topic in topics.ALL:
        kafka = document["channels"][topic.name]["bindings"]["kafka"]
        configs = {
            name: value[0] if isinstance(value, list) else str(value)
            for name, value in kafka["topicConfiguration"].items()
        }
        assert configs.items() <= topic.configs().items()
        assert (kafka.get("partitions") == 1) is not topic.partitioned


def test_each_reference_leads_somewhere():
    document = asyncapi()

    def references(part):
        if isinstance(part, dict):
            yield from [part["$ref"]] if isinstance(part.get("$ref"), str) else []
            for each in part.values():
                yield from references(each)
        elif isinstance(part, list):
            for each in part:
                yield from references(each)

    found = set(references(document))
    assert found
    for reference in found:
        target = document
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("name", message_schemas())
def test_each_schema_is_a_json_schema(name):
    Draft202012Validator.check_schema(message_schemas()[name])


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
def test_each_example_fits_what_the_document_says_of_it(topic):
    document = asyncapi()
    message = document["components"]["messages"][topic.name]
    for example in message["examples"]:
        for part in ("headers", "payload"):
            if part not in example:
                continue
            schema = message[part] | {"components": document["components"]}
            Draft202012Validator(schema, format_checker=FormatChecker()).validate(example[part])


@pytest.mark.parametrize("name", message_models())
def test_a_schema_says_what_is_left_out_and_what_is_always_there(name):
    model, schema = message_models()[name], message_schemas()[name]
    assert set(schema["properties"]) == set(model.model_fields)
    always = {
        field
        for field, each in model.model_fields.items()
        if each.is_required() or each.get_default(call_default_factory=True) is not None
    }
    assert set(schema.get("required", [])) == always
    assert "null" not in json.dumps(schema)


def test_what_is_told_of_an_attribute_stands_at_its_property():
    call_back = message_schemas()["missed-call"]["properties"]["waited_from"]
    assert call_back["description"] == "when the caller began to wait."
    counted = message_schemas()["answer-rate"]["properties"]["revision"]
    assert counted["description"].startswith("grows with every change of the scope; of two")


def test_the_examples_are_those_of_the_readme():
    for name, told in told_examples(ROOT / "README.md").items():
        example = examples()[name]
        assert (example["key"], example["headers"]) == (told.key, told.headers)
        if isinstance(example["payload"], str):
            assert example["payload"] == told.value
        else:
            assert example["payload"] == yaml.safe_load(told.value)


def test_each_header_of_the_readmes_raw_records_is_in_the_document():
    messages = asyncapi()["components"]["messages"]
    for topic in topics.RAW:
        told = set(examples()[topic.name]["headers"])
        assert told <= set(messages[topic.name]["headers"]["properties"])
