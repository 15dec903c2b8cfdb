"""What a poller tells Prometheus of its sources."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager

from connectors import telemetry
from connectors.poller.status import SourceStatus, State
from connectors.telemetry import Reading

_ENDED = (State.OK, State.DEGRADED, State.STOPPED)


class Meter:
    """Counts what the statuses say, and shows those that hold now.

    Args:
        statuses: gives the sources that this process runs.
    """

    def __init__(self, statuses: Callable[[], Sequence[SourceStatus]]) -> None:
        self._statuses = statuses
        self._last: dict[str, SourceStatus] = {}

    def count(self, status: SourceStatus) -> None:
        """Count what has happened since a source's last status."""
        # A source that we take over begins at 0 again, and says so before its first poll.
        last = self._last.get(status.name, SourceStatus(status.name))
        self._last[status.name] = status
        labels = _labels(status)
        if status.polls > last.polls and status.state in _ENDED:
            telemetry.POLLS.labels(*labels, status.state).inc(status.polls - last.polls)
        if status.records_published > last.records_published:
            records = status.records_published - last.records_published
            telemetry.POLLED_RECORDS.labels(*labels).inc(records)

    @contextmanager
    def shown(self) -> Iterator[None]:
        """Let the sources be asked for while the context is open."""
        with ExitStack() as stack:
            stack.enter_context(telemetry.SOURCE_STATE.reading(self._states))
            stack.enter_context(telemetry.SOURCE_SUCCESS.reading(self._successes))
            stack.enter_context(telemetry.FOUND_BY_SEARCH.reading(self._found))
            yield

    def _states(self) -> Reading:
        return (
            ((*_labels(status), state), status.state is state)
            for status in self._statuses()
            for state in State
        )

    def _successes(self) -> Reading:
        for status in self._statuses():
            if status.last_success_at is not None:
                yield _labels(status), status.last_success_at.timestamp()

    def _found(self) -> Reading:
        return ((_labels(status), status.found_by_search) for status in self._statuses())


def _labels(status: SourceStatus) -> tuple[str, str, str]:
    vendor, account, *feed = status.name.split("/", 2)
    return vendor, account, feed[0] if feed else ""
