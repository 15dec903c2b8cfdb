"""Which scopes one record counts in, by their text form (schemas.scope.Scope)."""

from __future__ import annotations

from functools import lru_cache

from schemas.scope import Basis, Kind, Scope

_KEPT = 500_000

parse_scope = lru_cache(maxsize=_KEPT)(Scope.parse)
"""Scope.parse; the scopes of a worker are parsed once."""


_CALLS = str(Basis.CALLS)
_CAMPAIGN = str(Kind.CAMPAIGN)
_CARRIER = str(Kind.CARRIER)
_DISPLAY_NUMBER = str(Kind.DISPLAY_NUMBER)
_QUEUE = str(Kind.QUEUE)
_REGION = str(Kind.REGION)


# A scope's text is made once and shared: by all kinds of calls, and by the panes' keys.


@lru_cache(maxsize=1_000)
def _whole(basis: str, vendor: str, account: str) -> tuple[str, str]:
    return f"{basis}:{vendor}", f"{basis}:{vendor}/{account}"


@lru_cache(maxsize=_KEPT)
def _under(base: str, kind: str, value: str) -> str:
    return f"{base}/{kind}/{value}"


@lru_cache(maxsize=_KEPT)
def _campaigns(base: str, campaign: str) -> tuple[str, ...]:
    steps = campaign.split("/")
    return tuple(
        f"{base}/{_CAMPAIGN}/{'/'.join(steps[: depth + 1])}" for depth in range(len(steps))
    )


def scopes_of_call(
    vendor: str,
    account: str,
    display_number: str | None,
    campaign: str | None,
    queue: str | None,
    region: str | None,
    carrier: str | None,
) -> list[str]:
    """Give the scopes of a call: each dimension that it has, once.

    A campaign path counts at each of its levels: `project/task` in the project and in the task.
    """
    root, base = _whole(_CALLS, vendor, account)
    scopes = [root, base]
    if display_number is not None:
        scopes.append(_under(base, _DISPLAY_NUMBER, display_number))
    if campaign is not None:
        scopes.extend(_campaigns(base, campaign))
    if queue is not None:
        scopes.append(_under(base, _QUEUE, queue))
    if region is not None:
        scopes.append(_under(base, _REGION, region))
    if carrier is not None:
        scopes.append(_under(base, _CARRIER, carrier))
    return scopes


def scopes_of_tally(
    vendor: str,
    account: str,
    display_number: str | None,
    campaign: str | None,
    batch: str | None,
) -> list[str]:
    """Give the scopes of a tally.

    A batch's calls are also in its campaign's own tally, so a batch counts in itself alone.
    """
    root = f"{Basis.TALLIES}:{vendor}"
    base = f"{root}/{account}"
    if batch is not None:
        return [f"{base}/{Kind.CAMPAIGN}/{campaign}/{batch}"]
    scopes = [root, base]
    if display_number is not None:
        scopes.append(f"{base}/{Kind.DISPLAY_NUMBER}/{display_number}")
    if campaign is not None:
        scopes.append(f"{base}/{Kind.CAMPAIGN}/{campaign}")
    return scopes
