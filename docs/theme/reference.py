"""Write the reference from the code, at every build.

`<!-- here: commands -->`, `<!-- here: rule-schema -->` and `<!-- here: schemas -->` in a page
become what the command, the rules and the messages are at that moment.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

from streams.cli.main import app
from streams.core.rules import rules_schema

_SCHEMAS = Path(__file__).parents[1] / "schemas"
_HERE = re.compile(r"^<!-- here: (commands|rule-schema|schemas) -->$", re.MULTILINE)


def on_page_markdown(markdown: str, **_: object) -> str:
    """Put in what the page asks for."""
    return _HERE.sub(lambda match: write(match[1]), markdown)


def write(what: str) -> str:
    """Write one part of the reference, as Markdown."""
    lines = {
        "commands": lambda: _commands(get_command(app), "callstreams"),
        "rule-schema": lambda: _models(rules_schema()),
        "schemas": _messages,
    }
    return "\n".join(lines[what]())


def _commands(command: Any, name: str) -> Iterator[str]:  # noqa: ANN401 - typer's own click
    children = getattr(command, "commands", {})
    if command.name != app.info.name:
        yield f"\n## {name}\n\n{_cell(command.help or '')}\n"
        yield from _parameters(command)
    for child in children.values():
        if not child.hidden:
            yield from _commands(child, f"{name} {child.name}")


def _parameters(command: Any) -> Iterator[str]:  # noqa: ANN401
    shown = [each for each in command.params if not getattr(each, "hidden", False)]
    if not shown:
        return
    yield "| option | default | meaning |\n| --- | --- | --- |"
    for each in shown:
        name = ", ".join(f"`{opt}`" for opt in each.opts)
        if each.param_type_name == "argument":
            name = f"`{each.metavar or each.name.upper()}`"
        said = _cell(getattr(each, "help", None) or "")
        if each.envvar:
            said += f" Environment: `{each.envvar}`."
        yield f"| {name} | {_default(each)} | {said} |"


def _default(parameter: Any) -> str:  # noqa: ANN401
    if parameter.required:
        return "needed"
    value = parameter.default
    if value is None or value == () or value is False or callable(value):
        return ""
    return f"`{getattr(value, 'value', value)}`"


def _messages() -> Iterator[str]:
    for path in sorted(_SCHEMAS.glob("*.json")):
        schema = json.loads(path.read_text(encoding="utf-8"))
        yield f"\n## {path.stem}\n\n{_first(schema)} [{path.name}](schemas/{path.name})\n"
        yield from _fields(schema)


def _models(schema: dict[str, Any]) -> Iterator[str]:
    for name, part in {"File": schema, **schema.get("$defs", {})}.items():
        if "properties" in part:
            yield f"\n## {name}\n\n{_first(part)}\n"
            yield from _fields(part)


def _fields(schema: dict[str, Any]) -> Iterator[str]:
    yield "| key | type | needed | meaning |\n| --- | --- | --- | --- |"
    needed = schema.get("required", [])
    for name, field in schema["properties"].items():
        said = _cell(field.get("description", ""))
        mark = "yes" if name in needed else ""
        yield f"| `{name}` | {_type(field)} | {mark} | {said} |"


def _type(field: dict[str, Any]) -> str:
    for several in ("anyOf", "oneOf", "allOf"):
        if several in field:
            return " or ".join(dict.fromkeys(_type(each) for each in field[several]))
    if "$ref" in field:
        return field["$ref"].rpartition("/")[2]
    if "enum" in field or "const" in field:
        return ", ".join(f"`{each}`" for each in field.get("enum", [field.get("const")]))
    if field.get("type") == "array":
        return f"list of {_type(field.get('items', {}))}"
    kind = field.get("type", "any")
    return field.get("format") or (" or ".join(kind) if isinstance(kind, list) else kind)


def _first(schema: dict[str, Any]) -> str:
    return _cell(schema.get("description", "").partition("\n\n")[0])


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")
