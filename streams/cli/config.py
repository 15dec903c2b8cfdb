"""`callstreams config`: whether a configuration can be used, and what it comes to."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.markup import escape

from schemas.errors import ConfigError
from streams.cli.console import out, plain_errors
from streams.rulefile import read_rules
from streams.settings import Settings, load_settings

app = typer.Typer(
    name="config", help="The configuration: check it, and show it whole.", no_args_is_help=True
)

File = Annotated[
    Path | None,
    typer.Argument(
        envvar="CALLSTREAMS_CONFIG", dir_okay=False, help="The configuration; none: the defaults."
    ),
]


@app.command()
@plain_errors()
def check(file: File = None) -> None:
    """Read the configuration, its secrets and its rules, as a service does at its start."""
    settings = load(file)
    rules = read_rules(settings.streams).rules
    accounts = ", ".join(f"{each.vendor}/{each.name}" for each in settings.accounts) or "none"
    receivers = ", ".join(settings.hooks.names) or "none"
    out.print(f"[green]✓[/green] {escape(str(file or 'the defaults'))} can be used")
    out.print(f"  accounts: {escape(accounts)}", soft_wrap=True)
    out.print(f"  receivers: {escape(receivers)}", soft_wrap=True)
    out.print(f"  rules: {len(rules)}, {escape(str(settings.streams.rules or 'built in'))}")


@app.command()
@plain_errors()
def show(file: File = None) -> None:
    """Write out the whole configuration, defaults and environment included, secrets masked."""
    content = load(file).model_dump(mode="json", exclude_none=True)
    text = yaml.safe_dump(content, sort_keys=False, allow_unicode=True)
    out.print(text, end="", markup=False, highlight=False, soft_wrap=True)


def load(file: Path | None) -> Settings:
    """Read the configuration.

    Raises:
        ConfigError: it cannot be used, or the file is not there.
    """
    if file is not None and not file.exists():
        raise ConfigError(f"{file} is not there")
    return load_settings(file)
