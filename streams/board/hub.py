"""The hub: changes go out at most once a tick, written once for all browsers of one window.

A browser that does not keep up loses its queue and gets a snapshot; one that comes back soon,
with the id of the last event that it saw, gets what it missed.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from streams.board import frames
from streams.board.frames import Manners
from streams.board.state import Board

_QUEUED = 40
_REMEMBERED = 160
_WATCHED_TICKS = 150
_BEAT_TICKS = 25


@dataclass(slots=True, eq=False)
class Client:
    """One browser: `queue` holds written events; None in it asks for a snapshot."""

    window: str
    queue: asyncio.Queue[bytes | None] = field(
        default_factory=lambda: asyncio.Queue(maxsize=_QUEUED)
    )

    def put(self, event: bytes | None) -> None:
        """Hand an event over, or ask for a snapshot where the queue is full."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            while not self.queue.empty():
                self.queue.get_nowait()
            self.queue.put_nowait(None)


@dataclass(slots=True)
class _Channel:
    """One window's readers, and the frames that they were sent last."""

    clients: set[Client] = field(default_factory=set)
    sent: deque[tuple[int, bytes]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    first: int = 0
    unwatched: int = 0
    snapshot: tuple[int, bytes] | None = None


class Hub:
    """Hands the board's changes to the browsers.

    Args:
        board: what is known.
        manners: told to the browsers, which judge ages themselves.
        clock: tells the time, which is told to the browsers: their own clocks may be wrong.
    """

    def __init__(self, board: Board, manners: Manners, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        self._board = board
        self._manners = manners
        self._channels: dict[str, _Channel] = {}
        self._number = 0
        self._ticks = 0

    def join(self, window: str, last_seen: str | None) -> Client:
        """Add a browser; it finds in its queue what it missed, or the request for a snapshot."""
        channel = self._channels.get(window)
        if channel is None:
            # nothing was written for this window before; frames follow from here on
            channel = self._channels[window] = _Channel(first=self._number)
        client = Client(window)
        missed = self._missed(channel, last_seen)
        if missed is None:
            client.put(None)
        else:
            for event in missed:
                client.put(event)
        channel.clients.add(client)
        return client

    def leave(self, client: Client) -> None:
        """Remove a browser."""
        channel = self._channels.get(client.window)
        if channel is not None:
            channel.clients.discard(client)

    def snapshot(self, window: str) -> bytes:
        """Write everything as an event; all who ask between two ticks get the same bytes."""
        channel = self._channels.get(window)
        if channel is not None and channel.snapshot and channel.snapshot[0] == self._number:
            return channel.snapshot[1]
        data = frames.snapshot(self._board, window, self._manners, self._clock())
        event = frames.event("snapshot", data, self._identity(self._number))
        if channel is not None:
            channel.snapshot = (self._number, event)
        return event

    def tick(self) -> None:
        """Send what has changed; now and then a beat, by which a browser knows that we live."""
        self._ticks += 1
        changes = self._board.take_changes()
        if changes:
            self._number += 1
        for window, channel in list(self._channels.items()):
            channel.unwatched = 0 if channel.clients else channel.unwatched + 1
            if channel.unwatched > _WATCHED_TICKS:
                del self._channels[window]
                continue
            if changes:
                data = frames.change(self._board, changes, window, self._clock())
                self._send(channel, frames.event("change", data, self._identity(self._number)))
            elif self._ticks % _BEAT_TICKS == 0:
                beat = frames.beat(self._clock())
                for client in channel.clients:
                    client.put(beat)

    async def run(self, seconds: float) -> None:
        """Tick until cancelled."""
        while True:
            await asyncio.sleep(seconds)
            self.tick()

    def _send(self, channel: _Channel, event: bytes) -> None:
        channel.sent.append((self._number, event))
        channel.snapshot = None
        for client in channel.clients:
            client.put(event)

    def _missed(self, channel: _Channel, last_seen: str | None) -> list[bytes] | None:
        """Give the events after the last one seen; None where they are not all remembered."""
        epoch, _, text = (last_seen or "").partition("-")
        if epoch != str(self._board.epoch) or not text.isdecimal():
            return None
        seen = int(text)
        oldest = channel.sent[0][0] if channel.sent else self._number + 1
        if not max(channel.first, oldest - 1) <= seen <= self._number:
            return None
        missed = [event for number, event in channel.sent if number > seen]
        return missed if len(missed) < _QUEUED else None

    def _identity(self, number: int) -> str:
        return f"{self._board.epoch}-{number}"
