"""A client of each vendor, as short as the documents allow; nothing here is the product's."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import json
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import httpx

from connectors.simulators.scenario import (
    Campaign,
    DisplayNumber,
    Episode,
    Queue,
    Scenario,
    TaskSeed,
)

START = datetime(2026, 3, 2, 2, 0, tzinfo=UTC)  # 10:00 in Shanghai
NUMBER = "01081401967"
_NONCES = itertools.count(100000)


class Clock:
    """A clock that a test moves."""

    def __init__(self, now=START):
        self.now = now

    def __call__(self):
        return self.now

    def pass_by(self, **parts):
        self.now += timedelta(**parts)
        return self.now


def small(**changes):
    """Some hundred calls in ten minutes."""
    flagged = Episode(START + timedelta(minutes=2), START + timedelta(minutes=5), 0.02)
    settings = {
        "start": START,
        "history": timedelta(minutes=3),
        "time_compression": 4,
        "icsoc": (
            DisplayNumber("02160661801", 60, 0.5, ("10008/13", "10008/14"), flagged),
            DisplayNumber("02160661802", 20, 0.5, ("10195/7",)),
        ),
        "sevenmoor": (DisplayNumber(NUMBER, 30), DisplayNumber("01081401968", 10)),
        "tasks": (TaskSeed("回访", "remark", ("2000", "2001"), ("17319132391",)),),
        "campaigns": (
            Campaign("1798316116", "95511001", 20, called_before=300, answered_before=100),
            Campaign("1549589640", "95511002", 20, batches=("123456", "66666"), bare=True),
        ),
        "queues": (Queue("31045665", 20, 0.3), Queue("6300111010", 10, 0.3, None, 53, 1)),
    }
    return Scenario(**(settings | changes))


def moor_headers(server, now, *, nonce=None):
    nonce = nonce or str(next(_NONCES))
    timestamp = str(int(now.timestamp()))
    message = f"{server.appkey}{timestamp}{nonce}".encode()
    digest = hmac.new(server.secret.encode(), message, hashlib.sha256).digest()
    return {
        "m7-appkey": server.appkey,
        "m7-nonce": nonce,
        "m7-timestamp": timestamp,
        "m7-sign": base64.b64encode(digest).decode(),
    }


async def moor(client, sim, path, body, **options):
    headers = moor_headers(sim.sevenmoor, sim.clock(), **options)
    return await client.post(sim.sevenmoor.url + path, json=body, headers=headers)


def huawei_authorization(server, method, path, query="", body=b"", *, at=START):
    host = server.url.removeprefix("http://")
    prefix = f"auth-v2/{server.access_key}/{at:%Y-%m-%dT%H:%M:%SZ}/host"
    key = hmac.new(server.secret_key.encode(), prefix.encode(), hashlib.sha256).hexdigest()
    lines = [method, path, *([query] if query else []), "host", f"host:{quote(host, safe='')}"]
    canon = "\n".join([*lines, quote(body, safe="")])
    return f"{prefix}/{hmac.new(key.encode(), canon.encode(), hashlib.sha256).hexdigest()}"


async def statistics(client, sim, query="", *, vdn=None):
    server = sim.huawei
    path = f"/rest/isales/v2/openapi/campaigns/{vdn or server.vdn}/statistics"
    header = huawei_authorization(server, "GET", path, query)
    url = server.url + path + (f"?{query}" if query else "")
    return await client.get(url, headers={"Authorization": header})


async def missed_calls(client, sim, **body):
    server = sim.huawei
    path = "/rest/cmsapp/v1/callin/queryMissedCalls"
    content = json.dumps({"vdn": server.vdn, "offset": 0, "limit": 5000} | body).encode()
    header = huawei_authorization(server, "POST", path, "", content)
    headers = {"Authorization": header, "Content-Type": "application/json; charset=UTF-8"}
    return await client.post(server.url + path, content=content, headers=headers)


def token_form(sim, **changes):
    tokens = sim.icsoc.tokens
    return {
        "grant_type": "password",
        "username": f"{tokens.company}|{tokens.agent}",
        "password": tokens.password,
        "client_id": tokens.client_id,
        "client_secret": tokens.client_secret,
        "scope": "openid",
    } | changes


async def bearer(client, sim):
    answer = await client.post(sim.icsoc.token_url, data=token_form(sim))
    return {"Authorization": f"Bearer {answer.json()['access_token']}"}


async def search(client, sim, headers, **body):
    return await client.post(sim.icsoc.url + "/api/v1/cdr/search", json=body, headers=headers)


async def search_all(client, sim, headers, **body):
    """Page through a search to its end."""
    rows, cursor = [], None
    while True:
        asked = body if cursor is None else body | {"searchAfter": cursor}
        data = (await search(client, sim, headers, **asked)).json()["data"]
        rows += data["results"]
        if not data["results"] or data["searchAfter"] in (None, cursor):
            return rows
        cursor = data["searchAfter"]


def http():
    return httpx.AsyncClient(timeout=5, trust_env=False)
