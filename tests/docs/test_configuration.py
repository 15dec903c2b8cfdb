"""docs/configuration.md names every key with its default, and no other."""

from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import get_args

import pytest
from pydantic import BaseModel, SecretStr

from schemas.base import Message
from streams.core.rules.durations import parse_duration, write_duration
from streams.settings import Settings
from tests.docs.pages import ROOT, code, tables

_PAGE = ROOT / "docs" / "configuration.md"


def _models_in(annotation):
    # A message among the settings is a value that is written as text.
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield from () if issubclass(annotation, Message) else (annotation,)
    for part in get_args(annotation):
        yield from _models_in(part)


def _sections(model=Settings, path=()):
    """Give each model of the configuration with the path that its heading has."""
    for name, field in model.model_fields.items():
        for part in _models_in(field.annotation):
            kind = part.model_fields.get("vendor") or part.model_fields.get("type")
            here = (*path, name, *([get_args(kind.annotation)[0]] if kind else []))
            yield ".".join(here), part
            yield from _sections(part, here)


_SECTIONS = dict(_sections())


def _written(field):
    """Write a default as it stands in YAML."""
    value = field.get_default(call_default_factory=True)
    if field.is_required():
        return "required"
    if any(getattr(each, "func", None) is parse_duration for each in field.metadata):
        return write_duration(value)
    return _plain(value)


def _plain(value):
    match value:
        case None | "":
            return "-"
        case SecretStr():
            assert value.get_secret_value() == "", "a default secret stands in the source"
            return "-"
        case bool():
            return str(value).lower()
        case timedelta():
            return f"{value.total_seconds():g}"
        case tuple() | list():
            return f"[{', '.join(map(_plain, value))}]"
        case Enum() | str() | Path() | int() | float() | dict():
            return str(value)
    raise TypeError(f"how is {value!r} written in YAML?")


@pytest.mark.parametrize("section", _SECTIONS)
def test_each_section_has_its_keys_and_their_defaults(section):
    rows = tables(_PAGE).get(section)
    assert rows is not None, f"docs/configuration.md has no section {section}"
    told = {code(row[0]): code(row[1]) for row in rows}
    assert told == {
        name: _written(field) for name, field in _SECTIONS[section].model_fields.items()
    }
    assert all(row[2] for row in rows), "a key without its meaning"


def test_there_are_no_other_sections():
    assert set(tables(_PAGE)) == set(_SECTIONS)
