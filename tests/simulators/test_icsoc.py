import json
from datetime import datetime, timedelta

import pytest

from connectors.simulators import faults
from connectors.simulators.icsoc import IcsocSettings
from connectors.simulators.simulation import simulate
from connectors.simulators.truth import CallCounts
from tests.simulators.helpers import bearer, search, search_all, small, token_form


async def token(client, sim, **changes):
    return await client.post(sim.icsoc.token_url, data=token_form(sim, **changes))


def count(rows):
    return CallCounts(
        len(rows),
        sum(row["callresult"] in "12" for row in rows),
        sum(row["callresult"] == "2" for row in rows),
        sum(row["callresult"] == "1" for row in rows),
        sum(row["linkSecs"] for row in rows),
    )


async def test_a_token_is_handed_out_and_refreshed(client, sim):
    first = (await token(client, sim)).json()
    assert first["expires_in"] == 86400
    again = await token(
        client, sim, grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    assert again.json()["access_token"] != first["access_token"]
    used = await token(
        client, sim, grant_type="refresh_token", refresh_token=first["refresh_token"]
    )
    assert used.json()["error"] == "invalid_grant"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"username": "6001"}, "invalid_grant"),
        ({"password": "wrong"}, "invalid_grant"),
        ({"scope": ""}, "invalid_grant"),
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"grant_type": "magic"}, "unsupported_grant_type"),
    ],
)
async def test_wrong_credentials_get_no_token(client, sim, changes, error):
    answer = await token(client, sim, **changes)
    assert answer.status_code in (400, 401)
    assert answer.json()["error"] == error


async def test_128_tokens_a_day_and_no_more(client, sim, clock):
    sim.stop_traffic(clock())  # a day of calls is of no use here
    for _ in range(128):
        assert (await token(client, sim)).status_code == 200
    assert (await token(client, sim)).status_code == 429
    clock.pass_by(hours=24)
    assert (await token(client, sim)).status_code == 200


async def test_a_token_expires_by_the_clock_or_by_force(client, sim, clock):
    sim.stop_traffic(clock())
    headers = await bearer(client, sim)
    assert (await search(client, sim, headers)).status_code == 200
    sim.icsoc.tokens.expire()
    assert (await search(client, sim, headers)).status_code == 401
    headers = await bearer(client, sim)
    clock.pass_by(days=1)
    answer = await search(client, sim, headers)
    assert (answer.status_code, answer.json()["code"]) == (401, 401)
    assert (await search(client, sim, {})).status_code == 401


async def test_paging_gives_the_calls_of_truth(client, sim, clock):
    clock.pass_by(minutes=5)
    headers = await bearer(client, sim)
    rows = await search_all(client, sim, headers, perPage=33)
    assert len({row["callId"] for row in rows}) == len(rows) == len(sim.world.icsoc)
    ended = [row for row in rows if row["endTime"]]
    assert 0 < len(ended) < len(rows)
    truth = sim.truth().icsoc
    assert count(ended) == truth.account

    def by(key):
        return {
            name: count([row for row in ended if key(row) == name]) for name in set(map(key, ended))
        }

    assert by(lambda row: row["caller"]) == truth.display_number
    assert by(lambda row: f"{row['projectId']}/{row['taskId']}") == truth.campaign
    assert by(lambda row: row["projectId"]) == truth.project
    assert by(lambda row: row["calledAreaname"]) == truth.region
    assert by(lambda row: row["calledVendor"]) == truth.carrier
    assert sim.truth(since=sim.world.scenario.start).icsoc.account.attempts < len(ended)


async def test_a_call_in_progress_ends_later(client, sim, clock):
    headers = await bearer(client, sim)
    rows = await search_all(client, sim, headers, perPage=100)
    going = [row for row in rows if not row["endTime"]]
    assert going
    for row in going:
        assert (row["allSecs"], row["linkSecs"], row["ansSecs"]) == (0, 0, 0)
    clock.pass_by(minutes=10)
    (later,) = (await search(client, sim, headers, callId=going[0]["callId"])).json()["data"][
        "results"
    ]
    assert later["allSecs"] == later["endTime"] - later["startTime"] > 0


@pytest.mark.parametrize(
    "name", ["projectId", "taskId", "callId", "caller", "called", "callresult", "endresult"]
)
async def test_each_filter_filters(client, sim, clock, name):
    clock.pass_by(minutes=1)
    headers = await bearer(client, sim)
    rows = await search_all(client, sim, headers, perPage=100)
    value = rows[20][name]
    found = await search_all(client, sim, headers, perPage=100, **{name: value})
    assert found == [row for row in rows if row[name] == value]
    assert len(found) < len(rows)


async def test_the_time_filter_is_beijing_time_with_both_ends(client, sim, clock):
    clock.pass_by(minutes=1)
    headers = await bearer(client, sim)
    rows = await search_all(client, sim, headers, perPage=100)
    zone = sim.world.scenario.zone
    low, high = rows[10]["startTime"], rows[40]["startTime"]
    times = {
        name: f"{datetime.fromtimestamp(moment, zone):%Y-%m-%d %H:%M:%S}"
        for name, moment in (("gte", low), ("lte", high))
    }
    found = await search_all(client, sim, headers, perPage=7, startTime=times)
    assert found == [row for row in rows if low <= row["startTime"] <= high]
    got = await client.get(
        sim.icsoc.url + "/api/v1/cdr/search",
        params={"startTime": json.dumps(times), "perPage": "100"},
        headers=headers,
    )
    assert got.json()["data"]["results"] == found


async def test_the_envelope_and_the_last_cursor(client, sim):
    headers = await bearer(client, sim)
    last = sim.world.icsoc[-1].call_id
    answer = (await search(client, sim, headers, callId=last)).json()
    assert list(answer) == ["code", "message", "request_id", "data"]
    assert answer["data"]["searchAfter"] == last  # as the sample has it
    end = (await search(client, sim, headers, searchAfter=last)).json()["data"]
    assert end == {"results": [], "searchAfter": None}


async def test_settings_cut_pages_mask_numbers_and_end_with_null(client, clock):
    settings = IcsocSettings(masked=True, largest_page=10, null_cursor_at_end=True)
    async with simulate(small(), clock=clock, icsoc=settings) as sim:
        headers = await bearer(client, sim)
        page = (await search(client, sim, headers, perPage=50)).json()["data"]
        assert len(page["results"]) == 10
        assert page["searchAfter"]
        call = sim.world.icsoc[0]
        found = (await search(client, sim, headers, called=call.customer)).json()["data"]
    assert found["searchAfter"] is None
    assert found["results"][0]["called"] == f"{call.customer[:3]}xxxx{call.customer[-4:]}"


@pytest.mark.parametrize(
    "body",
    [
        {"startTime": "2021-03-23"},
        {"startTime": {"gt": "2021-03-23 00:00:00"}},
        {"startTime": {"gte": "noon"}},
        {"perPage": 0},
        {"searchAfter": "next"},
        {"callresult": 0},
    ],
)
async def test_a_bad_question_is_refused(client, sim, body):
    headers = await bearer(client, sim)
    answer = (await search(client, sim, headers, **body)).json()
    assert answer["code"] != 0
    assert answer["data"] is None


async def test_a_cursor_can_get_stuck(client, sim):
    headers = await bearer(client, sim)
    first = (await search(client, sim, headers)).json()["data"]
    sim.icsoc.faults.queue(faults.StuckCursor())
    body = {"searchAfter": first["searchAfter"]}
    stuck = (await search(client, sim, headers, **body)).json()["data"]
    assert stuck["searchAfter"] == first["searchAfter"]
    assert stuck["results"] != first["results"]
    free = (await search(client, sim, headers, **body)).json()["data"]
    assert free["searchAfter"] == free["results"][-1]["callId"]


async def test_a_late_call_is_passed_by_the_cursor(client, sim):
    headers = await bearer(client, sim)
    sim.icsoc.faults.queue(faults.ChangingPage(rows=3))
    changed = (await search(client, sim, headers)).json()["data"]
    whole = (await search(client, sim, headers)).json()["data"]
    assert changed["searchAfter"] == whole["searchAfter"]
    assert changed["results"] == whole["results"][3:]


async def test_rates_can_be_read_from_the_log(client, sim, clock):
    headers = await bearer(client, sim)
    for _ in range(3):
        await search(client, sim, headers)
        clock.pass_by(seconds=1)
    assert sim.icsoc.log.busiest(timedelta(seconds=1), "/search") == 1
    assert sim.icsoc.log.busiest(timedelta(seconds=2), "/search") == 2
    assert sim.icsoc.log.count("/search", status=200) == 3
