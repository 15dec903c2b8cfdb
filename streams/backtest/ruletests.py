"""Rules' own tests, in promtool's manner: series of calls in, alerts expected at given times."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Literal, NamedTuple, Self

import yaml
from pydantic import (
    AwareDatetime,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    ValidationError,
    field_validator,
    model_validator,
)

from schemas.alert import Alert, AlertState
from schemas.errors import ConfigError
from schemas.scope import Scope
from streams.backtest.run import Run
from streams.backtest.series import DIMENSIONS, Interval, Series, parse_values, rows_of
from streams.core.rules import RuleSet, join_rules, load_default_rules, load_rules
from streams.core.rules.durations import Duration, write_duration
from streams.core.rules.load import line_of
from streams.settings import StreamsSettings

_SET = "rules"


def _scope(value: object) -> Scope:
    if isinstance(value, Scope):
        return value
    try:
        return Scope.parse(str(value))
    except ValueError as error:
        raise ValueError(
            f"{value!r} is no scope: write calls:icsoc/main/display_number/075512345678"
        ) from error


def _values(value: object) -> tuple[Interval, ...]:
    return parse_values(str(value))


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)


class InputSeries(_Strict):
    """One series.

    Attributes:
        series: a scope's text form: `calls:icsoc/main/display_number/0755…`.
        values: what happens in each interval, see `series`.
        having: what else its calls have (`with`): `{carrier: MOBILE}`.
        arrives_after: how late its calls arrive.
    """

    series: Annotated[Scope, PlainValidator(_scope)]
    values: Annotated[tuple[Interval, ...], PlainValidator(_values)]
    having: dict[str, str] = Field(default_factory=dict, alias="with")
    arrives_after: Duration = 0

    @field_validator("having")
    @classmethod
    def _are_dimensions(cls, having: dict[str, str]) -> dict[str, str]:
        for name in having:
            if name not in DIMENSIONS:
                raise ValueError(f"{name!r} is no dimension: {', '.join(DIMENSIONS)}")
        return having


class ExpectedAlert(_Strict):
    """An alert that must be there; what is not stated may be anything."""

    exp_labels: dict[str, str] = Field(default_factory=dict)
    exp_annotations: dict[str, str] = Field(default_factory=dict)

    def fits(self, alert: Alert) -> bool:
        """Tell whether an alert is the one."""
        return _holds(alert.labels, self.exp_labels) and _holds(
            alert.annotations, self.exp_annotations
        )


class AlertTest(_Strict):
    """What is expected of one rule at one time.

    Attributes:
        eval_time: since the start.
        exp_state: which alerts are meant: those that fire, unless stated.
        exp_alerts: all of them; none by default.
    """

    eval_time: Duration
    alertname: str
    exp_state: Literal["firing", "pending", "resolved", "inactive"] = "firing"
    exp_alerts: tuple[ExpectedAlert, ...] = ()


class RuleTest(_Strict):
    """One test: what comes in, and what is expected."""

    name: str = ""
    start: AwareDatetime = datetime(2026, 1, 5, 1, 0, tzinfo=UTC)
    interval: Duration = 60
    input_series: tuple[InputSeries, ...]
    alert_rule_test: tuple[AlertTest, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _has_time(self) -> Self:
        if self.interval == 0:
            raise ValueError("an interval of no time holds no calls: write 1m")
        return self


class TestFile(_Strict):
    """A file of tests.

    Attributes:
        rule_files: where the rules are, beside this file; our own where none is named.
    """

    __test__ = False

    rule_files: tuple[str, ...] = ()
    tests: tuple[RuleTest, ...]


class Failure(NamedTuple):
    """An expectation that was not met."""

    test: str
    text: str


def load_tests(text: str, file: str) -> TestFile:
    """Read a file of tests from its text.

    Raises:
        ConfigError: it cannot be used; each problem with file, line and mend.
    """
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
        data = yaml.safe_load(text)
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise ConfigError(f"{file}:{line}: not YAML: {error.problem}") from error
    if node is None:
        raise ConfigError(f"{file}:1: no tests here: begin with `tests:` and a list")
    try:
        return TestFile.model_validate(data)
    except ValidationError as error:
        told = []
        for each in error.errors(include_url=False, include_input=False):
            where = ".".join(str(part) for part in each["loc"])
            why = each["msg"].removeprefix("Value error, ")
            told.append(f"{file}:{line_of(node, each['loc'])}: {where}: {why}")
        raise ConfigError("\n".join(told)) from error


def load_rules_of(tests: TestFile, read: Callable[[str], str]) -> RuleSet:
    """Read the rules that a file of tests names.

    Args:
        tests: the file.
        read: gives a named file's text.

    Raises:
        ConfigError: they cannot be used, or a test names a rule that is not there.
    """
    rules = load_default_rules()
    if tests.rule_files:
        rules = join_rules((name, load_rules(read(name), name)) for name in tests.rule_files)
    for test in tests.tests:
        for each in test.alert_rule_test:
            if rules.get(each.alertname) is None:
                known = ", ".join(rule.name for rule in rules)
                raise ConfigError(f"there is no rule {each.alertname!r}; there are: {known}")
    return rules


def run_test(test: RuleTest, rules: RuleSet, settings: StreamsSettings) -> Iterator[Failure]:
    """Run one test on the event clock, and give what is not as expected."""
    run = Run(settings, {}, {_SET: rules})
    interval = timedelta(seconds=test.interval)
    rows = [
        row
        for number, each in enumerate(test.input_series)
        for row in rows_of(
            Series(each.series, each.having, each.values, timedelta(seconds=each.arrives_after)),
            number,
            test.start,
            interval,
        )
    ]
    rows.sort(key=lambda row: row.timestamp)
    offset = 0
    start_ms = int(test.start.timestamp() * 1000)
    for expected in sorted(test.alert_rule_test, key=lambda each: each.eval_time):
        until = start_ms + expected.eval_time * 1000
        while offset < len(rows) and rows[offset].timestamp < until:
            run.take(rows[offset].at(offset))
            offset += 1
        run.advance(until)
        newest = {told.alert.fingerprint: told.alert for told in run.told}
        yield from _check(test, expected, newest)


def _check(test: RuleTest, expected: AlertTest, newest: Mapping[str, Alert]) -> Iterator[Failure]:
    state = AlertState(expected.exp_state)
    there = [
        alert
        for alert in newest.values()
        if alert.rule == expected.alertname and alert.state is state
    ]
    left = list(there)
    missing = []
    for wanted in expected.exp_alerts:
        match = next((alert for alert in left if wanted.fits(alert)), None)
        if match is None:
            missing.append(wanted)
        else:
            left.remove(match)
    when = f"{expected.alertname} at {write_duration(expected.eval_time)}"
    for wanted in missing:
        told = {**wanted.exp_labels, **wanted.exp_annotations} or "an alert"
        found = "; ".join(_short(alert) for alert in there) or "none"
        yield Failure(test.name, f"{when}: expected {told} to be {state}; {state} are: {found}")
    for alert in left:
        yield Failure(test.name, f"{when}: did not expect {_short(alert)} to be {state}")


def _short(alert: Alert) -> str:
    return f"{alert.scope} ({alert.annotations.get('summary', '')})"


def _holds(have: Mapping[str, str], wanted: Mapping[str, str]) -> bool:
    return all(have.get(name) == text for name, text in wanted.items())
