"""Hooks processes that are killed and replaced, and the receivers that they tell."""

import asyncio
import json
import signal
import sys
from collections import Counter, defaultdict
from contextlib import asynccontextmanager, suppress

from tests.hooks.alerts import SECRET, Inbox

# How each receiver names the transitions in a message.
READ = {
    "single": lambda told: [told["data"]],
    "grouped": lambda told: (
        told["data"]["news"] if told["type"] == "alerts.group" else [told["data"]]
    ),
    "budget": lambda told: [{"id": each} for each in told["ids"]],
}


def configured(addresses, group, match, by):
    """Give the settings of three receivers who are told one by one, grouped, and in digests."""
    standard = {"secret": SECRET}
    kinds = {
        "single": standard,
        "grouped": standard,
        "budget": {"format": "alertmanager", "rate": "5/500ms"},
    }
    grouped = {"group_by": [by], "group_wait": "100ms", "group_interval": "300ms"}
    return {
        "group": group,
        "receivers": [
            {"name": name, "url": addresses[name], **kind} for name, kind in kinds.items()
        ],
        "routes": [
            {"match": match, "receivers": ["single", "budget"]},
            {"match": match, "receivers": "grouped", **grouped},
        ],
        "first_wait": 0.01,
        "longest_wait": 0.1,
    }


class Flaky(Inbox):
    """An inbox that now and then says that it is busy: what it refuses does not count as heard."""

    def __init__(self, name, dice) -> None:
        super().__init__()
        self._name = name
        self._statuses = iter(lambda: 503 if dice.random() < 0.05 else 200, None)
        self._heard = Counter()
        self.named = defaultdict(set)

    async def _post(self, request):
        answer = await super()._post(request)
        if answer.status == 200:
            for told in READ[self._name](json.loads(self.received[-1][1])):
                self._heard[told["id"]] += 1
                if "state" in told:
                    what = (told["fingerprint"], told["starts_at"], told["state"])
                    self.named[what].add(told["id"])
        return answer

    def heard(self):
        """Count how often each transition was heard, by id."""
        return self._heard


class Fleet:
    """Processes that are killed and replaced."""

    def __init__(self, kafka, settings, dice) -> None:
        self._task = json.dumps({"kafka": kafka.model_dump(), "settings": settings})
        self._dice = dice
        self._members = []

    async def grow(self, count):
        """Start so many more."""
        for _ in range(count):
            self._members.append(
                await asyncio.create_subprocess_exec(
                    sys.executable, "-m", "tests.hooks.process", self._task
                )
            )

    async def kill_one(self):
        """End one as a power cut does, and start another."""
        victim = self._members.pop(self._dice.randrange(len(self._members)))
        assert victim.returncode is None, "a hooks process ended by itself"
        victim.kill()
        await victim.wait()
        await self.grow(1)

    def kill_now(self):
        """End all at this very moment."""
        for member in self._members:
            member.kill()

    async def end(self):
        """End all in peace."""
        for member in self._members:
            if member.returncode is None:
                member.send_signal(signal.SIGTERM)
        for member in self._members:
            await member.wait()
        self._members.clear()


@asynccontextmanager
async def within(seconds):
    """Go on after so long at the latest: what is missing then is told by what is asserted."""
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            yield


async def until(inboxes, happened):
    """Look again after every message that came."""
    while not happened():
        asked = [asyncio.create_task(inbox.asked.wait()) for inbox in inboxes]
        await asyncio.wait(asked, return_when=asyncio.FIRST_COMPLETED)
        for waiting in asked:
            waiting.cancel()
        for inbox in inboxes:
            inbox.asked.clear()
