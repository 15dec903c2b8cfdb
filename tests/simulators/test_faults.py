import httpx
import pytest

from connectors.simulators import faults
from connectors.simulators.sevenmoor import REPORT_PATH
from tests.simulators.helpers import bearer, missed_calls, moor, search, statistics

TASKS = "/openapi/v1/call/dialout/task/get"


async def test_a_fault_takes_one_request_and_is_gone(client, sim):
    sim.sevenmoor.faults.queue(faults.too_many(7))
    sim.sevenmoor.faults.queue(faults.broken(), times=2)
    answers = [await moor(client, sim, TASKS, {}) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [429, 500, 500, 200]
    assert answers[0].headers["retry-after"] == "7"
    assert sim.sevenmoor.faults.waiting == 0
    assert [entry.status for entry in sim.sevenmoor.log.served] == [429, 500, 500, 200]


async def test_a_fault_can_wait_for_its_path(client, sim):
    sim.sevenmoor.faults.queue(faults.broken(), path="/report")
    assert (await moor(client, sim, TASKS, {})).status_code == 200
    assert (await moor(client, sim, REPORT_PATH, {})).status_code == 500


async def test_a_body_can_be_slow(client, sim):
    sim.huawei.faults.queue(faults.SlowBody())
    client.timeout = httpx.Timeout(5, read=0.2)
    with pytest.raises(httpx.ReadTimeout):
        await missed_calls(client, sim)


async def test_a_slow_body_comes_whole_in_the_end(client, sim):
    whole = (await missed_calls(client, sim)).json()
    sim.huawei.faults.queue(faults.SlowBody(seconds=0.01))
    assert (await missed_calls(client, sim)).json() == whole


async def test_a_connection_can_break_in_the_body(client, sim):
    headers = await bearer(client, sim)
    sim.icsoc.faults.queue(faults.CutBody())
    with pytest.raises(httpx.RemoteProtocolError):
        await search(client, sim, headers)
    assert (await search(client, sim, headers)).status_code == 200


async def test_a_page_can_come_twice(client, sim):
    headers = await bearer(client, sim)
    first = await search(client, sim, headers)
    sim.icsoc.faults.queue(faults.DuplicatePage())
    cursor = first.json()["data"]["searchAfter"]
    assert (await search(client, sim, headers, searchAfter=cursor)).content == first.content
    assert (await search(client, sim, headers, searchAfter=cursor)).content != first.content


async def test_each_vendor_says_no_in_its_own_form(client, sim):
    headers = await bearer(client, sim)
    for server in (sim.sevenmoor, sim.huawei, sim.icsoc):
        server.faults.queue(faults.VendorError("0200001", "busy"), times=2)
    seven = await moor(client, sim, TASKS, {})
    assert (seven.status_code, seven.json()["success"], seven.json()["code"]) == (
        200,
        False,
        "0200001",
    )
    assert (await statistics(client, sim)).json() == {
        "resultCode": "0200001",
        "resultDesc": "busy",
    }
    assert (await missed_calls(client, sim)).json() == {
        "returnCode": "0200001",
        "returnDesc": "busy",
    }
    answer = (await search(client, sim, headers)).json()
    assert (answer["code"], answer["message"], answer["data"]) == (200001, "busy", None)


async def test_an_address_can_be_locked(client, sim):
    sim.huawei.locked = True
    assert (await missed_calls(client, sim)).status_code == 403
    sim.sevenmoor.faults.queue(faults.Status(403, "locked"))
    assert (await moor(client, sim, TASKS, {})).status_code == 403
