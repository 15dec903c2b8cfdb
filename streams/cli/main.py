"""The `callstreams` command: each sub-command in a module beside this one."""

from __future__ import annotations

import logging

import typer

from streams.cli import (
    backtest,
    board,
    broker,
    config,
    dead_letters,
    demo,
    doctor,
    hooks,
    rules,
    schemas,
    services,
    silences,
    simulators,
    status,
    topics,
    vendors,
)

app = typer.Typer(
    name="callstreams",
    help="The real-time eye of a call centre that works through several vendors: 7moor, Huawei "
    "AICC and icsoc in one vocabulary on Kafka, with answer rates, missed calls and alerts.\n\n"
    "See it work: callstreams demo. Run it: poll, ingress, worker and hooks, each as often as "
    "you need, with one configuration.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_show_locals=False,
)

demo.register(app)
simulators.register(app)
services.register(app)
vendors.register(app)
app.add_typer(hooks.app)
board.register(app)
status.register(app)
doctor.register(app)
app.add_typer(config.app)
app.add_typer(silences.app)
app.add_typer(dead_letters.app)
app.add_typer(rules.app)
backtest.register(app)
broker.register(app)
topics.register(app)
app.add_typer(schemas.app)


def main() -> None:
    """Run the command."""
    # What aiokafka logs while it tries again is said once and better by our own errors.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    app()
