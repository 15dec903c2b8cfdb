"""7moor's dial-out tasks and the numbers in them (7moor-dialout-tasks.txt)."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from pydantic import JsonValue

from connectors.simulators.scenario import TaskSeed

STATUSES = ("READY", "DEALING", "PAUSED", "ARCHIVED")
LARGEST_IMPORT = 2000
_UNIQUE_OVER_ALL, _UNIQUE_IN_TASK, _NO_CHECK = range(3)
_NAMESPACE = uuid.UUID("6ab971b0-6005-452e-9328-0883299619eb")


class RefusedError(Exception):
    """The request cannot be done; the text is the answer's `message`."""


@dataclass(frozen=True, slots=True)
class TaskNumber:
    """One number of a task; `result` is UNDEAL until it is dialled."""

    name: str
    number: str
    remark: str
    rep: str
    result: str = "UNDEAL"


@dataclass(slots=True)
class Task:
    """One dial-out task."""

    task_id: str
    name: str
    description: str
    reps: tuple[str, ...]
    created_at: datetime
    status: str = "READY"
    numbers: list[TaskNumber] = field(default_factory=list)

    def row(self) -> dict[str, JsonValue]:
        """Write the task as task/get does: the totals are numbers, `createTime` undocumented."""
        return {
            "taskId": self.task_id,
            "taskName": self.name,
            "description": self.description,
            "numberTotal": len(self.numbers),
            "agentTotal": len(self.reps),
            "createTime": self.created_at.strftime("%Y-%m-%d %H:%M:%S"),
        }


class Tasks:
    """All tasks of one account; `now` is local time everywhere."""

    def __init__(self, seeds: Iterable[TaskSeed], now: datetime) -> None:
        self.by_id: dict[str, Task] = {}
        for seed in seeds:
            task = self._add(seed.name, seed.description, seed.reps, now)
            task.status = seed.status
            task.numbers = [TaskNumber("", number, "", "") for number in seed.numbers]

    def create(self, body: Mapping[str, JsonValue], now: datetime) -> None:
        """Create a task. The document's answer does not tell its id: task/get does."""
        name = _text(body, "taskName")
        if not name:
            raise RefusedError("taskName is required")
        reps = _texts(body, "agentNumberList")
        self._add(name, _text(body, "description"), reps, now)

    def update(self, body: Mapping[str, JsonValue]) -> None:
        """Rename or describe a task."""
        task = self._find(body)
        if "taskName" in body:
            task.name = _text(body, "taskName")
        if "description" in body:
            task.description = _text(body, "description")

    def get(self, body: Mapping[str, JsonValue]) -> list[JsonValue]:
        """List tasks; the filter is called `name` in one place and `taskName` in another."""
        name = _text(body, "name") or _text(body, "taskName")
        status = _text(body, "status")
        if status and status not in STATUSES:
            raise RefusedError(f"status must be one of {', '.join(STATUSES)} or empty")
        return [
            task.row()
            for task in self.by_id.values()
            if name in ("", task.name) and status in ("", task.status)
        ]

    def import_numbers(self, body: Mapping[str, JsonValue]) -> None:
        """Add numbers to a task; those that `rule` calls duplicates are left out silently."""
        task = self._find(body)
        rows = body.get("importData")
        if not isinstance(rows, list) or not rows:
            raise RefusedError("importData is required")
        if len(rows) > LARGEST_IMPORT:
            raise RefusedError(f"importData holds more than {LARGEST_IMPORT} rows")
        known = self._known_numbers(task, body.get("rule"))
        for place, row in enumerate(rows):
            if not isinstance(row, dict) or not _text(row, "number"):
                raise RefusedError(f"importData[{place}] has no number")
        for place, row in enumerate(row for row in rows if isinstance(row, dict)):
            number = _text(row, "number")
            if known is not None and number in known:
                continue
            rep = _text(row, "agentNumber")
            if rep not in task.reps and task.reps:
                rep = task.reps[place % len(task.reps)]  # shared out evenly, as documented
            task.numbers.append(TaskNumber(_text(row, "name"), number, _text(row, "remark"), rep))
            if known is not None:
                known.add(number)

    def delete_numbers(self, body: Mapping[str, JsonValue]) -> None:
        """Delete the numbers of a task that match every filter given."""
        task = self._find(body)
        wanted = {
            "name": _text(body, "customerName"),
            "number": _text(body, "customerNumber"),
            "remark": _text(body, "remark"),
            "rep": _text(body, "agentNumber"),
            "result": _text(body, "callResult"),
        }
        if not any(wanted.values()):
            raise RefusedError("a filter is required")
        task.numbers = [
            number
            for number in task.numbers
            if any(value and getattr(number, field) != value for field, value in wanted.items())
        ]

    def _add(self, name: str, description: str, reps: tuple[str, ...], now: datetime) -> Task:
        task_id = str(uuid.uuid5(_NAMESPACE, str(len(self.by_id))))
        self.by_id[task_id] = Task(task_id, name, description, reps, now)
        return self.by_id[task_id]

    def _find(self, body: Mapping[str, JsonValue]) -> Task:
        try:
            return self.by_id[_text(body, "taskId")]
        except KeyError:
            raise RefusedError("taskId is unknown") from None

    def _known_numbers(self, task: Task, rule: JsonValue) -> set[str] | None:
        if rule == _NO_CHECK:
            return None
        if rule == _UNIQUE_IN_TASK:
            return {number.number for number in task.numbers}
        if rule == _UNIQUE_OVER_ALL:
            return {number.number for one in self.by_id.values() for number in one.numbers}
        raise RefusedError("rule must be 0, 1 or 2")


def _text(body: Mapping[str, JsonValue], name: str) -> str:
    """Read a text that some document's table calls a number."""
    value = body.get(name, "")
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise RefusedError(f"{name} is not a string")
    return value


def _texts(body: Mapping[str, JsonValue], name: str) -> tuple[str, ...]:
    value = body.get(name, [])
    if not isinstance(value, list):
        raise RefusedError(f"{name} is not a list of strings")
    return tuple(str(item) for item in value)
