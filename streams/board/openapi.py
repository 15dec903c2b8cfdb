"""The API's description, OpenAPI 3.1, made of the routes and the structs they use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import msgspec
from pydantic import JsonValue

from streams.board.answers import Problem

_REF = "#/components/schemas/{name}"


@dataclass(frozen=True, slots=True)
class Operation:
    """One GET of the API.

    Attributes:
        path: with its parameters in braces.
        query: the struct that reads the query.
        answer: the struct that is answered; None for a stream of events.
        refusals: the statuses it may answer instead, with their meanings.
        open: it asks for no token.
    """

    path: str
    summary: str
    query: type[msgspec.Struct]
    answer: type[msgspec.Struct] | None
    refusals: tuple[tuple[int, str], ...] = ()
    open: bool = False


def describe(operations: Sequence[Operation], *, secured: bool) -> dict[str, JsonValue]:
    """Write the description of the operations; `secured` where a token is configured."""
    answers = [one.answer for one in operations if one.answer is not None] + [Problem]
    _, components = msgspec.json.schema_components(answers, ref_template=_REF)
    document: dict[str, JsonValue] = {
        "openapi": "3.1.0",
        "info": {
            "title": "callstreams wallboard",
            "version": "1",
            "description": "Current counts by scope and window, their course, alerts and sources. "
            "Moments are RFC 3339, UTC; rates are 0..1 with their Wilson 95 % interval.",
        },
        "paths": {one.path: {"get": _operation(one, secured=secured)} for one in operations},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return document


def _operation(one: Operation, *, secured: bool) -> JsonValue:
    refusals = dict(one.refusals)
    refusals[400] = "the query cannot be used; the text names the mend"
    if not one.open:
        refusals[401] = "a token is needed, or this one is wrong"
    described: dict[str, JsonValue] = {
        "summary": one.summary,
        "operationId": _identity(one.path),
        "parameters": [*_in_path(one.path), *_in_query(one.query)],
        "responses": {
            "200": {"description": "ok", "content": _content(one.answer)},
            **{
                str(status): {"description": meaning, "content": _content(Problem)}
                for status, meaning in sorted(refusals.items())
            },
        },
    }
    if secured and not one.open:
        described["security"] = [{"token": []}]
    return described


def _content(answer: type[msgspec.Struct] | None) -> JsonValue:
    if answer is None:
        return {"text/event-stream": {"schema": {"type": "string"}}}
    return {"application/json": {"schema": {"$ref": _REF.format(name=answer.__name__)}}}


def _in_path(path: str) -> Iterable[JsonValue]:
    for name in re.findall(r"\{(\w+)\}", path):
        yield {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}


def _in_query(query: type[msgspec.Struct]) -> Iterable[JsonValue]:
    schema = msgspec.json.schema(query)
    described = schema["$defs"][query.__name__]
    for name, its in described["properties"].items():
        yield {
            "name": name,
            "in": "query",
            "required": name in described.get("required", ()),
            "schema": its,
        }


def _identity(path: str) -> str:
    words = re.sub(r"[^a-z]+", " ", path.removeprefix("/api/v1")).split()
    return "".join(word if place == 0 else word.title() for place, word in enumerate(words))
