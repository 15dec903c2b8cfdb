"""The services' log: for the eyes of a person, or a JSON object a line for those who collect it."""

from __future__ import annotations

import logging
from enum import StrEnum
from typing import Annotated

import typer
from pythonjsonlogger.json import JsonFormatter
from rich.logging import RichHandler

from connectors import tracing
from streams.cli.console import err


class LogFormat(StrEnum):
    """How the log is written."""

    CONSOLE = "console"
    JSON = "json"


Format = Annotated[
    LogFormat,
    typer.Option("--log-format", envvar="CALLSTREAMS_LOG_FORMAT", help="How the log is written."),
]
"""Every service takes it."""


def set_up(chosen: LogFormat, *, verbose: bool) -> None:
    """Write the log of this process to standard error."""
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING,
        format="%(message)s",
        handlers=[json_handler() if chosen is LogFormat.JSON else _console_handler()],
    )
    logging.getLogger("callstreams").setLevel(logging.INFO)
    if verbose:
        logging.getLogger("aiokafka").setLevel(logging.WARNING)


def json_handler() -> logging.Handler:
    """Give a handler that writes `time` (UTC), `level`, `logger`, `message`, `pid`, `exc_info`.

    And `trace_id`, where what is logged belongs to a trace.
    """
    handler = logging.StreamHandler()
    handler.addFilter(_add_trace)
    handler.setFormatter(
        JsonFormatter(
            ("levelname", "name", "message", "process"),
            timestamp="time",
            rename_fields={"levelname": "level", "name": "logger", "process": "pid"},
            json_ensure_ascii=False,
        )
    )
    return handler


def _add_trace(record: logging.LogRecord) -> bool:
    trace_id = tracing.trace_id()
    if trace_id is not None:
        record.trace_id = trace_id
    return True


def _console_handler() -> logging.Handler:
    return RichHandler(console=err, show_path=False, rich_tracebacks=True)
