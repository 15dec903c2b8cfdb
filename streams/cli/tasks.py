"""`callstreams tasks`: 7moor's dial-out tasks, shown first and sent with --yes."""

from __future__ import annotations

import asyncio
import csv
import json
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from rich.table import Column, Table

from connectors.vendors.reading import masked
from connectors.vendors.sevenmoor.client import SevenmoorClient
from connectors.vendors.sevenmoor.payloads import (
    MOST_IMPORTED,
    CallResult,
    DuplicateRule,
    NewTask,
    NumberDeletion,
    NumberRow,
    Payload,
    TaskChange,
    TaskStatus,
)
from connectors.vendors.sevenmoor.source import SevenmoorAccount
from connectors.vendors.sevenmoor.spans import batches
from schemas.errors import ConfigError
from streams.cli.accounts import AccountName, find_account
from streams.cli.console import Config, out, plain_errors
from streams.settings import load_settings

app = typer.Typer(name="tasks", help="7moor's dial-out tasks.", no_args_is_help=True)

Yes = Annotated[bool, typer.Option("--yes", help="Send it; without, it is only shown.")]
TaskId = Annotated[str, typer.Argument(help="As `tasks list` shows it.")]
Rep = Annotated[str, typer.Option(help="The rep in whose name it is done.")]

_COLUMNS = tuple(NumberRow.model_fields)
_SHOWN = 3

ResultT = TypeVar("ResultT")


def register(parent: typer.Typer) -> None:
    """Add `tasks` to the command."""
    parent.add_typer(app)


@app.command("list")
@plain_errors()
def list_tasks(
    account: AccountName,
    name: Annotated[str, typer.Option(help="Only tasks of this name.")] = "",
    status: Annotated[TaskStatus | None, typer.Option(help="Only tasks that stand so.")] = None,
    config: Config = None,
) -> None:
    """List the tasks."""
    tasks = _ask(account, config, lambda client: client.tasks(name=name, status=status))
    table = Table(
        Column("id", no_wrap=True), "name", "numbers", "reps", "created", "description", box=None
    )
    for one in tasks:
        counts = (one.number_total, one.agent_total)
        numbers, reps = ("" if count is None else str(count) for count in counts)
        created, description = one.create_time or "", one.description or ""
        table.add_row(one.task_id, one.task_name, numbers, reps, created, description)
    out.print(table)


@app.command()
@plain_errors()
def create(
    account: AccountName,
    name: Annotated[str, typer.Argument(help="The new task's name.")],
    agent_number: Rep,
    description: str = "",
    agents: Annotated[
        list[str] | None, typer.Option("--agent", help="A rep who works on it; again for more.")
    ] = None,
    queues: Annotated[
        list[str] | None, typer.Option("--queue", help="A skill group that does; again for more.")
    ] = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Create a task. It is asked for once: a second request might create a second task."""
    task = NewTask(
        task_name=name,
        description=description,
        agent_number_list=agents or [],
        queue_number_list=queues or [],
        agent_number=agent_number,
    )
    _do(account, config, "task/create", task, lambda client: client.create_task(task), yes=yes)


@app.command()
@plain_errors()
def update(
    account: AccountName,
    task_id: TaskId,
    name: Annotated[str, typer.Option(help="Its name from now on.")],
    description: str = "",
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Name and describe a task anew."""
    change = TaskChange(task_id=task_id, task_name=name, description=description)
    _do(account, config, "task/update", change, lambda client: client.update_task(change), yes=yes)


@app.command("import")
@plain_errors()
def import_numbers(
    account: AccountName,
    task_id: TaskId,
    file: Annotated[
        Path, typer.Argument(help="CSV with a header: number; name, remark, agent_number.")
    ],
    agent_number: Rep,
    rule: Annotated[
        str, typer.Option(help="What counts as known already: all-tasks, this-task, none.")
    ] = "all-tasks",
    skip: Annotated[
        int, typer.Option(min=0, help="So many rows are in already: go on behind them.")
    ] = 0,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Import numbers from a CSV file, 2,000 a request."""
    checked = _rule(rule)
    rows = read_numbers(file)[skip:]
    if not rows:
        raise ConfigError(f"{file} has no numbers behind the first {skip} rows")
    found = _find(account, config)
    requests = [len(part) for part in batches(rows, MOST_IMPORTED)]
    out.print(
        f"POST task/import of {found.base_url}, {len(requests)} requests of {requests} rows into "
        f"{task_id}, known numbers: {rule}"
    )
    for row in rows[:_SHOWN]:
        out.print(f"  {masked(row.number)} {row.name} {row.remark}", highlight=False)
    if len(rows) > _SHOWN:
        out.print(f"  and {len(rows) - _SHOWN} more")
    if not yes:
        _say_dry()
        return
    _ask(
        account,
        config,
        lambda client: client.import_numbers(
            task_id, rows, agent_number=agent_number, rule=checked
        ),
    )
    out.print(f"{len(rows)} rows are imported.")


@app.command()
@plain_errors()
def delete(
    account: AccountName,
    task_id: TaskId,
    number: Annotated[str | None, typer.Option(help="This number.")] = None,
    name: Annotated[str | None, typer.Option(help="Customers of this name.")] = None,
    agent: Annotated[str | None, typer.Option(help="Numbers of this rep.")] = None,
    remark: Annotated[str | None, typer.Option(help="Numbers with this remark.")] = None,
    result: Annotated[CallResult | None, typer.Option(help="Numbers that stand so.")] = None,
    yes: Yes = False,
    config: Config = None,
) -> None:
    """Take the numbers out of a task that fit all that is given."""
    try:
        deletion = NumberDeletion(
            task_id=task_id,
            customer_number=number,
            customer_name=name,
            agent_number=agent,
            remark=remark,
            call_result=result,
        )
    except ValidationError as error:
        raise ConfigError(
            "say which numbers to delete: --number, --name, --agent, --remark or --result"
        ) from error
    _do(
        account,
        config,
        "task/delete",
        deletion,
        lambda client: client.delete_numbers(deletion),
        yes=yes,
    )


def read_numbers(path: Path) -> list[NumberRow]:
    """Read a CSV file of numbers, UTF-8 with a header.

    Raises:
        ConfigError: it cannot be used; the text names the line and the mend.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            _check_header(path, reader.fieldnames)
            rows = []
            for row in reader:
                if not (row["number"] or "").strip():
                    raise ConfigError(f"{path}, line {reader.line_num}: the number is empty")
                if None in row:
                    raise ConfigError(
                        f"{path}, line {reader.line_num}: more fields than the header has; "
                        "put what holds a comma in quotes"
                    )
                rows.append(NumberRow(**{key: (value or "").strip() for key, value in row.items()}))
            return rows
    except OSError as error:
        raise ConfigError(f"{path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"{path} is not UTF-8: save it as CSV UTF-8") from error


def _check_header(path: Path, names: Sequence[str] | None) -> None:
    if "number" not in (names or ()):
        raise ConfigError(
            f"{path}: the first line must name the columns, `number` among them: "
            f"{','.join(_COLUMNS)}"
        )
    unknown = sorted(set(names or ()) - set(_COLUMNS))
    if unknown:
        raise ConfigError(
            f"{path}: there are no columns {', '.join(unknown)}; there are {', '.join(_COLUMNS)}"
        )


def _rule(told: str) -> DuplicateRule:
    try:
        return DuplicateRule[told.replace("-", "_").upper()]
    except KeyError as error:
        raise ConfigError(f"--rule {told}: all-tasks, this-task or none") from error


def _do(
    account: str,
    config: Path | None,
    what: str,
    payload: Payload,
    send: Callable[[SevenmoorClient], Awaitable[None]],
    *,
    yes: bool,
) -> None:
    found = _find(account, config)
    out.print(f"POST {what} of {found.base_url}")
    body = json.dumps(json.loads(payload.to_body()), ensure_ascii=False, indent=2)
    out.print(body, markup=False, highlight=False)
    if not yes:
        _say_dry()
        return
    _ask(account, config, send)
    out.print("Done.")


def _find(account: str, config: Path | None) -> SevenmoorAccount:
    accounts = load_settings(config).accounts
    return find_account([one for one in accounts if isinstance(one, SevenmoorAccount)], account)


def _say_dry() -> None:
    out.print("Nothing was sent. Send it: the same with --yes.")


def _ask(
    account: str, config: Path | None, ask: Callable[[SevenmoorClient], Awaitable[ResultT]]
) -> ResultT:
    found = _find(account, config)

    async def run() -> ResultT:
        client = found.client(found.spare_budget)
        try:
            return await ask(client)
        finally:
            await client.close()

    return asyncio.run(run())
