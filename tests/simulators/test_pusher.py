import base64
import hashlib
import json
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from connectors.crypto import decrypt_aes_cfb128
from connectors.simulators.pusher import RETRIES, Pusher, PushPlan, push_body
from connectors.simulators.signatures import php_json, push_encrypt, push_sign
from connectors.simulators.simulation import simulate
from connectors.web import ClientSession, serve, web
from tests.simulators.helpers import START, Clock, small

SECRET = "0123456789abcdef0123456789abcdef"
DATA = (
    r'{"call_id":"6811535818021285888","caller":"01212345674",'
    r'"called_areaname":"\u6cb3\u5357 \u4fe1\u9633","record_file":"https:\/\/a\/b.mp3"}'
)
CIPHERTEXT = (
    "gx75AbBghPFFvUP04+MnBCvHo1BR/KYibKkIUb2hBEtRxU3xeVn3E8NHgJ2/BJHCOoaBK9l/ZxY7qjrWk/r33YlLP6+Y"
    "Aj7N5kEI/gcpVx0QWxAjzd1VZfs2Rbnu3t0n3t0okWkYSgawF4Pw9aCWu0vzRYiv488ZTIOUwpyJoH1ZWmz81u2jYL4="
)


class Receiver:
    """A customer's address that answers what it is told."""

    def __init__(self):
        self.bodies = []
        self.answer = lambda _: web.json_response({"code": 0})

    async def take(self, request):
        self.bodies.append(await request.read())
        return self.answer(len(self.bodies))

    def ids(self):
        return [json.loads(body)["data"]["call_id"] for body in self.bodies]


@asynccontextmanager
async def pushing(clock, plan=None):
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/push", receiver.take)
    async with (
        simulate(small(), clock=clock) as sim,
        serve(app) as url,
        ClientSession() as session,
    ):
        yield sim, receiver, Pusher(sim.icsoc, session, f"{url}/push", plan)


async def tick(pusher, sim, clock, **parts):
    clock.pass_by(**parts)
    await pusher.tick(sim.icsoc.now())


def test_the_known_vectors():
    assert php_json(json.loads(DATA)) == DATA
    assert push_sign(DATA, SECRET) == "d44d203fc5369241a9596c5af027023d"
    assert push_encrypt(DATA, SECRET) == CIPHERTEXT
    assert push_sign(CIPHERTEXT, SECRET) == "dc000283e38e6c45989f1b0cded93f19"


async def test_each_ended_call_is_pushed_once_and_history_is_not(clock):
    async with pushing(clock) as (sim, receiver, pusher):
        await tick(pusher, sim, clock, seconds=30)
        await tick(pusher, sim, clock, seconds=30)
        start = START.timestamp()
        expected = {c.call_id for c in sim.icsoc.ended(clock()) if c.ended >= start}
        assert sorted(receiver.ids()) == sorted(expected)
        assert pusher.delivered == expected
        assert not pusher.idle  # calls in progress
        clock.now = sim.stop_traffic(clock())
        await tick(pusher, sim, clock)
        assert pusher.idle
        assert all(json.loads(body)["data"]["end_time"] != "0" for body in receiver.bodies)


async def test_a_plain_push_is_signed_over_its_bytes(clock):
    async with pushing(clock) as (sim, receiver, pusher):
        await tick(pusher, sim, clock, seconds=30)
        body = next(body for body in receiver.bodies if rb"\/" in body)
        data = body[body.index(b'"data":') + 7 : body.rindex(b',"sign"')]
        sign = hashlib.md5(data + sim.icsoc.push_secret.encode()).hexdigest()
        content = json.loads(body)
    assert content["sign"] == sign
    assert content["type"] == 1
    assert content["timestamp"] == "2026-03-02 10:00:30"
    assert b"\\u" in data
    assert isinstance(content["data"]["start_time"], str)
    assert content["data"]["user_data"]["proid"] in ("10008", "10195")


async def test_an_encrypted_push_opens_with_the_secret(clock):
    async with pushing(clock, PushPlan(encrypted=True)) as (sim, receiver, pusher):
        await tick(pusher, sim, clock, seconds=30)
        secret = sim.icsoc.push_secret.encode()
        ids = set()
        for body in receiver.bodies:
            content = json.loads(body)
            text = decrypt_aes_cfb128(secret, secret[:16], base64.b64decode(content["data"]))
            ids.add(json.loads(text)["call_id"])
            assert (
                content["sign"]
                == hashlib.md5(content["data"].encode() + secret, usedforsecurity=False).hexdigest()
            )
        assert ids == pusher.delivered


@pytest.mark.parametrize(
    "refusal",
    [
        lambda: web.json_response({"code": 1}),
        lambda: web.json_response({"code": "0"}),
        lambda: web.json_response({}),
        lambda: web.json_response([0]),
        lambda: web.Response(text="ok"),
        lambda: web.json_response({"code": 0}, status=503),
    ],
)
async def test_all_but_code_0_is_a_failure(clock, refusal):
    async with pushing(clock) as (sim, receiver, pusher):
        receiver.answer = lambda _: refusal()
        await tick(pusher, sim, clock, seconds=5)
        assert receiver.bodies
        assert pusher.delivered == set()


async def test_a_failed_push_is_tried_again_as_documented_and_then_given_up(clock):
    async with pushing(clock, PushPlan(retry_scale=0.1)) as (sim, receiver, pusher):
        sim.stop_traffic(START + timedelta(seconds=1))
        receiver.answer = lambda _: web.json_response({"code": 1})
        clock.pass_by(minutes=30)
        await tick(pusher, sim, clock)
        calls = len(receiver.bodies)
        assert calls > 0
        for turn, pause in enumerate(RETRIES):
            await tick(pusher, sim, clock, seconds=pause * 0.1 - 0.01)
            assert len(receiver.bodies) == calls * (turn + 1)
            assert pusher.given_up == set()
            await tick(pusher, sim, clock, seconds=0.01)
            assert len(receiver.bodies) == calls * (turn + 2)
        assert len(pusher.given_up) == calls
        assert pusher.idle
        assert sum(RETRIES) == 3 * 3600 + 4 * 60


async def test_a_push_that_is_taken_late_is_delivered_once(clock):
    async with pushing(clock, PushPlan(retry_scale=0.1)) as (sim, receiver, pusher):
        sim.stop_traffic(START)
        receiver.answer = lambda turn: web.json_response({"code": int(turn <= 3)})
        await tick(pusher, sim, clock, minutes=10)
        await tick(pusher, sim, clock, minutes=10)
        assert pusher.idle
        assert pusher.given_up == set()
        assert len(receiver.bodies) == len(pusher.delivered) + 3


async def test_some_are_dropped_and_some_come_twice(clock):
    async with pushing(clock, PushPlan(dropped=0.2, twice=0.2)) as (sim, receiver, pusher):
        sim.stop_traffic(START + timedelta(minutes=2))
        await tick(pusher, sim, clock, minutes=20)
        ids = receiver.ids()
        twice = {one for one in ids if ids.count(one) == 2}
        assert pusher.dropped
        assert twice
        assert len(ids) == len(pusher.delivered) + len(twice)
        start = START.timestamp()
        ended = {c.call_id for c in sim.icsoc.ended(clock()) if c.ended >= start}
        assert pusher.delivered | pusher.dropped == ended
        assert pusher.delivered & pusher.dropped == set()


async def test_a_rotated_secret_signs_anew():
    async with simulate(small(), clock=Clock()) as sim:
        call = sim.world.icsoc[0]
    one, other = push_body(call, "a", START), push_body(call, "b", START)
    assert json.loads(one)["data"] == json.loads(other)["data"]
    assert json.loads(one)["sign"] != json.loads(other)["sign"]


async def test_a_simulation_pushes_until_it_is_drained(clock):
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/push", receiver.take)
    async with serve(app) as url, simulate(small(), clock=clock, push_url=f"{url}/push") as sim:
        clock.now = sim.stop_traffic(clock.pass_by(minutes=1))
        await sim.drained()
        start = START.timestamp()
        ended = {c.call_id for c in sim.icsoc.ended(clock()) if c.ended >= start}
        assert set(receiver.ids()) == ended == sim.pusher.delivered
        with pytest.raises(RuntimeError, match="already"):
            await sim.start_pushing(f"{url}/push")
