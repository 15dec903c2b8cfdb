"""Draw a scope's rate, its interval, the threshold and the firing spans, as one HTML file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime, timedelta
from html import escape
from zoneinfo import ZoneInfo

from streams.backtest.episodes import Episode
from streams.backtest.probe import Point
from streams.core.rules import words
from streams.core.rules.durations import write_duration
from streams.core.rules.metrics import Form
from streams.core.rules.model import Condition, Rule
from streams.core.rules.moments import moment, unix_ms

_WIDTH, _HEIGHT = 1100, 420
_LEFT, _RIGHT, _TOP, _BOTTOM = 70, 20, 24, 40
_TICKS = 6

_PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><title>{title}</title>
<style>
:root {{ color-scheme: light dark; --line: #2563eb; --band: #2563eb33; --bad: #dc2626;
  --fire: #dc262622; --grid: #8884; }}
body {{ font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 1140px;
  padding: 0 1rem; }}
svg {{ width: 100%; height: auto; }} text {{ font-size: 12px; fill: currentColor; }}
.grid {{ stroke: var(--grid); }} .rate {{ fill: none; stroke: var(--line); stroke-width: 1.6; }}
.band {{ fill: var(--band); }} .threshold {{ stroke: var(--bad); stroke-width: 1.4; }}
.resolve {{ stroke: var(--bad); stroke-dasharray: 5 4; }} .fire {{ fill: var(--fire); }}
.onset {{ stroke: var(--bad); stroke-dasharray: 2 3; }}
li {{ margin: .3rem 0; }}
</style>
<h1>{title}</h1>
<p>{about}</p>
{drawing}
<p>{legend}</p>
<ul>
{list}
</ul>
</html>
"""


def draw(
    rule: Rule, scope: str, points: Sequence[Point], found: Sequence[Episode], zone: ZoneInfo
) -> str:
    """Give the page.

    Args:
        rule: through whose first condition was looked.
        scope: the scope's text form.
        points: what was measured, by time.
        found: the episodes of this rule and scope.
        zone: the time zone of the axis.
    """
    condition = rule.conditions[0]
    legend = "line: what was measured"
    if condition.baseline is None:
        legend += " · red: the threshold · dashed: where it resolves"
    if condition.metric.form is Form.RATE:
        legend += f" · shade: the {condition.confidence:.0%} Wilson interval"
    legend += " · red shade: firing · dotted: where the trouble began, as found afterwards"
    return _PAGE.format(
        title=escape(f"{rule.name}: {scope}"),
        about=escape(words.condition(rule)[:1].upper() + words.condition(rule)[1:] + "."),
        drawing=_svg(condition, points, found, zone) if points else "<p>No calls.</p>",
        legend=escape(legend),
        list="\n".join(f"<li>{escape(_told(each, zone))}</li>" for each in found)
        or "<li>Nothing fired.</li>",
    )


class _Scale:
    """From time and value to the drawing."""

    def __init__(self, points: Sequence[Point], condition: Condition) -> None:
        self.start, self.end = points[0].at_ms, max(points[-1].at_ms, points[0].at_ms + 1)
        tallest = [each.high if each.high is not None else each.value or 0 for each in points]
        most = max(*tallest, condition.threshold, condition.resolve_at, 1e-9) * 1.05
        self.top = min(1.0, most) if condition.metric.form is Form.RATE else most

    def x(self, at_ms: float) -> float:
        share = (min(max(at_ms, self.start), self.end) - self.start) / (self.end - self.start)
        return round(_LEFT + share * (_WIDTH - _LEFT - _RIGHT), 1)

    def y(self, value: float) -> float:
        share = min(value, self.top) / self.top
        return round(_HEIGHT - _BOTTOM - share * (_HEIGHT - _TOP - _BOTTOM), 1)


def _svg(
    condition: Condition, points: Sequence[Point], found: Sequence[Episode], zone: ZoneInfo
) -> str:
    scale = _Scale(points, condition)
    parts = [
        *_spans(scale, found),
        *_grid(scale, condition, zone),
        *_bands(scale, points),
        *_lines(scale, points),
    ]
    if condition.baseline is None:
        parts.append(_across(scale, condition.threshold, "threshold"))
        parts.append(_across(scale, condition.resolve_at, "resolve"))
    label = escape(words.metric_name(condition.metric))
    return (
        f'<svg viewBox="0 0 {_WIDTH} {_HEIGHT}" role="img" aria-label="{label}">\n'
        + "\n".join(parts)
        + "\n</svg>"
    )


def _spans(scale: _Scale, found: Sequence[Episode]) -> Iterator[str]:
    height = _HEIGHT - _TOP - _BOTTOM
    for each in found:
        left = scale.x(unix_ms(each.began))
        right = scale.x(scale.end if each.ended is None else unix_ms(each.ended))
        yield (
            f'<rect class="fire" x="{left}" y="{_TOP}" width="{max(1.0, round(right - left, 1))}" '
            f'height="{height}"><title>{escape(each.summary)}</title></rect>'
        )
        if each.onset is not None:
            x = scale.x(each.onset.at_ms)
            yield f'<line class="onset" x1="{x}" x2="{x}" y1="{_TOP}" y2="{_TOP + height}"/>'


def _grid(scale: _Scale, condition: Condition, zone: ZoneInfo) -> Iterator[str]:
    for tick in range(_TICKS):
        value = scale.top * tick / (_TICKS - 1)
        y = scale.y(value)
        yield f'<line class="grid" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'
        told = escape(words.amount(condition.metric, value))
        yield f'<text x="{_LEFT - 8}" y="{y + 4}" text-anchor="end">{told}</text>'
        at = scale.start + (scale.end - scale.start) * tick / (_TICKS - 1)
        time = moment(int(at)).astimezone(zone).strftime("%m-%d %H:%M")
        anchor = "start" if tick == 0 else "end" if tick == _TICKS - 1 else "middle"
        yield f'<text x="{scale.x(at)}" y="{_HEIGHT - 14}" text-anchor="{anchor}">{time}</text>'


def _bands(scale: _Scale, points: Sequence[Point]) -> Iterator[str]:
    for run in _runs(points, lambda point: point.high is not None):
        upper = [f"{scale.x(each.at_ms)},{scale.y(each.high or 0.0)}" for each in run]
        lower = [f"{scale.x(each.at_ms)},{scale.y(each.low or 0.0)}" for each in reversed(run)]
        yield f'<polygon class="band" points="{" ".join(upper + lower)}"/>'


def _lines(scale: _Scale, points: Sequence[Point]) -> Iterator[str]:
    for run in _runs(points, lambda point: point.value is not None):
        line = [f"{scale.x(each.at_ms)},{scale.y(each.value or 0.0)}" for each in run]
        yield f'<polyline class="rate" points="{" ".join(line)}"/>'


def _runs(points: Sequence[Point], there: Callable[[Point], bool]) -> Iterator[list[Point]]:
    """Give the stretches without a gap."""
    run: list[Point] = []
    for point in points:
        if there(point):
            run.append(point)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _across(scale: _Scale, value: float, name: str) -> str:
    y = scale.y(value)
    return f'<line class="{name}" x1="{_LEFT}" x2="{_WIDTH - _RIGHT}" y1="{y}" y2="{y}"/>'


def _told(each: Episode, zone: ZoneInfo) -> str:
    lasted = "still firing" if each.ended is None else f"for {short(each.ended - each.began)}"
    calls = "" if each.onset is None else f", seen after {each.onset.calls} calls"
    return f"{local(each.began, zone)} {lasted}{calls}: {each.summary}"


def local(at: datetime, zone: ZoneInfo) -> str:
    """Write a moment for people of a zone."""
    return at.astimezone(zone).strftime("%Y-%m-%d %H:%M:%S")


def short(lasted: timedelta) -> str:
    """Write how long something lasted."""
    return write_duration(int(lasted.total_seconds()))
