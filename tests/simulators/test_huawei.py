import json
from datetime import timedelta

import pytest

from connectors.simulators import faults, samples
from connectors.simulators.huawei import MISSED_CALLS_PATH, TOO_OFTEN, HuaweiSettings
from connectors.simulators.simulation import simulate
from tests.simulators.helpers import START, Clock, missed_calls, small, statistics

VECTOR_BODY = (
    b'{"vdn":159,"offset":0,"limit":3,'
    b'"beginTime":"2022-11-17 00:13:43","endTime":"2022-11-17 23:44:13"}'
)
OFTEN = HuaweiSettings(interval=timedelta(0))


@pytest.fixture
async def eager(clock):
    async with simulate(small(), clock=clock, huawei=OFTEN) as simulation:
        yield simulation


async def post_vector(client, sim, header, **headers):
    sim.huawei.access_key, sim.huawei.secret_key = "test-ak", "test-sk"
    return await client.post(
        sim.huawei.url + MISSED_CALLS_PATH,
        content=VECTOR_BODY,
        headers={"Host": "10.22.26.181:28080", "Authorization": header} | headers,
    )


POST_VECTOR = (
    "auth-v2/test-ak/2022-11-18T00:00:00Z/host/"
    "3be820a95d1acf1ca544c6f769abb3f6049fcc50bd375d90ceda778b54af5b40"
)
BLANK_LINE_VECTOR = (
    "auth-v2/test-ak/2022-11-18T00:00:00Z/host/"
    "cb5a66e95d25e455b986f753dca17c0266e909d021848a028c9da7d5a6560a0d"
)


async def test_it_takes_the_known_post(client, sim):
    assert (await post_vector(client, sim, POST_VECTOR)).json()["returnCode"] == "0"


async def test_it_takes_the_known_post_with_more_signed_headers(client, sim):
    header = (
        "auth-v2/test-ak/2022-11-18T00:00:00.000Z/content-length;content-type;host/"
        "fdbdc310cfc9a69aedc092d5cacdf40c31014148e40a7290bbb798f373caeeda"
    )
    kind = {"Content-Type": "application/json;charset=UTF-8"}
    assert (await post_vector(client, sim, header, **kind)).status_code == 200


async def test_a_blank_query_line_is_a_setting(client, sim, clock):
    assert (await post_vector(client, sim, BLANK_LINE_VECTOR)).status_code == 401
    settings = HuaweiSettings(blank_query_line=True)
    async with simulate(small(), clock=clock, huawei=settings) as other:
        assert (await post_vector(client, other, BLANK_LINE_VECTOR)).status_code == 200
        assert (await post_vector(client, other, POST_VECTOR)).status_code == 401


async def test_it_takes_the_known_get(client, sim):
    server = sim.huawei
    server.access_key, server.secret_key, server.vdn = "test-ak", "test-sk", 170
    header = (
        "auth-v2/test-ak/2022-11-18T00:00:00Z/host/"
        "7fd320b466352991ef14d0d835813149c1c964e87a59e09af2e34b618098868b"
    )
    path = "/rest/isales/v2/openapi/campaigns/170/statistics?campaignId=1549589640&batchId=123456"
    answer = await client.get(
        server.url + path, headers={"Host": "10.22.26.181:28080", "Authorization": header}
    )
    (detail,) = answer.json()["countDetail"]
    assert [batch["batchId"] for batch in detail["batchDetail"]] == ["123456"]


async def test_one_changed_byte_is_unauthorised(client, sim):
    assert (await post_vector(client, sim, POST_VECTOR[:-1] + "1")).status_code == 401
    assert (await client.post(sim.huawei.url + MISSED_CALLS_PATH)).status_code == 401


async def test_bad_logins_in_a_row_lock_the_address(client, sim):
    right, sim.huawei.secret_key = sim.huawei.secret_key, "rotated"
    rotated = sim.huawei
    codes = []
    for _ in range(6):
        rotated.secret_key = "rotated"
        header = {"Authorization": POST_VECTOR}
        answer = await client.post(rotated.url + MISSED_CALLS_PATH, headers=header)
        codes.append(answer.status_code)
    assert codes == [401] * 5 + [403]
    rotated.secret_key = right
    assert (await missed_calls(client, sim)).status_code == 403
    rotated.locked = False
    assert (await missed_calls(client, sim)).status_code == 200


async def test_a_good_login_forgives_the_bad_ones(client, sim):
    for _ in range(3):
        for _ in range(4):
            await client.post(sim.huawei.url + MISSED_CALLS_PATH)
        assert (await missed_calls(client, sim)).status_code == 200


async def test_the_statistics_run_once_in_five_minutes(client, sim, clock):
    assert (await statistics(client, sim)).status_code == 200
    clock.pass_by(seconds=299)
    answer = await statistics(client, sim)
    assert (answer.status_code, answer.text) == (429, TOO_OFTEN)
    assert "retry-after" not in answer.headers
    clock.pass_by(seconds=1)
    assert (await statistics(client, sim)).status_code == 200
    assert sim.huawei.log.busiest(timedelta(seconds=300), "/statistics") == 2


async def test_it_can_tell_when_to_come_back(client, clock):
    settings = HuaweiSettings(tell_retry_after=True)
    async with simulate(small(), clock=clock, huawei=settings) as sim:
        await statistics(client, sim)
        clock.pass_by(seconds=100)
        seconds = int((await statistics(client, sim)).headers["retry-after"])
        clock.pass_by(seconds=seconds)
        assert (await statistics(client, sim)).status_code == 200


async def test_the_rows_look_like_the_sample(client, sim):
    ours = (await statistics(client, sim)).json()["countDetail"]
    sample = json.loads(samples.HUAWEI_STATISTICS_ANSWER)["countDetail"]
    assert [set(row) for row in ours] == [set(row) for row in sample]
    assert set(ours[1]["batchDetail"][0]) == set(sample[1]["batchDetail"][0])
    assert ours[0]["calledCount"] == 0 < ours[0]["dailyCalledCount"]
    assert ours[0]["totalCalledCount"] == 300 + ours[0]["dailyCalledCount"]


async def test_batches_add_up_to_their_campaign(client, eager, clock):
    eager.stop_traffic(clock.pass_by(minutes=3))
    clock.pass_by(minutes=10)
    row = (await statistics(client, eager, "campaignId=1549589640")).json()["countDetail"][0]
    called = sum(batch["dailyCalledCount"] for batch in row["batchDetail"])
    assert called == len(eager.world.dialled["1549589640"]) > 0
    assert all(b["dailyFinishCount"] == b["dailyCalledCount"] for b in row["batchDetail"])


async def test_daily_counters_begin_anew_at_local_midnight(client):
    before = START.replace(hour=15, minute=58)  # 23:58 in Shanghai
    clock = Clock(before)
    async with simulate(small(start=before), clock=clock, huawei=OFTEN) as sim:
        first = (await statistics(client, sim)).json()["countDetail"][0]
        clock.pass_by(minutes=2, seconds=5)
        second = (await statistics(client, sim)).json()["countDetail"][0]
    assert second["dailyCalledCount"] < first["dailyCalledCount"]
    assert second["totalCalledCount"] > first["totalCalledCount"]
    assert second["dailyCalledCount"] <= second["dailyCount"]


async def test_truth_grows_with_what_is_served(client, eager, clock):
    first = (await statistics(client, eager)).json()["countDetail"]
    clock.now = eager.stop_traffic(clock.pass_by(minutes=2))
    truth = eager.truth()
    last = (await statistics(client, eager)).json()["countDetail"]
    growth = truth.huawei_total["1798316116", ""]
    assert growth.first.attempts == first[0]["totalCalledCount"]
    assert growth.now.answered == last[0]["totalCallSucc"]
    assert growth.increase.attempts == truth.huawei_daily["1798316116", ""].increase.attempts > 0
    batch = truth.huawei_daily["1549589640", "123456"]
    assert batch.first.answered == first[1]["batchDetail"][0]["dailyCallSucc"]
    assert ("1549589640", "") not in truth.huawei_total  # its row reports no counters


@pytest.mark.parametrize(
    ("vdn", "query", "code"),
    [
        (None, "batchId=1", "02000009"),
        (None, "campaignId=a%27b", "02000002"),
        ("10000", "", "02000007"),
        ("x", "", "02000006"),
        ("158", "", "0200001"),
    ],
)
async def test_bad_parameters_have_their_codes(client, eager, vdn, query, code):
    answer = (await statistics(client, eager, query, vdn=vdn)).json()
    assert answer["resultCode"] == code
    assert answer["resultDesc"]


async def pages(client, sim, limit, **body):
    rows, offset = [], 0
    while True:
        answer = (await missed_calls(client, sim, limit=limit, offset=offset, **body)).json()
        rows += answer["missedCalls"]
        offset += limit
        if offset >= answer["total"]:
            return rows


async def test_paging_gives_the_missed_calls_of_truth(client, sim, clock):
    clock.pass_by(minutes=5)
    rows = await pages(client, sim, 7)
    assert len({row["callId"] for row in rows}) == len(rows) > 30
    by_callee = {row["calleeNo"] for row in rows}
    counts = {number: sum(row["calleeNo"] == number for row in rows) for number in by_callee}
    assert counts == sim.truth().missed
    begins = [row["waitBegin"] for row in rows]
    assert begins == sorted(begins, reverse=True)
    sample = json.loads(samples.HUAWEI_MISSED_CALLS_ANSWER)["missedCalls"][0]
    chat = next(row for row in rows if row["mediaType"] == 53)
    assert list(chat) == list(sample)


async def test_the_filter_is_utc_and_takes_both_ends(client, sim, clock):
    clock.pass_by(minutes=5)
    rows = await pages(client, sim, 5000)
    begin, end = rows[9]["waitBegin"], rows[2]["waitBegin"]
    some = await pages(client, sim, 5000, beginTime=begin, endTime=end)
    assert some == [row for row in rows if begin <= row["waitBegin"] <= end]
    assert {row["waitBegin"][:13] for row in some} <= {"2026-03-02 01", "2026-03-02 02"}


@pytest.mark.parametrize(
    "body",
    [{"limit": 5001}, {"limit": 10, "offset": 5}, {"vdn": 1}, {"beginTime": "now"}, {"limit": "3"}],
)
async def test_bad_pages_are_refused(client, sim, body):
    answer = (await missed_calls(client, sim, **body)).json()
    assert answer["returnCode"] != "0"
    assert "missedCalls" not in answer


async def test_a_page_can_change_while_it_is_read(client, sim, clock):
    clock.pass_by(minutes=5)
    sim.huawei.faults.queue(faults.ChangingPage(rows=2))
    first = (await missed_calls(client, sim, limit=10)).json()
    second = (await missed_calls(client, sim, limit=10, offset=10)).json()
    assert second["total"] == first["total"] + 2
    assert first["missedCalls"][-2:] == second["missedCalls"][:2]
