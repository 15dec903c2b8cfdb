"""How much is measured: all of it, or a small part for trying."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Plan:
    """The sizes of a run.

    Attributes:
        pairs: how often the contenders run against one another; medians are taken.
        calls: records on the topic that they read.
        shares: which part of them a slow contender takes; its figures are by the call.
        rate: calls a second in event time.
        numbers: display numbers among the calls.
        scopes: the numbers of display numbers that are compared.
        scope_calls: records for each of those; several for each number.
        windows: the single windows that are compared; the calls of each are spread over a day.
        window_calls: records for each of those.
        live_seconds: how long calls come at `live_rate` a second.
        restored: table entries that are restored.
        core_calls: calls that are folded without Kafka.
    """

    pairs: int = 3
    calls: int = 200_000
    shares: tuple[tuple[str, float], ...] = (("plain Faust", 0.05), ("Quix Streams", 0.25))
    rate: float = 1000.0
    numbers: int = 100
    scopes: tuple[int, ...] = (100, 1_000, 10_000, 100_000)
    scope_calls: int = 200_000
    windows: tuple[str, ...] = ("5m", "1h", "6h", "24h")
    window_calls: int = 50_000
    live_rate: int = 1000
    live_seconds: int = 30
    restored: int = 1_000_000
    core_calls: int = 100_000


FULL = Plan()
QUICK = Plan(
    pairs=1,
    calls=40_000,
    shares=(("plain Faust", 0.1),),
    scopes=(100, 10_000),
    scope_calls=30_000,
    windows=("5m", "24h"),
    window_calls=10_000,
    live_seconds=8,
    restored=100_000,
    core_calls=30_000,
)
