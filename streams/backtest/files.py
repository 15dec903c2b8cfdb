"""Calls and tallies from a file: JSONL, CSV or Parquet, a row each, named as in `schemas`."""

from __future__ import annotations

import csv
import importlib
import json
from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType

from pydantic import TypeAdapter, ValidationError

from schemas import topics
from schemas.base import Moment
from schemas.call import Call
from schemas.errors import ConfigError
from schemas.tally import Tally
from streams.backtest.rows import Row

_ARRIVED = "arrived_at"
_MOST_TOLD = 5
_MOMENT = TypeAdapter(Moment)


def read_rows(path: Path) -> list[Row]:
    """Read a file of calls (or tallies: rows with `series`), by their arrival.

    A row arrives at `arrived_at` where it has that, else when the call ended or the counters
    were read. Calls in progress are left out: they are not counted.

    Raises:
        ConfigError: the file cannot be used; the text names lines and the mend.
    """
    rows: list[tuple[str, datetime, bytes, bytes]] = []
    wrong: list[str] = []
    for number, content in _contents(path):
        try:
            message, arrived = _message(content)
        except (ValidationError, ValueError) as error:
            wrong.append(f"{path}:{number}: {_why(error)}")
            if len(wrong) > _MOST_TOLD:
                break
            continue
        if arrived is not None:
            topic = topics.CALLS if isinstance(message, Call) else topics.TALLIES
            rows.append((topic.name, arrived, message.key, message.to_json()))
    if wrong:
        more = "\n…" if len(wrong) > _MOST_TOLD else ""
        raise ConfigError("\n".join(wrong[:_MOST_TOLD]) + more)
    rows.sort(key=lambda row: row[1])
    return [
        Row(topic, 0, offset, int(arrived.timestamp() * 1000), key, value)
        for offset, (topic, arrived, key, value) in enumerate(rows)
    ]


def _message(content: Mapping[str, object]) -> tuple[Call | Tally, datetime | None]:
    given = {name: value for name, value in content.items() if value not in (None, "")}
    stated = given.pop(_ARRIVED, None)
    if "series" in given:
        tally = Tally.model_validate(given)
        return tally, tally.read_at if stated is None else _MOMENT.validate_python(stated)
    call = Call.model_validate(given)
    if call.ended_at is None or stated is None:
        return call, call.ended_at
    return call, _MOMENT.validate_python(stated)


def _why(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    if first["type"] == "timezone_aware":
        return f"{where}: write the moment with its offset, such as 2026-11-22T09:00:00+08:00"
    if first["type"] == "missing":
        return f"{where}: this column is missing; the columns are those of topic `calls`"
    return f"{where}: {first['msg']}".removeprefix(": ")


def _contents(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise ConfigError(f"{path}: name it .jsonl, .csv or .parquet, whichever it is")
    try:
        yield from reader(path)
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror or error}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: save it as UTF-8") from error


def _jsonl(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, 1):
            if not line.strip():
                continue
            try:
                content = json.loads(line)
            except ValueError as error:
                raise ConfigError(f"{path}:{number}: not JSON: {error}") from error
            if not isinstance(content, dict):
                raise ConfigError(f"{path}:{number}: each line is one JSON object")
            yield number, content


def _csv(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        reader = csv.DictReader(lines)
        for content in reader:
            if None in content:
                raise ConfigError(f"{path}:{reader.line_num}: more fields than the first line has")
            yield reader.line_num, dict(content)


def _parquet(path: Path) -> Iterator[tuple[int, Mapping[str, object]]]:
    duckdb = _duckdb()
    if not path.exists():
        raise ConfigError(f"{path} cannot be read: No such file or directory")
    with duckdb.connect() as database:
        # Moments come as text with their offset, whatever zone this machine is in.
        database.execute("SET TimeZone = 'UTC'")
        try:
            found = database.execute("SELECT * FROM read_parquet(?)", [str(path)])
        except duckdb.Error as error:
            raise ConfigError(f"{path}: {error}") from error
        names = [column[0] for column in found.description]
        number = 0
        while batch := found.fetchmany(10_000):
            for values in batch:
                number += 1
                yield number, dict(zip(names, map(_in_utc, values), strict=True))


def _in_utc(value: object) -> object:
    """Give a moment that Parquet keeps without a zone as what it is there: UTC."""
    if isinstance(value, datetime) and value.tzinfo is None:
        return value.replace(tzinfo=UTC)
    return value


def _duckdb() -> ModuleType:
    try:
        return importlib.import_module("duckdb")
    except ImportError as error:
        raise ConfigError("Parquet needs DuckDB: pip install 'callstreams[parquet]'") from error


def between(rows: Iterable[Row], from_ms: int | None, to_ms: int | None) -> list[Row]:
    """Give the rows that arrived in a stretch of time."""
    return [
        row
        for row in rows
        if (from_ms is None or row.timestamp >= from_ms)
        and (to_ms is None or row.timestamp < to_ms)
    ]
