"""One source, for as long as its account is ours: poll, publish, wait."""

from __future__ import annotations

import logging
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import datetime

from connectors import tracing
from connectors.poller.clock import Clock
from connectors.poller.publisher import Publisher
from connectors.poller.schedule import Failure, Fault, History, Outcome, Success, decide, judge
from connectors.poller.settings import PollerSettings
from connectors.poller.status import SourceStatus, State
from connectors.source import Announced, Rationed, Source, source_name

_log = logging.getLogger(__name__)

OpenPublisher = Callable[[Source, datetime], Awaitable[Publisher]]


class SourceLoop:
    """Poll one source until cancelled.

    Args:
        source: closed when the loop ends.
        open_publisher: takes the source's place in Kafka.
        settings: how patient to be.
        clock: the time.
        report: told of every change of the status.
        history: the schedule of an earlier loop of this source, so that a rebalance does not
            close the circuit of a source that must not be polled now.
        draw: gives the jitter, 0..1.
    """

    def __init__(
        self,
        source: Source,
        open_publisher: OpenPublisher,
        *,
        settings: PollerSettings,
        clock: Clock,
        report: Callable[[SourceStatus], None],
        history: History | None = None,
        draw: Callable[[], float] = random.random,
    ) -> None:
        self.name = source_name(source)
        self.history = history or History(due=clock.monotonic())
        self._source = source
        self._open_publisher = open_publisher
        self._settings = settings
        self._clock = clock
        self._report = report
        self._draw = draw
        self._publisher: Publisher | None = None
        self._status = SourceStatus(self.name)

    async def run(self) -> None:
        """Go on until cancelled, then close the source."""
        self._say(self.history.state, self.history.reason)
        try:
            while True:
                await self._clock.sleep(max(0.0, self.history.due - self._clock.monotonic()))
                with tracing.span("poll", attributes={"callstreams.source": self.name}):
                    outcome = await self._poll()
                    self.history = decide(
                        outcome,
                        self.history,
                        now=self._clock.monotonic(),
                        interval=self._source.interval,
                        settings=self._settings,
                        jitter=self._draw(),
                    )
                    self._tell(outcome)
        finally:
            await self._leave()
            await self._source.close()

    async def _poll(self) -> Outcome:
        try:
            publisher, now = await self._take_turn()
        except Exception as error:  # noqa: BLE001 - whatever happens to it, the others go on
            await self._leave()
            return self._failed(error)
        try:
            poll = await self._source.poll(publisher.cursor, now)
        except Exception as error:  # noqa: BLE001 - the same
            return self._failed(error)
        try:
            published = await publisher.publish(poll, now)
        except Exception as error:  # noqa: BLE001 - the same
            # Whether it was committed is not known, so cursor and memory are read anew.
            await self._leave()
            return self._failed(error)
        self._status = replace(
            self._status,
            last_success_at=now,
            last_records=published,
            records_published=self._status.records_published + published,
            found_by_search=publisher.found_by_search,
        )
        return Success(more=poll.more)

    async def _take_turn(self) -> tuple[Publisher, datetime]:
        """See that it is for us to poll, and give the moment at which the poll begins."""
        if self._publisher is None:
            self._publisher = await self._open_publisher(self._source, self._clock.now())
            await self._await_turn(self._publisher)
        publisher = self._publisher
        self._say(State.POLLING, self.history.reason)
        if isinstance(self._source, Announced) and self._source.announced:
            await self._await_turn(publisher)
            now = self._clock.now()
            await publisher.announce(now)
            return publisher, now
        if isinstance(self._source, Rationed) and self._source.rationed:
            await publisher.confirm(self._clock.now())
        return publisher, self._clock.now()

    async def _await_turn(self, publisher: Publisher) -> None:
        """Wait where whoever had the source before us polled it less than its interval ago."""
        if publisher.polled_at is not None:
            early = publisher.polled_at + self._source.interval - self._clock.now()
            early = min(early, self._source.interval)
            await self._clock.sleep(max(0.0, early.total_seconds()))

    def _failed(self, error: Exception) -> Failure:
        failure = judge(error)
        if failure.fault is Fault.BUG:
            _log.error("%s: %s", self.name, failure.reason, exc_info=error)
        return failure

    def _tell(self, outcome: Outcome) -> None:
        self._status = replace(self._status, polls=self._status.polls + 1)
        if isinstance(outcome, Failure):
            _log.log(
                logging.ERROR if self.history.state is State.STOPPED else logging.WARNING,
                "%s is %s: %s; tried again in %.0f s",
                self.name,
                self.history.state,
                outcome.reason,
                self.history.due - self._clock.monotonic(),
            )
        self._say(self.history.state, self.history.reason)

    def _say(self, state: State, reason: str | None) -> None:
        self._status = replace(self._status, state=state, reason=reason)
        self._report(self._status)

    async def _leave(self) -> None:
        publisher, self._publisher = self._publisher, None
        if publisher is not None:
            await publisher.close()
