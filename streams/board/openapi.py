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
    """One operation of the API.

    Attributes:
        path: with its parameters in braces.
        query: the struct that reads the query.
        answer: the struct that is answered; None for a stream of events.
        refusals: the statuses it may answer instead, with their meanings.
        open: it asks for no token.
        method: GET reads; the others write, and need the token that may.
        body: the struct that is sent.
    """

    path: str
    summary: str
    query: type[msgspec.Struct]
    answer: type[msgspec.Struct] | None
    refusals: tuple[tuple[int, str], ...] = ()
    open: bool = False
    method: str = "GET"
    body: type[msgspec.Struct] | None = None


def describe(operations: Sequence[Operation], *, secured: bool) -> dict[str, JsonValue]:
    """Write the description of the operations; `secured` where a token is configured."""
    structs = [each for one in operations for each in (one.answer, one.body) if each is not None]
    _, components = msgspec.json.schema_components([*structs, Problem], ref_template=_REF)
    paths: dict[str, dict[str, JsonValue]] = {}
    for one in operations:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one, secured=secured)
    document: dict[str, JsonValue] = {
        "openapi": "3.1.0",
        "info": {
            "title": "callstreams wallboard",
            "version": "1",
            "description": "Current counts by scope and window, their course, alerts and sources. "
            "Moments are RFC 3339, UTC; rates are 0..1 with their Wilson 95 % interval. Every "
            "wallboard reads all partitions of its topics, so each answers for every scope, "
            "whichever worker counts it.",
        },
        "paths": {path: dict(methods) for path, methods in paths.items()},
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }
    return document


def _operation(one: Operation, *, secured: bool) -> JsonValue:
    refusals = dict(one.refusals)
    writes = one.method != "GET"
    refusals[400] = "what is asked cannot be used; the text names the mend"
    if not one.open:
        refusals[401] = "a token is needed, or this one is wrong"
    described: dict[str, JsonValue] = {
        "summary": one.summary,
        "operationId": _identity(one),
        "parameters": [*_in_path(one.path), *_in_query(one.query)],
        "responses": {
            "201" if one.method == "POST" else "200": {
                "description": "ok",
                "content": _content(one.answer),
            },
            **{
                str(status): {"description": meaning, "content": _content(Problem)}
                for status, meaning in sorted(refusals.items())
            },
        },
    }
    if one.body is not None:
        described["requestBody"] = {"required": True, "content": _content(one.body)}
    if (secured or writes) and not one.open:
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


def _identity(one: Operation) -> str:
    words = re.sub(r"[^a-z]+", " ", one.path.removeprefix("/api/v1")).split()
    if one.method != "GET":
        words.insert(0, one.method.lower())
    return "".join(word if place == 0 else word.title() for place, word in enumerate(words))
