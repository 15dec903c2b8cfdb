import json
from datetime import UTC, datetime, timedelta

import pytest

from connectors.simulators import faults, samples
from connectors.simulators.sevenmoor import REPORT_PATH, TASK_PATH, SevenMoorSettings
from connectors.simulators.simulation import simulate
from tests.simulators.helpers import NUMBER, START, Clock, moor, moor_headers, small

DAY = {"startTime": "2026-03-02 00:00:00", "endTime": "2026-03-02 23:59:59", "numbers": [NUMBER]}


async def report(client, sim, **body):
    return await moor(client, sim, REPORT_PATH, DAY | body)


async def row(client, sim, **body):
    return (await report(client, sim, **body)).json()["data"][0]


@pytest.mark.parametrize(
    ("appkey", "timestamp", "nonce", "secret", "sign"),
    [
        (
            "2000113",
            "1610347398",
            "333333",
            "test-secret",
            "/o3c9RKsIYzA9Y7MPJ7YBJu3E5Q5EZyJe2ufiW+1zbE=",
        ),
        (
            "2000103",
            "1608119594",
            "123221",
            "HWHp9xFVlbboxIU2S6DHA7sf9sGzt3",
            "ybCwXrg9CMo39xv1kdfVLemqFmk+2Elz+vXYu1CyHlo=",
        ),
    ],
)
async def test_it_takes_the_known_signatures(client, appkey, timestamp, nonce, secret, sign):
    then = datetime.fromtimestamp(int(timestamp), UTC)
    async with simulate(small(start=then), clock=Clock(then)) as sim:
        sim.sevenmoor.appkey, sim.sevenmoor.secret = appkey, secret
        headers = {
            "m7-appkey": appkey,
            "m7-timestamp": timestamp,
            "m7-nonce": nonce,
            "m7-sign": sign,
        }
        answer = await client.post(sim.sevenmoor.url + REPORT_PATH, json=DAY, headers=headers)
        assert answer.json()["success"] is True
        again = await client.post(sim.sevenmoor.url + REPORT_PATH, json=DAY, headers=headers)
        assert (again.status_code, again.json()["message"]) == (401, "the request was sent before")


async def test_the_answer_looks_like_the_sample(client, sim):
    answer = (await report(client, sim)).json()
    sample = json.loads(samples.SEVENMOOR_REPORT_ANSWER)
    assert list(answer) == list(sample)
    assert list(answer["data"][0]) == list(sample["data"][0])
    assert set(answer["requestInfo"]) == set(sample["requestInfo"])
    assert answer["requestInfo"]["body"] == DAY
    assert answer["requestInfo"]["headers"]["m7-sign"]
    assert answer["requestInfo"]["headers"]["accountId"] == sim.sevenmoor.appkey


async def test_a_window_grows_until_its_calls_have_ended(client, sim, clock):
    window = {"endTime": "2026-03-02 10:00:00"}
    early = await row(client, sim, **window)
    clock.pass_by(minutes=2)
    late = await row(client, sim, **window)
    assert late["sum"] == early["sum"]  # nothing starts in the past
    assert late["answerSum"] > early["answerSum"]
    clock.pass_by(minutes=2)
    assert await row(client, sim, **window) == late
    assert late["answerPercentage"] == f"{100 * late['answerSum'] / late['sum']:05.2f}%"


async def test_the_ends_of_a_window_are_in_it(client, sim, clock):
    clock.pass_by(minutes=2)
    second = int(sim.world.sevenmoor[NUMBER][5].started)
    text = f"{datetime.fromtimestamp(second, sim.world.scenario.zone):%Y-%m-%d %H:%M:%S}"
    expected = sum(int(c.started) == second for c in sim.world.sevenmoor[NUMBER])
    assert (await row(client, sim, startTime=text, endTime=text))["sum"] == expected > 0


async def test_an_unknown_number_has_no_calls(client, sim):
    assert await row(client, sim, numbers=["010"]) == {
        "number": "010",
        "sum": 0,
        "answerSum": 0,
        "answerPercentage": "00.00%",
    }


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ({"endTime": "2026-06-02 00:00:01"}, "three months"),
        ({"startTime": "2026-03-03 00:00:00"}, "before"),
        ({"startTime": "yesterday"}, "startTime"),
        ({"numbers": []}, "numbers"),
        ({"numbers": [1]}, "numbers"),
    ],
)
async def test_a_bad_question_is_refused(client, sim, body, told):
    answer = await report(client, sim, **body)
    assert answer.json()["success"] is False
    assert told in answer.json()["message"]


async def test_three_months_to_the_second_are_answered(client, sim):
    assert (await report(client, sim, endTime="2026-06-02 00:00:00")).json()["success"] is True


@pytest.mark.parametrize("minutes", [-6, 6])
async def test_a_skewed_clock_refuses(client, sim, minutes):
    sim.sevenmoor.skew = timedelta(minutes=minutes)
    assert (await report(client, sim)).status_code == 401
    sim.sevenmoor.skew = timedelta(minutes=minutes / 2)
    assert (await report(client, sim)).status_code == 200


async def test_a_rotated_secret_refuses_the_old_signature(client, sim, clock):
    old = moor_headers(sim.sevenmoor, clock())
    sim.sevenmoor.secret = "another"
    answer = await client.post(sim.sevenmoor.url + REPORT_PATH, json=DAY, headers=old)
    assert answer.status_code == 401


async def test_a_stale_13_digit_timestamp_is_refused(client, sim, clock):
    headers = moor_headers(sim.sevenmoor, clock()) | {"m7-timestamp": "1608719083769"}
    answer = await client.post(sim.sevenmoor.url + REPORT_PATH, json=DAY, headers=headers)
    assert answer.status_code == 401


async def test_twenty_a_minute_over_all_endpoints(client, sim, clock):
    for turn in range(20):
        path = REPORT_PATH if turn % 2 else f"{TASK_PATH}/get"
        assert (await moor(client, sim, path, DAY)).status_code == 200
        clock.pass_by(seconds=1)
    assert (await report(client, sim)).status_code == 429
    clock.pass_by(seconds=39)
    assert (await report(client, sim)).status_code == 429
    clock.pass_by(seconds=1)  # the first one is a minute old
    assert (await report(client, sim)).status_code == 200
    assert sim.sevenmoor.log.count(status=429) == 2
    assert sim.sevenmoor.log.busiest(timedelta(minutes=1)) == 22


async def test_a_refusal_can_hide_in_a_good_status(client, clock):
    settings = SevenMoorSettings(requests_per_minute=1, refuse_in_body=True)
    async with simulate(small(), clock=clock, sevenmoor=settings) as sim:
        await report(client, sim)
        answer = await report(client, sim)
    assert (answer.status_code, answer.json()["success"], answer.json()["code"]) == (
        200,
        False,
        "429",
    )


async def test_truth_is_what_was_served_first_and_what_stands_now(client, sim, clock):
    first = await row(client, sim)
    clock.pass_by(minutes=1)
    await row(client, sim)
    clock.now = sim.stop_traffic(clock.pass_by(minutes=1))
    growth = sim.truth().sevenmoor[NUMBER, DAY["startTime"]]
    last = await row(client, sim)
    assert (growth.first.attempts, growth.first.answered) == (first["sum"], first["answerSum"])
    assert (growth.now.attempts, growth.now.answered) == (last["sum"], last["answerSum"])
    assert growth.increase.attempts == last["sum"] - first["sum"] > 0


async def test_a_closed_window_is_counted_to_its_own_end(client, sim, clock):
    clock.pass_by(minutes=5)
    first = await row(client, sim, endTime="2026-03-02 10:00:00")
    clock.pass_by(minutes=5)
    assert sim.truth().sevenmoor[NUMBER, DAY["startTime"]].now.attempts == first["sum"]


async def test_an_answer_that_was_cut_is_nobodys_baseline(client, sim):
    sim.sevenmoor.faults.queue(faults.CutBody())
    with pytest.raises(Exception, match="peer closed"):
        await report(client, sim)
    assert sim.truth().sevenmoor == {}


async def tasks(client, sim, action, **body):
    return (await moor(client, sim, f"{TASK_PATH}/{action}", body)).json()


async def test_a_task_is_created_found_changed_filled_and_emptied(client, sim):
    made = await tasks(
        client,
        sim,
        "create",
        taskName="222122",
        description="remark",
        agentNumberList=["2000"],
        queueNumberList=[],
        agentNumber="2001",
    )
    assert made["success"] is True
    assert "data" not in made  # the document's answer does not tell the id
    assert sim.truth().tasks == 2
    for name in ("name", "taskName"):  # the table says one and the curl the other
        found = (await tasks(client, sim, "get", **{name: "222122"}, status=""))["data"]
        assert found["count"] == 1
    sample = json.loads(samples.SEVENMOOR_TASK_GET_ANSWER)["data"]["list"][0]
    task = found["list"][0]
    assert {name: type(value) for name, value in task.items()} == {
        name: type(value) for name, value in sample.items()
    }
    assert (task["agentTotal"], task["numberTotal"]) == (1, 0)
    task_id = task["taskId"]
    await tasks(client, sim, "update", taskId=task_id, taskName="new", description="222")
    rows = [{"name": "张三", "number": n, "remark": "", "agentNumber": ""} for n in "1223"]
    await tasks(client, sim, "import", taskId=task_id, importData=rows, rule=1, agentNumber="9")
    found = (await tasks(client, sim, "get", name="new"))["data"]["list"][0]
    assert (found["description"], found["numberTotal"]) == ("222", 3)
    await tasks(client, sim, "delete", taskId=task_id, customerNumber="2", callResult="UNDEAL")
    assert (await tasks(client, sim, "get", name="new"))["data"]["list"][0]["numberTotal"] == 2
    assert (await tasks(client, sim, "get", status="DEALING"))["data"]["count"] == 1
    assert (await tasks(client, sim, "get"))["data"]["count"] == 2


@pytest.mark.parametrize(("rule", "total"), [(0, 1), (1, 2), (2, 3)])
async def test_the_rule_says_what_a_duplicate_is(client, sim, rule, total):
    await tasks(client, sim, "create", taskName="other", agentNumberList=["2000"])
    found = (await tasks(client, sim, "get", name="other"))["data"]["list"][0]
    known_in_another_task = "17319132391"
    rows = [{"number": known_in_another_task}, {"number": "5"}, {"number": "5"}]
    await tasks(client, sim, "import", taskId=found["taskId"], importData=rows, rule=rule)
    found = (await tasks(client, sim, "get", name="other"))["data"]["list"][0]
    assert found["numberTotal"] == total


async def test_more_than_2000_rows_are_refused_whole(client, sim):
    task_id = next(iter(sim.sevenmoor.tasks.by_id))
    rows = [{"number": str(n)} for n in range(2001)]
    answer = await tasks(client, sim, "import", taskId=task_id, importData=rows, rule=2)
    assert answer["success"] is False
    assert len(sim.sevenmoor.tasks.by_id[task_id].numbers) == 1
    answer = await tasks(client, sim, "import", taskId=task_id, importData=rows[1:], rule=2)
    assert answer["success"] is True


async def test_the_clock_that_counts_is_the_servers(client, sim, clock):
    before = await row(client, sim)
    clock.now = START + timedelta(seconds=30)
    assert (await row(client, sim))["sum"] > before["sum"]
