"""The job's parts that the other engines' programs share; the standard library alone.

Their panes are minutes, ours are ten seconds: coarser is cheaper, and they may have it.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

PANE = 60
WINDOWS = {"5m": 300, "15m": 900, "1h": 3600}
BELOW, MIN_ATTEMPTS = 0.2, 30


def scopes(call: dict[str, Any]) -> tuple[str, ...]:
    """Give the four scopes of a call."""
    root = f"calls:{call['vendor']}"
    base = f"{root}/{call['account']}"
    return (
        root,
        base,
        f"{base}/display_number/{call['display_number']}",
        f"{base}/campaign/{call['campaign']}",
    )


def pane_of(call: dict[str, Any]) -> int:
    """Give the pane that a call ended in."""
    return int(datetime.fromisoformat(call["ended_at"]).timestamp()) // PANE


def add(counts: list[int] | None, call: dict[str, Any]) -> list[int]:
    """Add a call to `[attempts, answered, connected, talk seconds]`."""
    attempts, answered, connected, talk = counts or (0, 0, 0, 0)
    outcome = call["outcome"]
    return [
        attempts + 1,
        answered + (outcome != "unanswered"),
        connected + (outcome == "connected"),
        talk + (call.get("talk_seconds") or 0),
    ]


def metrics(scope: str, panes: dict[int, list[int]], end: int) -> list[tuple[bytes, bytes]]:
    """Give a scope's metrics, and whether the rule holds, as messages."""
    told = []
    for name, size in WINDOWS.items():
        sums = [0, 0, 0, 0]
        for pane in range(end - size // PANE + 1, end + 1):
            counts = panes.get(pane)
            if counts is not None:
                sums = [a + b for a, b in zip(sums, counts, strict=True)]
        attempts, answered, connected, talk = sums
        value: dict[str, object] = {
            "scope": scope,
            "window": name,
            "end": end * PANE,
            "attempts": attempts,
            "answered": answered,
            "connected": connected,
            "talk_seconds": talk,
            "answer_rate": answered / attempts if attempts else None,
        }
        if name == "15m" and "/display_number/" in scope and attempts >= MIN_ATTEMPTS:
            value["low"] = answered / attempts < BELOW
        told.append((f"{scope}|{name}".encode(), json.dumps(value).encode()))
    return told
