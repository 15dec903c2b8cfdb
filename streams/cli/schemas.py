"""`callstreams schemas`: the contract as documents, for those who build on the topics."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.markup import escape

from streams.cli.console import err, out
from streams.contract.asyncapi import asyncapi
from streams.contract.jsonschemas import message_schemas

app = typer.Typer(
    name="schemas",
    help="The contract as documents: JSON Schemas of the messages, AsyncAPI of the topics.",
    no_args_is_help=True,
)

_HEAD = "# Written by `callstreams schemas export` from the models in schemas/; not by hand.\n"


@app.callback()
def schemas() -> None:
    """Keep `export` a sub-command, though it is the only one."""


@app.command()
def export(
    to: Annotated[
        Path, typer.Option(file_okay=False, help="The JSON Schemas' folder; asyncapi.yaml beside.")
    ] = Path("docs/schemas"),
    check: Annotated[
        bool, typer.Option("--check", help="Write nothing; end with status 1 where files differ.")
    ] = False,
) -> None:
    """Write a JSON Schema for each message, and an AsyncAPI 3 document of all topics."""
    wanted = documents(to)
    gone = [each for each in sorted(to.glob("*.json")) if each not in wanted]
    stale = [path for path, text in wanted.items() if _read(path) != text]
    if check:
        for path in (*stale, *gone):
            err.print(f"[red]{escape(str(path))} is stale[/red]", soft_wrap=True)
        if stale or gone:
            err.print("write them anew: callstreams schemas export")
            raise typer.Exit(1)
        out.print(f"{len(wanted)} documents are current")
        return
    to.mkdir(parents=True, exist_ok=True)
    for path in stale:
        path.write_text(wanted[path], encoding="utf-8")
    for path in gone:
        path.unlink()
    out.print(f"{len(stale)} written, {len(gone)} removed, {len(wanted) - len(stale)} were current")


def documents(to: Path) -> dict[Path, str]:
    """Give the text of each document by its path."""
    found = {
        to / f"{name}.json": json.dumps(schema, ensure_ascii=False, indent=2) + "\n"
        for name, schema in message_schemas().items()
    }
    text = yaml.safe_dump(asyncapi(), sort_keys=False, allow_unicode=True, width=100)
    return found | {to.parent / "asyncapi.yaml": _HEAD + text}


def _read(path: Path) -> str | None:
    return path.read_text(encoding="utf-8") if path.exists() else None
