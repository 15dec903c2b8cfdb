"""The `callstreams` command: one sub-command a module beside this one."""

from __future__ import annotations

import typer

app = typer.Typer(
    name="callstreams",
    help="The real-time eye of a call centre that works through several vendors.",
    no_args_is_help=True,
)


@app.callback()
def _root() -> None:
    """Keep the sub-commands sub-commands."""


def main() -> None:
    """Run the command."""
    app()
