"""Say what a rule does, and with which numbers it fires and resolves."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from schemas.scope import Kind
from streams.core.rules import words
from streams.core.rules.durations import write_duration
from streams.core.rules.group import Group
from streams.core.rules.judge import Verdict, judge_reading
from streams.core.rules.metrics import Form, Reading
from streams.core.rules.model import AnyBasis, Condition, NoData, Rule, Side
from streams.core.rules.words import Language
from streams.core.wilson import wilson

_SAMPLES = (20, 30, 50, 100, 200, 500, 1000)
_LARGEST = 1_000_000


class Explanation(NamedTuple):
    """A rule in words."""

    watches: str
    window: str
    threshold: str
    resolve: str
    english: tuple[str, ...]
    chinese: tuple[str, ...]


class Boundary(NamedTuple):
    """For one size of sample: how many successes fire the rule, and how many resolve it."""

    sample: int
    fires: str
    resolves: str


class Fewest(NamedTuple):
    """The smallest sample that can fire a rule, and what it is a sample of."""

    sample: int
    what: str


def explain(rule: Rule) -> Explanation:
    """Say what a rule does, in English and Chinese."""
    word = " and " if rule.combine == "all" else " or "
    other = " or " if rule.combine == "all" else " and "
    return Explanation(
        watches=_watches(rule),
        window=word.join(each.window.name() for each in rule.conditions),
        threshold=word.join(_threshold(each) for each in rule.conditions),
        resolve=other.join(_resolve(each) for each in rule.conditions),
        english=_english(rule),
        chinese=_chinese(rule),
    )


def _threshold(condition: Condition) -> str:
    if condition.baseline is not None:
        return f"{words.metric_name(condition.metric)} {words.baseline(condition.baseline)}"
    bound = words.amount(condition.metric, condition.threshold)
    return f"{words.metric_name(condition.metric)} {condition.side} {bound}"


def _resolve(condition: Condition) -> str:
    if condition.baseline is not None:
        return f"within {100 * condition.baseline.resolve_within:g}%"
    bound = words.amount(condition.metric, condition.resolve_at)
    return f"{'≥' if condition.side is Side.BELOW else '≤'} {bound}"


def boundaries(condition: Condition) -> tuple[Boundary, ...]:
    """Give the numbers at which a condition on a rate fires and resolves, by the sample."""
    sizes = sorted({condition.min_attempts, *(n for n in _SAMPLES if n >= condition.min_attempts)})
    return tuple(_boundary(condition, sample) for sample in sizes)


def fewest_to_fire(condition: Condition) -> Fewest | None:
    """Find the smallest sample that can fire a condition on a rate: when all of it is bad."""
    if condition.metric.form is not Form.RATE:
        return None

    def fires(sample: int) -> bool:
        worst = 0 if condition.side is Side.BELOW else sample
        return _verdict(condition, worst, sample) is Verdict.HOLDS

    sample = _first(fires, condition.min_attempts, _LARGEST)
    return None if sample is None else Fewest(sample, words.sample_name(condition.metric))


def _boundary(condition: Condition, sample: int) -> Boundary:
    def bad(successes: int) -> int:
        return successes if condition.side is Side.ABOVE else sample - successes

    # Counted in bad calls, both sides look alike: more of them fire, fewer resolve.
    fires = _first(lambda n: _verdict(condition, bad(n), sample) is Verdict.HOLDS, 0, sample)
    unclear = _first(lambda n: _verdict(condition, bad(n), sample) is not Verdict.CLEARS, 0, sample)
    last_clear = sample if unclear is None else unclear - 1
    towards, away = ("≥", "≤") if condition.side is Side.ABOVE else ("≤", "≥")
    return Boundary(
        sample,
        "never" if fires is None else f"{towards} {bad(fires)}",
        "never" if last_clear < 0 else f"{away} {bad(last_clear)}",
    )


def _verdict(condition: Condition, successes: int, sample: int) -> Verdict:
    low, high = wilson(successes, sample, condition.confidence)
    return judge_reading(condition, Reading(successes / sample, successes, sample, low, high))


def _first(holds: Callable[[int], bool], low: int, high: int) -> int | None:
    """Find the least number in low..high from which on something holds, if any."""
    if not holds(high):
        return None
    while low < high:
        middle = (low + high) // 2
        if holds(middle):
            high = middle
        else:
            low = middle + 1
    return low


def _watches(rule: Rule) -> str:
    select = rule.select
    kinds = "scope" if select.kind is None else " or ".join(str(k) for k in select.kind)
    each = "every" if rule.group_by else "each"
    parts = [f"{each} {kinds.replace('_', ' ')}"]
    if select.value is not None:
        parts.append(f"like {', '.join(select.value)}")
    if select.account is not None:
        parts.append(f"of account {', '.join(select.account)}")
    if select.vendor is not None:
        parts.append(f"at {', '.join(select.vendor)}")
    if select.basis is not AnyBasis.ANY:
        parts.append(f"counted from {select.basis}")
    if rule.group is not None:
        parts.append(f"together by {_grouped_by(rule.group, 'en')}")
    return " ".join(parts)


def _grouped_by(group: Group, language: Language) -> str:
    """Name what tells a group from another; its vendor always does."""
    kinds = dict.fromkeys((Kind.VENDOR, *group.by))
    return ("、" if language == "zh" else ", ").join(words.kind_name(k, language) for k in kinds)


_NO_DATA = {
    NoData.KEEP: ("changes nothing", "状态不变"),
    NoData.OK: ("counts as well", "视为正常"),
    NoData.ALERT: ("counts as trouble", "视为异常"),
}


_GROUPED = "Their calls are counted together, from when the rule is in force: one alert a group."
_GROUPED_ZH = "自规则生效起，所选范围内的话单按组合并统计，每组一个告警"


def _english(rule: Rule) -> tuple[str, ...]:
    lines = [f"Watches {_watches(rule)}{'' if rule.group else ' by itself'}."]
    if rule.group is not None:
        lines.append(_GROUPED)
    held = f" for {write_duration(rule.hold_for)} without a break" if rule.hold_for else ""
    lines.append(f"Fires when {words.condition(rule)}{held}.")
    text = words.resolves_when(rule)
    lines.append(text[0].upper() + text[1:] + ".")
    lines += [_insufficient(each) for each in rule.conditions if each.has_sample]
    if rule.active_times is not None:
        lines.append("Asked in its active times: outside, nothing begins, and what fires ends.")
    return tuple(lines)


def _chinese(rule: Rule) -> tuple[str, ...]:
    held = f"，并不间断地持续 {write_duration(rule.hold_for, 'zh')}" if rule.hold_for else ""
    lines = [f"告警条件：{words.condition(rule, 'zh')}{held}。"]
    if rule.group is not None:
        lines.insert(0, f"{_GROUPED_ZH}（{_grouped_by(rule.group, 'zh')}）。")
    lines.append(f"恢复条件：{words.resolves_when(rule, 'zh')}。")
    lines += [_insufficient_zh(each) for each in rule.conditions if each.has_sample]
    if rule.active_times is not None:
        lines.append("仅在生效时段内判断；时段之外不产生新告警，已有告警随之结束。")
    return tuple(lines)


def _insufficient(condition: Condition) -> str:
    sample = words.sample_name(condition.metric)
    where = " in the window or in the baseline" if condition.baseline else ""
    return (
        f"Fewer than {condition.min_attempts} {sample}{where} are insufficient: nothing fires, "
        f"nothing resolves. An empty window {_NO_DATA[condition.no_data][0]}."
    )


def _insufficient_zh(condition: Condition) -> str:
    where = "窗口或基线中" if condition.baseline else ""
    return (
        f"{where}少于 {condition.min_attempts} "
        f"{words.sample_name(condition.metric, 'zh')}时样本不足，"
        f"既不告警也不恢复；窗口内没有数据时{_NO_DATA[condition.no_data][1]}。"
    )
