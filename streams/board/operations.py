"""What the API can be asked, path by path."""

from __future__ import annotations

from streams.board import answers, questions
from streams.board.openapi import Operation
from streams.board.silences import SilenceRequest

PREFIX = "/api/v1"

_UNKNOWN = (404, "there is no such thing")
_NOT_ALLOWED = (403, "the token that may write is needed, or none is configured")
_NO_KAFKA = (503, "Kafka does not answer: ask again")

OPERATIONS = {
    "metrics": Operation(
        f"{PREFIX}/metrics",
        "Current counts by scope, one page",
        questions.MetricsQuery,
        answers.Metrics,
    ),
    "scope": Operation(
        f"{PREFIX}/scope",
        "One scope: all its windows, alerts, course and newest calls",
        questions.ScopeQuery,
        answers.ScopeAnswer,
        (_UNKNOWN,),
    ),
    "history": Operation(
        f"{PREFIX}/history",
        "The course of some scopes",
        questions.HistoryQuery,
        answers.Histories,
    ),
    "alerts": Operation(f"{PREFIX}/alerts", "Alerts", questions.AlertsQuery, answers.Alerts),
    "story": Operation(
        f"{PREFIX}/alerts/{{fingerprint}}",
        "One alert's story",
        questions.NoQuery,
        answers.AlertStory,
        (_UNKNOWN,),
    ),
    "campaigns": Operation(
        f"{PREFIX}/campaigns", "Campaigns and tasks", questions.NoQuery, answers.Campaigns
    ),
    "sources": Operation(
        f"{PREFIX}/sources", "The sources' health", questions.NoQuery, answers.Sources
    ),
    "silences": Operation(
        f"{PREFIX}/silences",
        "Silences, those that end last first",
        questions.SilencesQuery,
        answers.Silences,
    ),
    "silence": Operation(
        f"{PREFIX}/silences",
        "Hold alerts back for a while",
        questions.NoQuery,
        answers.Silence,
        (_NOT_ALLOWED, _NO_KAFKA),
        method="POST",
        body=SilenceRequest,
    ),
    "expire": Operation(
        f"{PREFIX}/silences/{{id}}",
        "End a silence now; one that has ended stays as it is",
        questions.NoQuery,
        answers.Silence,
        (_NOT_ALLOWED, _UNKNOWN, _NO_KAFKA),
        method="DELETE",
    ),
    "events": Operation(
        f"{PREFIX}/events",
        "Changes as server-sent events, as the page reads them: snapshot, change, beat",
        questions.EventsQuery,
        None,
    ),
    "healthz": Operation(
        "/healthz", "Whether it runs", questions.NoQuery, answers.Health, open=True
    ),
    "readyz": Operation(
        "/readyz",
        "Whether it has read its topics",
        questions.NoQuery,
        answers.Health,
        ((503, "it is still reading"),),
        open=True,
    ),
}
