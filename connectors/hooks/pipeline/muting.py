"""What is silent at a moment: by a silence, or because a greater alert explains it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import NamedTuple

from connectors.hooks.settings import InhibitRule
from schemas.alert import Alert, AlertState
from schemas.silence import Matcher, Silence

Labels = Mapping[str, str]


class _Rule(NamedTuple):
    source: tuple[Matcher, ...]
    target: tuple[Matcher, ...]
    equal: tuple[str, ...]


class Muting:
    """The silences and what fires, as they are known now.

    Args:
        rules: which alerts mute which.
    """

    def __init__(self, rules: Iterable[InhibitRule] = ()) -> None:
        self._rules = tuple(
            _Rule(_matchers(rule.source), _matchers(rule.target), rule.equal) for rule in rules
        )
        self._silences: dict[str, Silence] = {}
        self._sources: dict[str, Labels] = {}

    @property
    def silences(self) -> tuple[Silence, ...]:
        """Give every silence that is known, those that have ended among them."""
        return tuple(self._silences.values())

    def know_silence(self, silence_id: str, silence: Silence | None) -> None:
        """Take in a silence as it now stands; None when it is forgotten."""
        if silence is None:
            self._silences.pop(silence_id, None)
        else:
            self._silences[silence_id] = silence

    def know_alert(self, fingerprint: str, alert: Alert | None) -> None:
        """Take in an alert as it now stands; only those that fire can inhibit."""
        fires = alert is not None and alert.state is AlertState.FIRING
        if alert is not None and fires and any(_all(r.source, alert.labels) for r in self._rules):
            self._sources[fingerprint] = alert.labels
        else:
            self._sources.pop(fingerprint, None)

    def mutes(self, labels: Labels, now: datetime) -> bool:
        """Tell whether nobody is to be told of an alert with these labels now."""
        return any(silence.mutes(labels, now) for silence in self._silences.values()) or any(
            self._inhibits(rule, labels) for rule in self._rules
        )

    def _inhibits(self, rule: _Rule, labels: Labels) -> bool:
        if not _all(rule.target, labels):
            return False
        # As in Alertmanager: what is both source and target is not muted by its like, nor itself.
        is_both = _all(rule.source, labels)
        return any(
            _all(rule.source, source)
            and not (is_both and _all(rule.target, source))
            and all(source.get(name, "") == labels.get(name, "") for name in rule.equal)
            for source in self._sources.values()
        )


def _matchers(texts: Iterable[str]) -> tuple[Matcher, ...]:
    return tuple(Matcher.parse(text) for text in texts)


def _all(matchers: Iterable[Matcher], labels: Labels) -> bool:
    return all(matcher.matches(labels) for matcher in matchers)
