"""What the models of a rule share: strictness, thresholds, and errors that stand at a key."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from streams.core.rules.durations import DURATION_SCHEMA, parse_duration


class Side(StrEnum):
    """On which side of the threshold the trouble is."""

    BELOW = "below"
    ABOVE = "above"


class Strict(BaseModel):
    """A frozen value; a key that it does not have is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


def wrong(key: str, text: str) -> PydanticCustomError:
    """Make an error that stands at one key of the rule."""
    return PydanticCustomError("rule", "{text}", {"key": key, "text": text})


def _number(value: object) -> object:
    if isinstance(value, str):
        try:
            return float(value.strip().removesuffix("%")) / (100 if "%" in value else 1)
        except ValueError:
            pass
        try:
            return float(parse_duration(value))
        except ValueError as error:
            raise ValueError(f"{value!r} is not a number: write 20%, 0.2 or 5") from error
    if isinstance(value, bool):
        raise ValueError("true and false are no thresholds: write 20%, 0.2 or 5")  # noqa: TRY004
    return value


Threshold = Annotated[
    float,
    BeforeValidator(_number),
    Field(allow_inf_nan=False),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "number"},
                {"type": "string", "pattern": r"^\d+(\.\d+)? ?%$"},
                DURATION_SCHEMA,
            ]
        }
    ),
]
"""A share as `20%` or 0.2, a plain number, or for seconds a duration."""
