"""What the ingress says of itself, in OpenAPI 3.1."""

from __future__ import annotations

from pydantic import JsonValue

_ANSWERS = {
    "200": "taken: Kafka has it",
    "400": "the body is not JSON, or not a push",
    "401": "the signature does not match",
    "403": "the address may not push",
    "404": "no account takes pushes here",
    "408": "the body did not come in time",
    "413": "the body is too large",
    "415": "the body is compressed",
    "422": "signed, and not a record that is taken here",
    "503": "not kept; try again after Retry-After seconds",
}


def describe() -> dict[str, JsonValue]:
    """Write the description. Accounts are not named in it: anybody may read it."""
    answer: JsonValue = {"application/json": {"schema": {"$ref": "#/components/schemas/Answer"}}}
    probe: JsonValue = {"responses": {"200": {"description": "ok", "content": answer}}}
    responses: dict[str, JsonValue] = {
        status: {"description": meaning, "content": answer} for status, meaning in _ANSWERS.items()
    }
    push: JsonValue = {
        "summary": "Push one record",
        "parameters": [
            {"name": name, "in": "path", "required": True, "schema": {"type": "string"}}
            for name in ("vendor", "account")
        ],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": {"$ref": "#/components/schemas/Push"}}},
        },
        "responses": responses,
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": "callstreams push ingress", "version": "1"},
        "paths": {
            "/push/{vendor}/{account}": {"post": push},
            "/healthz": {"get": probe},
            "/readyz": {"get": probe},
        },
        "components": {"schemas": {"Push": _push_schema(), "Answer": _answer_schema()}},
    }


def _push_schema() -> JsonValue:
    return {
        "type": "object",
        "description": "A push as icsoc sends it.",
        "required": ["type", "data"],
        "properties": {
            "type": {"const": 1, "description": "1: a call detail record"},
            "data": {
                "type": ["object", "string"],
                "description": "The record; a string where it is encrypted.",
            },
            "sign": {"type": "string"},
            "timestamp": {"type": "string", "description": "Y-m-d H:i:s"},
        },
    }


def _answer_schema() -> JsonValue:
    return {
        "type": "object",
        "required": ["code", "message"],
        "properties": {
            "code": {"type": "integer", "description": "0: taken; else the HTTP status"},
            "message": {"type": "string"},
        },
    }
