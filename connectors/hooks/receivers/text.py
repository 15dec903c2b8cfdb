"""An alert in words, for people: a title, and a few lines per alert."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal, NamedTuple

from connectors.hooks.notification import Notification
from schemas.alert import Alert, AlertState

Language = Literal["en", "zh"]

_MOST = 20
"""More alerts than this are counted rather than told one by one."""

_WORDS: dict[Language, dict[str, str]] = {
    "en": {"firing": "firing", "resolved": "resolved", "since": "since", "more": "and {} more"},
    "zh": {"firing": "告警", "resolved": "恢复", "since": "始于", "more": "另有 {} 条"},
}


class Text(NamedTuple):
    """A message in words."""

    title: str
    body: str


def write(notification: Notification, language: Language) -> Text:
    """Put a notification into words; times are UTC."""
    words = _WORDS[language]
    alerts = notification.alerts
    counts = {state: sum(each.state == state for each in alerts) for state in _STATES}
    told = ", ".join(f"{words[state]} {count}" for state, count in counts.items() if count)
    names = ", ".join(dict.fromkeys(_summary(each, language) for each in alerts))
    title = f"[{told}] {names}"
    lines = [
        line for each in alerts[:_MOST] for line in _lines(each, language, alone=len(alerts) == 1)
    ]
    if len(alerts) > _MOST:
        lines.append(words["more"].format(len(alerts) - _MOST))
    return Text(shorten(title, 200), "\n".join(lines))


def shorten(text: str, most_bytes: int) -> str:
    """Cut a text to what a service takes, in UTF-8 bytes, with an ellipsis."""
    if len(text.encode()) <= most_bytes:
        return text
    return text.encode()[: most_bytes - 3].decode(errors="ignore") + "…"


_ENDS = "resolves_when"
_FIRING = ("description", "diagnosis", _ENDS)
_RESOLVED = ("resolution", "late_data")
_STATES = (AlertState.FIRING, AlertState.RESOLVED)


def _lines(alert: Alert, language: Language, *, alone: bool) -> list[str]:
    words = _WORDS[language]
    starts = f"{alert.starts_at:%Y-%m-%d %H:%M:%S} UTC"
    head = f"[{words[alert.state]}] {_summary(alert, language)} ({words['since']} {starts}"
    if alert.ends_at is not None:
        head += f", {_length(alert.ends_at - alert.starts_at)}"
    lines = [f"{head})"]
    for name in _RESOLVED if alert.state is AlertState.RESOLVED else _FIRING:
        said = _said(alert, name, language)
        # a rule's own texts may say some of it already
        if said and (alone or name != _ENDS) and said.lower() not in "\n".join(lines).lower():
            lines.append(f"  {said}")
    return lines


def _summary(alert: Alert, language: Language) -> str:
    return _said(alert, "summary", language) or alert.rule


def _said(alert: Alert, name: str, language: Language) -> str:
    in_english = alert.annotations.get(name, "")
    if language == "zh":
        return alert.annotations.get(f"{name}_zh", in_english)
    return in_english


def _length(span: timedelta) -> str:
    minutes, seconds = divmod(int(span.total_seconds()), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}h{minutes:02}m" if hours else f"{minutes}m{seconds:02}s"
