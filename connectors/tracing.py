"""The door to OpenTelemetry: whose trace a record, a batch or an alert belongs to.

The context of W3C Trace Context (`traceparent`) is carried always: from a push or a poll in the
headers of the raw record, of what is made of it, of the alert, and in the webhook's request. Spans
are exported by OTLP/HTTP only where the standard variable OTEL_EXPORTER_OTLP_ENDPOINT (or
…_TRACES_ENDPOINT) names a collector; without it opentelemetry is not even imported. A batch is one
span with links to the newest of its records' traces, never a span a record.

Sources: w3.org/TR/trace-context; opentelemetry.io/docs/languages/sdk-configuration/otlp-exporter.
docs/monitoring.md tells it to those who run it.
"""

from __future__ import annotations

import os
import random
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from enum import Enum
from typing import TYPE_CHECKING

from schemas.errors import ConfigError

if TYPE_CHECKING:
    from opentelemetry.trace import Link, Span, Tracer

HEADER = "traceparent"

Attributes = Mapping[str, str | int]

_VALID = re.compile(r"(?!ff)[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
_UNSAMPLED, _SAMPLED = "00", "01"
_MOST_LINKS = 32
_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_PROTOCOLS = ("OTEL_EXPORTER_OTLP_PROTOCOL", "OTEL_EXPORTER_OTLP_TRACES_PROTOCOL")

_current: ContextVar[str | None] = ContextVar("traceparent", default=None)
_tracer: Tracer | None = None


class Kind(Enum):
    """What a span is to its trace, as OpenTelemetry names it."""

    INTERNAL = "INTERNAL"
    SERVER = "SERVER"
    CLIENT = "CLIENT"
    CONSUMER = "CONSUMER"


def is_on() -> bool:
    """Tell whether spans are exported."""
    return _tracer is not None


def current() -> str | None:
    """Give the traceparent of what is under way here, or None."""
    return _current.get()


def trace_id() -> str | None:
    """Give the id of the trace that is under way here (32 hex digits), or None."""
    now = _current.get()
    return None if now is None else now[3:35]


def headers() -> list[tuple[str, bytes]]:
    """Give the Kafka headers that carry the current context; it is the last header by custom."""
    now = _current.get()
    return [] if now is None else [(HEADER, now.encode())]


def carried(of: Sequence[tuple[str, bytes]]) -> bytes | None:
    """Find the traceparent among a record's headers, as it stands there."""
    for name, value in reversed(of):
        if name == HEADER:
            return value
    return None


def read(traceparent: str | bytes | None) -> str | None:
    """Take a traceparent that came from elsewhere; what is none counts as missing."""
    if not traceparent:
        return None
    if isinstance(traceparent, bytes):
        traceparent = traceparent.decode("ascii", "replace")
    return traceparent if _VALID.fullmatch(traceparent) else None


def newest(of: Iterable[bytes | None]) -> list[str]:
    """Give the newest different contexts of many, the newest first; some dozens are enough."""
    found: dict[str, None] = {}
    for each in of:
        context = read(each)
        if context is not None:
            found.pop(context, None)
            found[context] = None
    return list(reversed(found))[:_MOST_LINKS]


@contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    links: Sequence[str] = (),
    kind: Kind = Kind.INTERNAL,
    attributes: Attributes | None = None,
) -> Iterator[str]:
    """Do something as part of a trace, and give its traceparent.

    Where nothing is exported the parent's context is passed on as it is.

    Args:
        name: of few values: no number, no id.
        parent: the traceparent to follow; by default the current one, or else a new trace.
        links: traceparents that it comes of as well.
        kind: what it is to the trace.
        attributes: by OpenTelemetry's conventions; no phone number.
    """
    parent = parent or _current.get()
    if _tracer is None:
        own, doing = parent or _new_root(), None
    else:
        doing = _start(_tracer, name, parent, links, kind, attributes)
        own = _written(doing)
    token = _current.set(own)
    try:
        yield own
    except BaseException as error:
        if doing is not None and isinstance(error, Exception):
            _fail(doing, error)
        raise
    finally:
        _current.reset(token)
        if doing is not None:
            doing.end()


@contextmanager
def exporting(service: str, environment: Mapping[str, str] = os.environ) -> Iterator[None]:
    """Export spans while the context is open, where the environment asks for it.

    Args:
        service: `callstreams-SERVICE` is the resource's name, unless OTEL_SERVICE_NAME says other.
        environment: OpenTelemetry's standard variables; its exporter reads the others itself.

    Raises:
        ConfigError: another protocol than HTTP is asked for.
    """
    global _tracer
    if not _asked_for(environment):
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    own_name = environment.get("OTEL_SERVICE_NAME") or f"callstreams-{service}"
    provider = TracerProvider(
        resource=Resource.create({SERVICE_NAME: own_name}), shutdown_on_exit=False
    )
    provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
    _tracer = provider.get_tracer("callstreams")
    try:
        yield
    finally:
        _tracer = None
        provider.shutdown()  # what waits is sent


def _asked_for(environment: Mapping[str, str]) -> bool:
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return False
    if environment.get("OTEL_TRACES_EXPORTER", "otlp") != "otlp":
        return False
    if not any(environment.get(name) for name in _ENDPOINTS):
        return False
    for name in _PROTOCOLS:
        if environment.get(name, "http/protobuf") not in ("", "http/protobuf"):
            raise ConfigError(f"{name}: spans go by http/protobuf alone; leave it out")
    return True


def _new_root() -> str:
    # no secret, so it need not be asked of the system; 0 is forbidden, hence | 1
    return f"00-{random.getrandbits(128) | 1:032x}-{random.getrandbits(64) | 1:016x}-{_UNSAMPLED}"


def _start(
    tracer: Tracer,
    name: str,
    parent: str | None,
    links: Sequence[str],
    kind: Kind,
    attributes: Attributes | None,
) -> Span:
    from opentelemetry.context import Context
    from opentelemetry.trace import NonRecordingSpan, SpanKind, set_span_in_context

    context = Context()
    if parent is not None:
        context = set_span_in_context(NonRecordingSpan(_link(parent).context), context)
    return tracer.start_span(
        name,
        context=context,
        kind=SpanKind[kind.value],
        links=[_link(each) for each in links],
        attributes=attributes,
    )


def _link(traceparent: str) -> Link:
    from opentelemetry.trace import Link, SpanContext, TraceFlags

    _, trace, own, flags = traceparent.split("-", 3)
    return Link(
        SpanContext(
            int(trace, 16), int(own, 16), is_remote=True, trace_flags=TraceFlags(int(flags, 16))
        )
    )


def _written(doing: Span) -> str:
    context = doing.get_span_context()
    flags = _SAMPLED if context.trace_flags.sampled else _UNSAMPLED
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{flags}"


def _fail(doing: Span, error: Exception) -> None:
    from opentelemetry.trace import Status, StatusCode

    # the text may hold anything that a vendor or receiver said: its kind is enough
    doing.set_status(Status(StatusCode.ERROR, type(error).__name__))
