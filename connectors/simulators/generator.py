"""The calls of a scenario, made on demand: one seed, one history, however it is stepped through."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from connectors.simulators.calls import Call, Outcome
from connectors.simulators.scenario import Campaign, Episode, Scenario

_NEVER_RINGS = 0.1  # of the unanswered calls: switched off, or no such number
_REP_HANGS_UP = 0.4  # of the conversations
_SERIAL_BITS = 22  # callId >> 22 is the start in Unix ms, in both samples of icsoc


class World:
    """All calls of a scenario up to a moment that only moves forward.

    Every display number, campaign and queue draws from a generator of its own, and a call is
    drawn whole when it starts; so neither the steps of `advance` nor another number's traffic
    changes what it will do.

    Attributes:
        icsoc: calls in the order of their start, which is the order of their ids.
        sevenmoor: calls by display number, in the order of their start.
        dialled: Huawei's outbound calls by campaign, in the order of their start.
        inbound: Huawei's inbound calls in the order of their start.
    """

    def __init__(self, scenario: Scenario) -> None:
        self.scenario = scenario
        self.icsoc: list[Call] = []
        self.sevenmoor: dict[str, list[Call]] = {line.number: [] for line in scenario.sevenmoor}
        self.dialled: dict[str, list[Call]] = {c.campaign_id: [] for c in scenario.campaigns}
        self.inbound: list[Call] = []
        self._draw = _Draw(scenario)
        self._serials: defaultdict[str, int] = defaultdict(int)
        self._stopped_at: float | None = None
        begins = scenario.begins.timestamp()
        self._coming = [
            (next(starts), place, starts, make)
            for place, (starts, make) in enumerate(self._streams(begins))
        ]
        heapq.heapify(self._coming)

    def advance(self, now: datetime) -> list[Call]:
        """Make the calls that start up to `now`, and give those that are new."""
        until = now.timestamp()
        if self._stopped_at is not None:
            until = min(until, self._stopped_at)
        new = []
        while self._coming and self._coming[0][0] <= until:
            at, place, starts, make = self._coming[0]
            new.append(make(at))
            heapq.heapreplace(self._coming, (next(starts), place, starts, make))
        return new

    def stop(self, now: datetime) -> datetime:
        """Start no call after `now`; give the moment at which the last one will have ended."""
        self.advance(now)
        if self._stopped_at is None:
            self._stopped_at = now.timestamp()
        return max(
            [now, *(datetime.fromtimestamp(call.ended, now.tzinfo) for call in self.calls())]
        )

    def calls(self) -> Iterator[Call]:
        """Give every call so far."""
        yield from self.icsoc
        for calls in (*self.sevenmoor.values(), *self.dialled.values()):
            yield from calls
        yield from self.inbound

    def _streams(self, begins: float) -> Iterator[tuple[Iterator[float], Callable[[float], Call]]]:
        scenario = self.scenario
        for line in scenario.icsoc:
            rng = self._rng("icsoc", line.number)
            plan = _Plan(line.number, line.answer_probability, line.episode, line.campaigns)
            yield (
                self._starts(rng, begins, line.calls_per_minute),
                self._dialler(rng, plan, self.icsoc, self._snowflake),
            )
        for line in scenario.sevenmoor:
            rng = self._rng("7moor", line.number)
            plan = _Plan(line.number, line.answer_probability, line.episode)
            yield (
                self._starts(rng, begins, line.calls_per_minute),
                self._dialler(rng, plan, self.sevenmoor[line.number], self._colon_id),
            )
        for campaign in scenario.campaigns:
            rng = self._rng("huawei", campaign.campaign_id)
            yield (
                self._starts(rng, begins, campaign.calls_per_minute),
                self._dialler(
                    rng, _campaign_plan(campaign), self.dialled[campaign.campaign_id], self._dash_id
                ),
            )
        for queue in scenario.queues:
            rng = self._rng("queue", queue.number)
            plan = _Plan(queue.number, queue.pickup_probability, queue.episode)
            yield (
                self._starts(rng, begins, queue.calls_per_minute),
                self._caller(rng, plan),
            )

    def _rng(self, *names: str) -> random.Random:
        return random.Random("/".join((str(self.scenario.seed), *names)))  # noqa: S311 - no secret

    def _starts(self, rng: random.Random, at: float, per_minute: float) -> Iterator[float]:
        """Give the starts of a Poisson process that follows the day's shape, by thinning."""
        shape, zone = self.scenario.shape, self.scenario.zone
        if per_minute <= 0 or max(shape) <= 0:
            yield float("inf")
            return
        peak = max(shape)
        while True:
            at += rng.expovariate(per_minute * peak / 60)
            hour = datetime.fromtimestamp(at, zone).hour
            if rng.random() * peak < shape[hour]:
                yield at

    def _dialler(
        self,
        rng: random.Random,
        plan: _Plan,
        calls: list[Call],
        name: Callable[[float], str],
    ) -> Callable[[float], Call]:
        def make(at: float) -> Call:
            call = self._draw.outbound(rng, at, plan, name(at))
            calls.append(call)
            return call

        return make

    def _caller(self, rng: random.Random, plan: _Plan) -> Callable[[float], Call]:
        def make(at: float) -> Call:
            call = self._draw.inbound(rng, at, plan, self._dash_id(at))
            self.inbound.append(call)
            return call

        return make

    def _serial(self, kind: str) -> int:
        self._serials[kind] += 1
        return self._serials[kind]

    def _snowflake(self, at: float) -> str:
        return str((int(at * 1000) << _SERIAL_BITS) | self._serial("icsoc") % (1 << _SERIAL_BITS))

    def _dash_id(self, at: float) -> str:
        return f"{int(at)}-{self._serial('huawei')}"

    def _colon_id(self, at: float) -> str:
        return f"{int(at)}.{self._serial('7moor')}"


@dataclass(frozen=True, slots=True)
class _Plan:
    """How the calls of one number go: answered by customers, or picked up by reps."""

    number: str
    probability: float
    episode: Episode | None = None
    campaigns: tuple[str, ...] = ("",)
    batches: tuple[str, ...] = ("",)

    def probability_at(self, at: float) -> float:
        episode = self.episode
        if episode and episode.holds(at):
            return episode.probability
        return self.probability


def _campaign_plan(campaign: Campaign) -> _Plan:
    return _Plan(
        campaign.number,
        campaign.answer_probability,
        campaign.episode,
        (campaign.campaign_id,),
        campaign.batches or ("",),
    )


class _Draw:
    """Draws whole calls."""

    def __init__(self, scenario: Scenario) -> None:
        self._scenario = scenario
        self._region_weights = [region.weight for region in scenario.regions]
        self._carrier_weights = [carrier.weight for carrier in scenario.carriers]

    def outbound(self, rng: random.Random, at: float, plan: _Plan, call_id: str) -> Call:
        scenario, pace = self._scenario, self._scenario.time_compression
        region, carrier, customer = self._customer(rng)
        campaign, batch = rng.choice(plan.campaigns), rng.choice(plan.batches)
        answers = rng.random() < plan.probability_at(at)
        rep = rng.choice(scenario.reps)
        picks_up = rng.random() < rep.pickup_probability
        ring, wait = scenario.ring.draw(rng) / pace, scenario.wait.draw(rng) / pace
        talk = scenario.talk.draw(rng) / pace
        never_rings, rep_ends = rng.random() < _NEVER_RINGS, rng.random() < _REP_HANGS_UP
        ringing = at + 1 / pace
        answered = ringing + ring
        connected = answered + wait
        if not answers:
            outcome, ended = Outcome.UNANSWERED, answered
        elif not picks_up:
            outcome, ended = Outcome.ABANDONED, connected
        else:
            outcome, ended = Outcome.CONNECTED, connected + talk
        return Call(
            call_id=call_id,
            number=plan.number,
            customer=customer,
            campaign=campaign,
            batch=batch,
            rep=rep.extension if answers else "",
            areacode=region[0],
            region=region[1],
            carrier=carrier,
            started=at,
            ringing=0 if never_rings and not answers else int(ringing),
            answered=int(answered) if answers else 0,
            rep_called=int(answered) if answers else 0,
            rep_ringing=int(answered) if answers else 0,
            connected=int(connected) if outcome is Outcome.CONNECTED else 0,
            ended=int(ended),
            outcome=outcome,
            hung_up_by_customer=outcome is Outcome.ABANDONED
            or (outcome is Outcome.CONNECTED and not rep_ends),
        )

    def inbound(self, rng: random.Random, at: float, plan: _Plan, call_id: str) -> Call:
        scenario, pace = self._scenario, self._scenario.time_compression
        region, carrier, customer = self._customer(rng)
        picked_up = rng.random() < plan.probability_at(at)
        rep = rng.choice(scenario.reps)
        wait, talk = scenario.wait.draw(rng) / pace, scenario.talk.draw(rng) / pace
        patience = scenario.ring.draw(rng) / pace
        connected = at + wait
        return Call(
            call_id=call_id,
            number=plan.number,
            customer=customer,
            campaign="",
            batch="",
            rep=rep.extension if picked_up else "",
            areacode=region[0],
            region=region[1],
            carrier=carrier,
            started=at,
            ringing=int(at),
            answered=int(connected) if picked_up else 0,
            rep_called=0,
            rep_ringing=0,
            connected=int(connected) if picked_up else 0,
            ended=int(connected + talk) if picked_up else int(at + patience),
            outcome=Outcome.CONNECTED if picked_up else Outcome.UNANSWERED,
            hung_up_by_customer=not picked_up,
        )

    def _customer(self, rng: random.Random) -> tuple[tuple[str, str], str, str]:
        scenario = self._scenario
        region = rng.choices(scenario.regions, self._region_weights)[0]
        carrier = rng.choices(scenario.carriers, self._carrier_weights)[0]
        number = f"{rng.choice(carrier.prefixes)}{rng.randrange(10**8):08d}"
        return (region.areacode, region.name), carrier.name, number
