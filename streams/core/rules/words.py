"""Say in English and Chinese what a rule means and what was measured."""

from __future__ import annotations

from datetime import datetime
from typing import Literal

from schemas.scope import Kind, Scope
from streams.core.rules.baseline import Baseline
from streams.core.rules.durations import write_duration
from streams.core.rules.group import group_of
from streams.core.rules.judge import Finding
from streams.core.rules.metrics import Form, Metric
from streams.core.rules.model import Condition, Rule, Side
from streams.core.rules.windows import Last, Over, Window

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = ("en", "zh")

_METRICS: dict[Language, dict[Metric, str]] = {
    "en": {
        Metric.ANSWER_RATE: "answer rate",
        Metric.CONNECT_RATE: "connect rate",
        Metric.ABANDON_RATE: "abandon rate",
        Metric.MISSED_CALLS: "missed calls",
        Metric.AVERAGE_TALK_SECONDS: "average talk time",
        Metric.ATTEMPTS: "attempts",
        Metric.DATA_AGE: "data age",
    },
    "zh": {
        Metric.ANSWER_RATE: "接通率",
        Metric.CONNECT_RATE: "人工接通率",
        Metric.ABANDON_RATE: "呼损率",
        Metric.MISSED_CALLS: "未接来电数",
        Metric.AVERAGE_TALK_SECONDS: "平均通话时长",
        Metric.ATTEMPTS: "呼叫量",
        Metric.DATA_AGE: "数据时效",
    },
}
_KINDS: dict[Language, dict[Kind, str]] = {
    "en": {kind: str(kind).replace("_", " ") for kind in Kind},
    "zh": {
        Kind.VENDOR: "供应商",
        Kind.ACCOUNT: "账户",
        Kind.DISPLAY_NUMBER: "外显号码",
        Kind.CAMPAIGN: "任务",
        Kind.QUEUE: "队列",
        Kind.REGION: "地区",
        Kind.CARRIER: "运营商",
        Kind.GROUP: "分组",
    },
}
_SIDES: dict[Language, dict[Side, str]] = {
    "en": {Side.BELOW: "below", Side.ABOVE: "above"},
    "zh": {Side.BELOW: "低于", Side.ABOVE: "高于"},
}
_SAMPLES: dict[Language, dict[Metric, str]] = {
    "en": {
        Metric.ABANDON_RATE: "answered calls",
        Metric.AVERAGE_TALK_SECONDS: "connected calls",
    },
    "zh": {Metric.ABANDON_RATE: "次接听", Metric.AVERAGE_TALK_SECONDS: "次通话"},
}
_SUCCESSES = {
    Metric.ANSWER_RATE: "answered",
    Metric.CONNECT_RATE: "connected",
    Metric.ABANDON_RATE: "abandoned",
}
_TEMPLATES: dict[Language, dict[Form, str]] = {
    "en": {
        Form.RATE: "{subject}: {metric} {measured} ({successes} of {attempts} over {window}), "
        "{side} {threshold}",
        Form.MEAN: "{subject}: {metric} {measured} ({attempts} calls over {window}), "
        "{side} {threshold}",
        Form.COUNT: "{subject}: {measured} {metric} over {window}, {side} {threshold}",
        Form.AGE: "{subject}: nothing for {measured}, {side} {threshold}; the last at {last_event}",
    },
    "zh": {
        Form.RATE: "{subject}：{metric} {measured}（{window}内 {attempts} 次中 {successes} 次），"
        "{side} {threshold}",
        Form.MEAN: "{subject}：{metric} {measured}（{window}内 {attempts} 次），{side} {threshold}",
        Form.COUNT: "{subject}：{window}内{metric} {measured}，{side} {threshold}",
        Form.AGE: "{subject}：已有 {measured} 没有数据，{side} {threshold}；最后一条 {last_event}",
    },
}
_BASELINE_TEMPLATES: dict[Language, dict[Form, str]] = {
    "en": {
        Form.RATE: "{subject}: {metric} {measured} ({low} to {high}; {successes} of {attempts} "
        "over {window}) where {baseline_hours} had {baseline}: more than {tolerance} {side} that",
        Form.MEAN: "{subject}: {metric} {measured} ({attempts} calls over {window}) "
        "where {baseline_hours} had {baseline}: more than {tolerance} {side} that",
    },
    "zh": {
        Form.RATE: "{subject}：{metric} {measured}（区间 {low} 至 {high}，{window}内 {attempts} "
        "次中 {successes} 次），而{baseline_hours}为 {baseline}，{side}该基线 {tolerance} 以上",
        Form.MEAN: "{subject}：{metric} {measured}（{window}内 {attempts} 次），"
        "而{baseline_hours}为 {baseline}，{side}该基线 {tolerance} 以上",
    },
}
_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_DAYS_ZH = "一二三四五六日"
_UNKNOWN = "–"


def metric_name(metric: Metric, language: Language = "en") -> str:
    """Name a metric."""
    return _METRICS[language][metric]


def _measure_name(condition: Condition) -> str:
    name = metric_name(condition.metric)
    return f"number of {name}" if condition.metric.form is Form.COUNT else name


def side_name(side: Side, language: Language = "en") -> str:
    """Say below or above."""
    return _SIDES[language][side]


def sample_name(metric: Metric, language: Language = "en") -> str:
    """Name what a rate or mean is taken over."""
    return _SAMPLES[language].get(metric, "attempts" if language == "en" else "次呼叫")


def amount(metric: Metric, value: float | None, language: Language = "en") -> str:
    """Write a value of a metric with its unit: `12.5%`, `48.2 s`, `7`."""
    if value is None:
        return _UNKNOWN
    match metric.form:
        case Form.RATE:
            return f"{round(100 * value, 1):g}%"
        case Form.MEAN:
            return f"{round(value, 1):g} {'秒' if language == 'zh' else 's'}"
        case Form.COUNT:
            return str(int(value))
        case Form.AGE:
            return write_duration(int(value), language)


def kind_name(kind: Kind, language: Language = "en") -> str:
    """Name a kind of scope."""
    return _KINDS[language][kind]


def subject(scope: Scope, language: Language = "en") -> str:
    """Say which scope it is: `display number 075512345678 (icsoc/main)`."""
    home = str(scope.vendor) if scope.account is None else f"{scope.vendor}/{scope.account}"
    if scope.value is None:
        return f"{_KINDS[language][scope.kind]} {home}"
    opening, closing = ("（", "）") if language == "zh" else (" (", ")")
    return f"{_KINDS[language][scope.kind]} {value(scope, language)}{opening}{home}{closing}"


def value(scope: Scope, language: Language = "en") -> str:
    """Name a scope's value: a group's is its rule and dimensions, `low, carrier 移动`."""
    if scope.kind is not Kind.GROUP:
        return scope.value or ""
    rule, having = group_of(scope)
    told = (f"{_KINDS[language][kind]} {text}" for kind, text in having.items())
    return ("，" if language == "zh" else ", ").join((rule, *told))


def successes_name(metric: Metric) -> str:
    """Name the upper number of a rate: `answered`, `connected`, `abandoned`."""
    return _SUCCESSES[metric]


def default_template(condition: Condition, language: Language) -> str:
    """Give the summary of a rule that states none."""
    templates = _TEMPLATES if condition.baseline is None else _BASELINE_TEMPLATES
    return templates[language][condition.metric.form]


def values(rule: Rule, scope: Scope, finding: Finding, language: Language) -> dict[str, str]:
    """Give what the placeholders of `templates.PLACEHOLDERS` stand for."""
    reading, condition = finding.reading, finding.condition
    return {
        "rule": rule.name,
        "severity": str(rule.severity),
        "scope": str(scope),
        "subject": subject(scope, language),
        "vendor": str(scope.vendor),
        "account": scope.account or "",
        "kind": _KINDS[language][scope.kind],
        "value": value(scope, language),
        "metric": metric_name(condition.metric, language),
        "measured": amount(condition.metric, reading.value, language),
        "low": amount(condition.metric, reading.low, language),
        "high": amount(condition.metric, reading.high, language),
        "successes": _count(reading.successes),
        "attempts": _count(reading.sample),
        "side": side_name(condition.side, language),
        "threshold": amount(condition.metric, condition.threshold, language),
        "resolve": amount(condition.metric, condition.resolve_at, language),
        **_baseline_values(condition, language),
        "window": finding.window.name(language),
        "last_event": _last_event(finding),
    }


def hour_name(hour: datetime, language: Language = "en") -> str:
    """Name a weekday and hour: `Monday 10:00`."""
    day = hour.weekday()
    return f"周{_DAYS_ZH[day]} {hour:%H:%M}" if language == "zh" else f"{_DAYS[day]} {hour:%H:%M}"


def _baseline_values(condition: Condition, language: Language) -> dict[str, str]:
    baseline, usual = condition.baseline, condition.usual
    if baseline is None or usual is None:
        return dict.fromkeys(("baseline", "baseline_hours", "tolerance"), _UNKNOWN)
    had = amount(condition.metric, usual.value, language)
    hours = _UNKNOWN
    if language == "zh":
        of = "" if usual.successes is None else f"{usual.successes}/"
        sample = f"（{of}{_count(usual.sample)}）"
        if usual.hour is not None:
            hours = f"最近 {baseline.weeks} 周的{hour_name(usual.hour, language)}"
    else:
        of = "" if usual.successes is None else f"{usual.successes} of "
        sample = f" ({of}{_count(usual.sample)})"
        if usual.hour is not None:
            day, time = hour_name(usual.hour).split()
            hours = f"{day}s {time} of the last {baseline.weeks} weeks"
    tolerance = f"{100 * baseline.tolerance:g}%"
    return {"baseline": had + sample, "baseline_hours": hours, "tolerance": tolerance}


def baseline(baseline: Baseline, language: Language = "en") -> str:
    """Say how far from what is trouble: `more than 20% below the same hour of …`."""
    share = f"{100 * baseline.tolerance:g}%"
    if language == "zh":
        return (
            f"{side_name(baseline.side, 'zh')}最近 {baseline.weeks} 周同一星期与钟点 {share} 以上"
        )
    return (
        f"more than {share} {baseline.side} that of the same weekday and hour "
        f"over the last {baseline.weeks} weeks"
    )


def _count(number: int | None) -> str:
    return _UNKNOWN if number is None else str(number)


def _last_event(finding: Finding) -> str:
    moment = finding.last_event_at
    return _UNKNOWN if moment is None else moment.isoformat(timespec="seconds")


def resolves_when(rule: Rule, language: Language = "en") -> str:
    """Say what would end a firing alert of this rule."""
    clears = [_clears(condition, language) for condition in rule.conditions]
    # Any one of conditions that must all hold ends it by clearing, and so does the reverse.
    if language == "zh":
        text = ("，或" if rule.combine == "all" else "，并且").join(clears)
        if rule.keep_firing_for:
            text += f"，并持续 {write_duration(rule.keep_firing_for, language)}"
        return text + "时恢复"
    text = "resolves when " + (" or " if rule.combine == "all" else " and ").join(clears)
    if rule.keep_firing_for:
        text += f", and the condition has been gone for {write_duration(rule.keep_firing_for)}"
    return text


def _clears(condition: Condition, language: Language) -> str:
    metric = metric_name(condition.metric, language)
    if language == "zh":
        text = f"{_spans(condition, language)}{metric}回到{_bound(condition, language)}"
        if condition.has_sample:
            text += f"，且至少有 {condition.min_attempts} {sample_name(condition.metric, language)}"
        return text
    over = "" if condition.metric.form is Form.AGE else f" over {_spans(condition, language)}"
    text = f"the {_measure_name(condition)}{over} is {_bound(condition, language)}"
    if condition.has_sample:
        several = len(condition.window.parts) > 1 and condition.window.combine == "any"
        text += f", with at least {condition.min_attempts} {sample_name(condition.metric)}"
        text += " in each" if several else ""
    return text


def _bound(condition: Condition, language: Language) -> str:
    """Say at which value it clears."""
    below = condition.side is Side.BELOW
    if condition.baseline is not None:
        share = f"{100 * condition.baseline.resolve_within:g}%"
        if language == "zh":
            return f"基线{'以下' if below else '以上'} {share} 以内"
        return f"no more than {share} {condition.side} its baseline"
    bound = amount(condition.metric, condition.resolve_at, language)
    if language == "zh":
        return f" {bound} {'以上（含）' if below else '以下（含）'}"
    return f"{bound} or {'more' if below else 'less'}"


def _spans(condition: Condition, language: Language) -> str:
    """Name the windows that must clear: any one where all must hold, all where one is enough."""
    parts = condition.window.parts
    if condition.metric.form is Form.AGE:
        return ""
    if language == "zh":
        word = " 或 " if condition.window.combine == "all" else " 和 "
        return word.join(_span(part, language) for part in parts)
    word = " or " if condition.window.combine == "all" else " and "
    return word.join(_span(part, language) for part in parts)


def _span(window: Window, language: Language) -> str:
    if language == "zh":
        return f"{window.name(language)}内" if isinstance(window, Over) else window.name(language)
    return f"the {window.name()} attempts" if isinstance(window, Last) else window.name()


def condition(rule: Rule, language: Language = "en") -> str:
    """Say when the condition of a rule holds."""
    if language == "zh":
        word = "，且" if rule.combine == "all" else "，或"
    else:
        word = ", and " if rule.combine == "all" else ", or "
    return word.join(_holds(each, language) for each in rule.conditions)


def _holds(condition: Condition, language: Language) -> str:
    metric, name = condition.metric, metric_name(condition.metric, language)
    bound = f"{side_name(condition.side, language)} {amount(metric, condition.threshold, language)}"
    if condition.baseline is not None:
        bound = baseline(condition.baseline, language)
    age = metric.form is Form.AGE
    if language == "zh":
        span = "" if age else f"{condition.window.name(language)}内"
        text = f"{span}{name}{bound}"
        if condition.tests_interval:
            text += f"（整个 {condition.confidence:.0%} 威尔逊区间都{bound}）"
        return text
    over = "" if age else f" over {condition.window.name()}"
    text = f"the {_measure_name(condition)}{over} is {bound}"
    if condition.tests_interval:
        end = "upper" if condition.side is Side.BELOW else "lower"
        text += f" on evidence ({end} end of its {condition.confidence:.0%} Wilson interval)"
    return text


def resolution(rule: Rule, scope: Scope, finding: Finding, language: Language) -> str:
    """Say with which numbers an alert ended."""
    told = values(rule, scope, finding, language)
    age = finding.condition.metric.form is Form.AGE
    if finding.reading.value is None:
        told_zh = "{subject}：{window}内没有数据，按规则视为恢复"
        template = "{subject}: no data over {window}, which the rule takes as well"
        return (told_zh if language == "zh" else template).format_map(told)
    sample = ""
    if finding.reading.sample is not None:
        sample = f"（{told['attempts']} 次）" if language == "zh" else f" of {told['attempts']}"
    if language == "zh":
        span = "" if age else f"{told['window']}内"
        return f"{told['subject']}：{span}{told['metric']}为 {told['measured']}{sample}"
    over = "" if age else f" over {told['window']}"
    return f"{told['subject']}: {told['metric']} {told['measured']}{sample}{over}"


def disproof(was: float | None, finding: Finding, language: Language) -> str:
    """Say that late calls took an alert's evidence away."""
    metric = finding.condition.metric
    before, now = amount(metric, was, language), amount(metric, finding.reading.value, language)
    name = metric_name(metric, language)
    if language == "zh":
        return f"迟到的话单推翻了本告警：同一时段的{name}不是 {before}，而是 {now}"
    return (
        f"calls that arrived late disprove this alert: "
        f"over the same time the {name} was {now} and not {before}"
    )
