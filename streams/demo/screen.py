"""What the demo shows in the terminal while it runs."""

from __future__ import annotations

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Column, Table
from rich.text import Text

from connectors.simulators.scenario import DESERTED_QUEUE, FLAGGED_NUMBER
from schemas import topics
from schemas.alert import Alert, AlertState
from streams.demo.plan import ACCOUNT, WINDOWS
from streams.demo.verdict import feeds
from streams.demo.watch import Metric, Seen

_BAR = 20
_STATES = {
    AlertState.FIRING: ("FIRING", "bold white on red"),
    AlertState.RESOLVED: ("resolved", "green"),
}
_SCOPES = {
    f"icsoc {FLAGGED_NUMBER}": f"calls:icsoc/{ACCOUNT}/display_number/{FLAGGED_NUMBER}",
    "icsoc 02160661802": f"calls:icsoc/{ACCOUNT}/display_number/02160661802",
    "icsoc 075586101234": f"calls:icsoc/{ACCOUNT}/display_number/075586101234",
    "icsoc": f"calls:icsoc/{ACCOUNT}",
    "7moor": f"tallies:7moor/{ACCOUNT}",
    "Huawei AICC": f"tallies:huawei/{ACCOUNT}",
}


def screen(seen: Seen, addresses: dict[str, str], delivered: int, clock: str) -> RenderableType:
    """Draw all of it."""
    where = Text("   ").join(
        Text.assemble((f"{name} ", "dim"), (address, "cyan")) for name, address in addresses.items()
    )
    return Group(
        Panel(where, title=f"callstreams demo  {clock}", border_style="blue"),
        _feeds(seen),
        _rates(seen),
        _alerts(seen, delivered),
    )


def _feeds(seen: Seen) -> Table:
    counts = feeds(seen)
    columns = (Column(name, justify="right") for name in counts)
    table = Table(*columns, title="feeds 数据源", expand=True)
    table.add_row(*(f"{count:,}" for count in counts.values()))
    return table


def _rates(seen: Seen) -> Table:
    short, *longer = WINDOWS
    table = Table(
        Column("scope", no_wrap=True),
        Column(f"answer rate 接通率 ({short})", min_width=_BAR + 30, no_wrap=True),
        *(Column(name, justify="right") for name in (*longer, "day")),
        Column("answered/attempts", justify="right"),
        expand=True,
    )
    for name, scope in _SCOPES.items():
        metrics = [seen.metric(topics.ANSWER_RATE, scope, window) for window in (*WINDOWS, "day")]
        day = metrics[-1]
        table.add_row(
            name,
            _bar(metrics[0]),
            *(_percent(metric) for metric in metrics[1:]),
            "" if day is None else f"{day.answered:,}/{day.attempts:,}",
        )
    scope = f"calls:huawei/{ACCOUNT}/queue/{DESERTED_QUEUE}"
    missed = [seen.metric(topics.MISSED_CALL_COUNTS, scope, each) for each in (*WINDOWS, "day")]
    counts = ["-" if metric is None else str(metric.missed) for metric in missed]
    table.add_row(f"missed 未接来电 {DESERTED_QUEUE}", *counts, "")
    return table


def _bar(metric: Metric | None) -> Text:
    if metric is None or metric.answer_rate is None:
        return Text("-", "dim")
    rate = metric.answer_rate
    colour = "red" if rate.high < 0.2 else "yellow" if rate.value < 0.3 else "green"
    filled = round(rate.value * _BAR)
    return Text.assemble(
        ("█" * filled, colour),
        ("░" * (_BAR - filled), "dim"),
        (f" {rate.value:6.1%}", colour),
        (f"  [{rate.low:.0%} .. {rate.high:.0%}]", "dim"),
    )


def _percent(metric: Metric | None) -> str:
    if metric is None or metric.answer_rate is None:
        return "-"
    return f"{metric.answer_rate.value:.1%}"


def _alerts(seen: Seen, delivered: int) -> Panel:
    lines = [_alert(alert) for alert in seen.alerts] or [Text("none yet 暂无告警", "dim")]
    return Panel(
        Group(*lines),
        title=f"alerts 告警  (delivered to the webhook: {delivered})",
        border_style="red" if seen.transitions[AlertState.FIRING] else "dim",
    )


def _alert(alert: Alert) -> Text:
    name, style = _STATES[alert.state]
    texts = alert.annotations
    told = texts.get("summary", "")
    if alert.state is AlertState.RESOLVED:
        told = texts.get("late_data") or texts.get("resolution") or told
    return Text.assemble(
        (f"{alert.at:%H:%M:%S} ", "dim"), (f" {name} ", style), f" {alert.rule}: {told}"
    )
