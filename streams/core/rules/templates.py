"""The texts of an alert, as a rule writes them: named placeholders, English and Chinese."""

from __future__ import annotations

from collections.abc import Mapping
from string import Formatter
from typing import Annotated

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, WithJsonSchema

PLACEHOLDERS = {
    "rule": "the rule's name",
    "severity": "its severity",
    "scope": "the scope's text form",
    "subject": "the scope in words: display number 0755… (icsoc/main)",
    "vendor": "the scope's vendor",
    "account": "the scope's account",
    "kind": "the scope's kind in words",
    "value": "the scope's value: the display number, the queue …",
    "metric": "the metric in words",
    "measured": "what was measured, with its unit",
    "low": "the lower end of the rate's interval",
    "high": "the upper end of the rate's interval",
    "successes": "the upper number of the rate",
    "attempts": "what the rate is taken over",
    "side": "below or above",
    "threshold": "what it was held against",
    "resolve": "where it resolves",
    "baseline": "what was usual, with its sample: 31% (412 of 1330)",
    "baseline_hours": "when that was: Mondays 10:00 of the last 4 weeks",
    "tolerance": "how far from the baseline is trouble",
    "window": "the window that decided",
    "last_event": "the newest call counted (UTC)",
}


def check_template(text: str) -> str:
    """Check that a template holds known placeholders alone.

    Raises:
        ValueError: it does not; the text names the mend.
    """
    try:
        parts = list(Formatter().parse(text))
    except ValueError as error:
        raise ValueError(f"{text!r}: {error}; write a brace itself as {{{{ or }}}}") from error
    for _, name, spec, conversion in parts:
        if name is None:
            continue
        if name not in PLACEHOLDERS or spec or conversion:
            shown = name + (f"!{conversion}" if conversion else "") + (f":{spec}" if spec else "")
            raise ValueError(
                f"{{{shown}}} is no placeholder; those are "
                + ", ".join(f"{{{each}}}" for each in PLACEHOLDERS)
            )
    return text


Template = Annotated[str, AfterValidator(check_template)]


class Text(BaseModel):
    """One annotation in both languages; a plain string stands for both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    en: Template
    zh: Template


def _both(value: object) -> object:
    return {"en": value, "zh": value} if isinstance(value, str) else value


TextField = Annotated[
    Text,
    BeforeValidator(_both),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string"},
                {
                    "type": "object",
                    "properties": {"en": {"type": "string"}, "zh": {"type": "string"}},
                    "required": ["en", "zh"],
                    "additionalProperties": False,
                },
            ],
            "description": "placeholders: " + ", ".join(f"{{{each}}}" for each in PLACEHOLDERS),
        }
    ),
]
"""A text as a rule writes it."""


def render(template: str, values: Mapping[str, str]) -> str:
    """Fill in a checked template."""
    return template.format_map(values)
