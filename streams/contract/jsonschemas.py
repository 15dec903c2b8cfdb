"""JSON Schemas of the messages as they stand on the topics."""

from __future__ import annotations

import inspect
import re
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue, models_json_schema
from pydantic_core import core_schema

from schemas.topics import ALL

Schema = dict[str, Any]

DIALECT = GenerateJsonSchema.schema_dialect


_ATTRIBUTE = re.compile(r"^    (\w+(?:, \w+)*): (.*\n(?: {8}.*\n)*)", re.MULTILINE)


class _AsWritten(GenerateJsonSchema):
    """A field that is None is left out; one with another default is always written."""

    def nullable_schema(self, schema: core_schema.NullableSchema) -> JsonSchemaValue:
        return self.generate_inner(schema["schema"])

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        told = super().default_schema(schema)
        if told.get("default", ...) is None:
            del told["default"]
        return told

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ANN401
        return False

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        told = super().model_schema(schema)
        if told.get("description"):
            told["description"] = told["description"].partition("\n\nAttributes:\n")[0]
        for name, text in _attributes(schema["cls"]).items():
            if name in told.get("properties", ()):
                told["properties"][name].setdefault("description", text)
        return told

    def field_is_required(self, field: Any, total: bool) -> bool:  # noqa: ANN401
        inner = field["schema"]
        return bool(inner["type"] != "default" or inner.get("default", ...) is not None)


def message_models() -> dict[str, type[BaseModel]]:
    """Give the models of the catalogue by the names of their schemas: `answer-rate`."""
    found = {topic.model for topic in ALL if topic.model is not None}
    return {_name(model): model for model in sorted(found, key=lambda each: each.__name__)}


def message_schemas() -> dict[str, Schema]:
    """Give the schema of each message, whole in itself, by name."""
    return {
        name: {"$schema": DIALECT}
        | model.model_json_schema(mode="serialization", schema_generator=_AsWritten)
        for name, model in message_models().items()
    }


def shared_schemas(place: str) -> dict[str, Schema]:
    """Give the schemas of all messages and their parts by class name.

    Args:
        place: how one refers to another, with `{model}` in it.
    """
    models = [(model, "serialization") for model in message_models().values()]
    _, defined = models_json_schema(
        models,  # type: ignore[arg-type] # "serialization" is one of its modes
        ref_template=place,
        schema_generator=_AsWritten,
    )
    found: dict[str, Schema] = defined["$defs"]
    return found


def _attributes(model: type) -> dict[str, str]:
    """Read what the docstrings of a class and its bases tell of each attribute."""
    found: dict[str, str] = {}
    for each in reversed(model.__mro__):
        _, _, told = inspect.cleandoc(each.__doc__ or "").partition("Attributes:\n")
        for names, text in _ATTRIBUTE.findall(told.partition("\n\n")[0] + "\n"):
            found |= dict.fromkeys(re.split(r",\s*", names), " ".join(text.split()))
    return found


def _name(model: type[BaseModel]) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", model.__name__).lower()
