"""Say in English and Chinese what a rule means and what was measured."""

from __future__ import annotations

from typing import Literal

from schemas.scope import Kind, Scope
from streams.core.rules.durations import write_duration
from streams.core.rules.judge import Finding
from streams.core.rules.metrics import Form, Metric
from streams.core.rules.model import Rule, Side
from streams.core.rules.windows import Over, Window

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
    },
    "zh": {
        Metric.ANSWER_RATE: "接通率",
        Metric.CONNECT_RATE: "人工接通率",
        Metric.ABANDON_RATE: "呼损率",
        Metric.MISSED_CALLS: "未接来电数",
        Metric.AVERAGE_TALK_SECONDS: "平均通话时长",
        Metric.ATTEMPTS: "呼叫量",
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
    },
    "zh": {
        Form.RATE: "{subject}：{metric} {measured}（{window}内 {attempts} 次中 {successes} 次），"
        "{side} {threshold}",
        Form.MEAN: "{subject}：{metric} {measured}（{window}内 {attempts} 次），{side} {threshold}",
        Form.COUNT: "{subject}：{window}内{metric} {measured}，{side} {threshold}",
    },
}
_UNKNOWN = "–"


def metric_name(metric: Metric, language: Language = "en") -> str:
    """Name a metric."""
    return _METRICS[language][metric]


def _measure_name(rule: Rule) -> str:
    name = metric_name(rule.metric)
    return f"number of {name}" if rule.metric.form is Form.COUNT else name


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


def subject(scope: Scope, language: Language = "en") -> str:
    """Say which scope it is: `display number 075512345678 (icsoc/main)`."""
    home = str(scope.vendor) if scope.account is None else f"{scope.vendor}/{scope.account}"
    if scope.value is None:
        return f"{_KINDS[language][scope.kind]} {home}"
    opening, closing = ("（", "）") if language == "zh" else (" (", ")")
    return f"{_KINDS[language][scope.kind]} {scope.value}{opening}{home}{closing}"


def successes_name(metric: Metric) -> str:
    """Name the upper number of a rate: `answered`, `connected`, `abandoned`."""
    return _SUCCESSES[metric]


def default_template(rule: Rule, language: Language) -> str:
    """Give the summary of a rule that states none."""
    return _TEMPLATES[language][rule.metric.form]


def values(rule: Rule, scope: Scope, finding: Finding, language: Language) -> dict[str, str]:
    """Give what the placeholders of `templates.PLACEHOLDERS` stand for."""
    reading = finding.reading
    return {
        "rule": rule.name,
        "severity": str(rule.severity),
        "scope": str(scope),
        "subject": subject(scope, language),
        "vendor": str(scope.vendor),
        "account": scope.account or "",
        "kind": _KINDS[language][scope.kind],
        "value": scope.value or "",
        "metric": metric_name(rule.metric, language),
        "measured": amount(rule.metric, reading.value, language),
        "low": amount(rule.metric, reading.low, language),
        "high": amount(rule.metric, reading.high, language),
        "successes": _count(reading.successes),
        "attempts": _count(reading.sample),
        "side": side_name(rule.side, language),
        "threshold": amount(rule.metric, rule.threshold, language),
        "resolve": amount(rule.metric, rule.resolve_at, language),
        "window": finding.window.name(language),
        "last_event": _last_event(finding),
    }


def _count(number: int | None) -> str:
    return _UNKNOWN if number is None else str(number)


def _last_event(finding: Finding) -> str:
    moment = finding.last_event_at
    return _UNKNOWN if moment is None else moment.isoformat(timespec="seconds")


def resolves_when(rule: Rule, language: Language = "en") -> str:
    """Say what would end a firing alert of this rule."""
    bound = amount(rule.metric, rule.resolve_at, language)
    metric = metric_name(rule.metric, language)
    several = len(rule.window.parts) > 1
    if language == "zh":
        edge = "以上（含）" if rule.side is Side.BELOW else "以下（含）"
        text = f"{_spans(rule, language)}{metric}回到 {bound} {edge}"
        if rule.metric.form is not Form.COUNT:
            text += f"，且至少有 {rule.min_attempts} {sample_name(rule.metric, language)}"
        if rule.keep_firing_for:
            text += f"，并持续 {write_duration(rule.keep_firing_for, language)}"
        return text + "时恢复"
    edge = "or more" if rule.side is Side.BELOW else "or less"
    text = (
        f"resolves when the {_measure_name(rule)} over {_spans(rule, language)} is {bound} {edge}"
    )
    if rule.metric.form is not Form.COUNT:
        each = " in each" if several and rule.window.combine == "any" else ""
        text += f", with at least {rule.min_attempts} {sample_name(rule.metric)}{each}"
    if rule.keep_firing_for:
        text += f", and the condition has been gone for {write_duration(rule.keep_firing_for)}"
    return text


def _spans(rule: Rule, language: Language) -> str:
    """Name the windows that must clear: any one where all must hold, all where one is enough."""
    parts = rule.window.parts
    if language == "zh":
        word = " 或 " if rule.window.combine == "all" else " 和 "
        return word.join(_span(part, language) for part in parts)
    word = " or " if rule.window.combine == "all" else " and "
    return word.join(_span(part, language) for part in parts)


def _span(window: Window, language: Language) -> str:
    if language == "zh":
        return f"{window.name(language)}内" if isinstance(window, Over) else window.name(language)
    return window.name() if isinstance(window, Over) else f"the {window.name()} attempts"


def condition(rule: Rule, language: Language = "en") -> str:
    """Say when the condition of a rule holds."""
    metric, name = rule.metric, metric_name(rule.metric, language)
    bound = amount(metric, rule.threshold, language)
    side = side_name(rule.side, language)
    if language == "zh":
        text = f"{rule.window.name(language)}内{name}{side} {bound}"
        if rule.tests_interval:
            text += f"（整个 {rule.confidence:.0%} 威尔逊区间都{side} {bound}）"
        return text
    text = f"the {_measure_name(rule)} over {rule.window.name()} is {side} {bound}"
    if rule.tests_interval:
        end = "upper" if rule.side is Side.BELOW else "lower"
        text += f" on evidence ({end} end of its {rule.confidence:.0%} Wilson interval)"
    return text


def resolution(rule: Rule, scope: Scope, finding: Finding, language: Language) -> str:
    """Say with which numbers an alert ended."""
    told = values(rule, scope, finding, language)
    if finding.reading.value is None:
        told_zh = "{subject}：{window}内没有数据，按规则视为恢复"
        template = "{subject}: no data over {window}, which the rule takes as well"
        return (told_zh if language == "zh" else template).format_map(told)
    sample = ""
    if finding.reading.sample is not None:
        sample = f"（{told['attempts']} 次）" if language == "zh" else f" of {told['attempts']}"
    if language == "zh":
        return f"{told['subject']}：{told['window']}内{told['metric']}为 {told['measured']}{sample}"
    return f"{told['subject']}: {told['metric']} {told['measured']}{sample} over {told['window']}"


def disproof(rule: Rule, was: str, finding: Finding, language: Language) -> str:
    """Say that late calls took an alert's evidence away."""
    now = amount(rule.metric, finding.reading.value, language)
    name = metric_name(rule.metric, language)
    if language == "zh":
        return f"迟到的话单推翻了本告警：同一时段的{name}不是 {was}，而是 {now}"
    return (
        f"calls that arrived late disprove this alert: "
        f"over the same time the {name} was {now} and not {was}"
    )
