"""A computer whose clock is off, and a vendor that refuses signatures from another time."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest

from connectors.budget import Unlimited
from connectors.http import DeniedError, Http, Request, RetryPolicy
from connectors.web import serve, web

QUICK = RetryPolicy(first_wait=timedelta(0), longest_wait=timedelta(0))
NOW = datetime(2026, 3, 2, 2, tzinfo=UTC)


async def ask(theirs, *, tolerated=timedelta(minutes=5)):
    """Ask a vendor whose clock shows `theirs` where ours shows NOW; give what it saw, and us."""
    signed = []

    async def answer(request):
        moment = datetime.fromisoformat(request.headers["signed-at"])
        signed.append(moment)
        good = abs(moment - theirs) <= tolerated
        date = format_datetime(theirs, usegmt=True)
        return web.Response(status=200 if good else 401, headers={"Date": date})

    app = web.Application()
    app.router.add_get("/", answer)
    async with (
        serve(app) as url,
        Http(url, budget=Unlimited(), retry=QUICK, clock=lambda: NOW) as http,
    ):
        error = None
        try:
            await http.call(lambda: Request("GET", "/", {"signed-at": http.now().isoformat()}))
        except DeniedError as denied:
            error = denied
        return signed, http.skew, error


@pytest.mark.parametrize("minutes", [-600, -6, 6, 600])
async def test_the_request_is_signed_again_by_the_vendors_clock(minutes):
    theirs = NOW + timedelta(minutes=minutes)
    signed, skew, error = await ask(theirs)
    assert error is None
    assert signed == [NOW, theirs]
    assert skew == timedelta(minutes=minutes)


async def test_a_clock_that_is_right_is_not_blamed_for_wrong_credentials():
    signed, _, error = await ask(NOW + timedelta(seconds=30), tolerated=timedelta(seconds=-1))
    assert error is not None
    assert len(signed) == 1


async def test_a_refusal_in_spite_of_the_vendors_own_time_is_final():
    signed, _, error = await ask(NOW + timedelta(minutes=9), tolerated=timedelta(seconds=-1))
    assert error is not None
    assert len(signed) == 2


async def test_a_clock_that_is_off_and_tolerated_is_left_alone():
    signed, skew, error = await ask(NOW + timedelta(minutes=3))
    assert error is None
    assert signed == [NOW]
    assert skew == timedelta(minutes=3)
