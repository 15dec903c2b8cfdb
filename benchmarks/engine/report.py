"""Figures into Markdown; pure."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]


def render(figures: Figures) -> str:
    """Write all parts that were measured."""
    parts = [_machine(figures["machine"], quick=figures["quick"])]
    parts += [write(figures[name]) for name, write in _PARTS.items() if name in figures]
    return "\n\n".join(parts)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---", *["--:"] * (len(head) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def _machine(machine: Figures, *, quick: bool) -> str:
    versions = ", ".join(f"{name} {version}" for name, version in machine["versions"].items())
    text = (
        f"{machine['at']}: {machine['processor']}, {machine['cores']} cores, "
        f"{machine['memory_gib']} GiB, {machine['system']}; load before the run "
        f"{machine['load_before']}. The broker and the feeders run on the same cores. "
        f"Python {machine['python']}, {versions}."
    )
    return f"**A quick run: these are no figures to quote.** {text}" if quick else text


def _race(part: Figures) -> str:
    rows = [
        (
            name,
            f"{one['calls']:,.0f}",
            f"{one['calls_per_second']:,.0f}",
            f"{one['cpu_us_per_call']:,.1f}",
            f"{one['rss_mib']:,.0f}",
            f"{one['callstreams_is_times']:,.2f}×",
        )
        for name, one in part["contenders"].items()
    ]
    head = ("one process", "calls", "calls/s", "CPU µs a call", "MiB", "callstreams is")
    return f"### The whole job\n\nMedians over {part['pairs']} paired runs.\n\n" + _table(
        head, rows
    )


def _workers(part: Figures) -> str:
    each = part["calls_per_second"]
    return (
        "### Two workers\n\n"
        f"One: {each['1']:,.0f} calls/s, two: {each['2']:,.0f}: "
        f"{part['two_are_times_one']:.2f}× on {part['cores']} cores, which broker and workers "
        f"share (medians over {part['pairs']} pairs)."
    )


def _latency(part: Figures) -> str:
    return (
        "### From arrival to metric\n\n"
        f"At {part['calls_per_second']:,} calls/s, metrics every {part['tell_every']} s: "
        f"p50 {part['p50_ms']:.0f} ms, p99 {part['p99_ms']:.0f} ms, longest "
        f"{part['max_ms']:.0f} ms over {part['calls']:,} calls ({part['not_told']} never told). "
        f"{part['calls_per_batch']:.0f} calls a batch,"
        f" {part['cpu_us_per_call']:.0f} µs of CPU a call, metrics among it."
    )


def _restore(part: Figures) -> str:
    return (
        "### Start and restore\n\n"
        f"Ready {part['start_seconds']:.1f} s after the start of the process with nothing to "
        f"restore, {part['restore_seconds']:.1f} s with {part['entries']:,} table entries "
        f"({part['restore_us_per_entry']:.1f} µs and {part['bytes_per_entry']:,.0f} bytes each)."
    )


def _scopes(part: Figures) -> str:
    rows = [
        (
            f"{one['numbers']:,}",
            f"{one['calls_per_second']:,.0f}",
            f"{one['cpu_us_per_call']:.1f}",
            f"{one['rss'] / 2**20:,.0f}",
            f"{one['times_the_cost']:.2f}×",
        )
        for one in part["by_scopes"]
    ]
    head = ("display numbers", "calls/s", "CPU µs a call", "MiB", "cost")
    each = part["bytes_per_scope"]
    memory = "" if each is None else f"\n\nA scope more takes {each / 1024:.1f} KiB."
    text = "### By scopes\n\nOnce the scopes are known: calls before have dialled most numbers.\n\n"
    return text + _table(head, rows) + memory


def _windows(part: Figures) -> str:
    rows = [
        (
            one["window"],
            f"{one['calls_per_second']:,.0f}",
            f"{one['cpu_us_per_call']:.1f}",
            f"{one['times_the_cost']:.2f}×",
        )
        for one in part["by_window"]
    ]
    return "### By window\n\n" + _table(("window", "calls/s", "CPU µs a call", "cost"), rows)


def _core(part: Figures) -> str:
    return (
        "### The decisions alone\n\n"
        f"Without Kafka, batches of {part['batch']}: counting {part['count_us_per_call']:.1f} µs "
        f"a call, summing {part['sum_us_per_call']:.1f} µs a call; "
        f"{part['partial_records_per_call']:.3f} records of partials and "
        f"{part['changelog_records_per_call']:.3f} of changelogs a call."
    )


def _profile(part: Figures) -> str:
    busy = part["samples"]
    rooms = ", ".join(f"{room} {share:.0%}" for room, share in part["rooms"].items())
    rows = [
        (f"`{one['function']}`", f"{one['own']:.1%}", f"{one['total']:.1%}") for one in part["top"]
    ]
    return (
        f"### Where the time goes\n\npy-spy, {busy:,} samples of working threads. "
        f"Own time: {rooms}.\n\n" + _table(("function", "own", "with what it calls"), rows)
    )


_PARTS: dict[str, Callable[[Figures], str]] = {
    "race": _race,
    "workers": _workers,
    "latency": _latency,
    "restore": _restore,
    "scopes": _scopes,
    "windows": _windows,
    "core": _core,
    "profile": _profile,
}
