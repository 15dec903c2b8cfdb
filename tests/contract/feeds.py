"""The polled feeds: how each is set up against its simulator, and what it must have told."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from connectors.accounts import AccountSettings
from connectors.simulators.server import VendorServer
from connectors.simulators.simulation import Simulation
from connectors.vendors.huawei.source import HuaweiAccount
from connectors.vendors.icsoc.source import IcsocAccount
from connectors.vendors.sevenmoor.source import SevenmoorAccount
from schemas import topics
from schemas.base import Vendor
from schemas.envelope import RawRecord
from schemas.topics import Topic

MOMENT = timedelta(milliseconds=1)
LOOKBACK = timedelta(seconds=10)
"""Longer than a call lasts, and far shorter than the history: what is missed there stays missed."""
TIMEOUT = timedelta(milliseconds=400)


@dataclass(frozen=True)
class Feed:
    """One polled feed.

    Attributes:
        path: how its address ends, for faults.
        account: makes its account, under a name, with a folder for tokens.
        told: what the newest records say, by name.
        right: what they must say, from the simulator.
        rotate: gives the vendor's secret another value.
        resolution: what two polls within it do not tell apart: the second one may ask nothing.
    """

    name: str
    topic: Topic
    path: str
    account: Callable[..., AccountSettings]
    server: Callable[[Simulation], VendorServer]
    told: Callable[[Mapping[str, RawRecord]], Mapping[object, object]]
    right: Callable[[Simulation], Mapping[object, object]]
    rotate: Callable[[Simulation], None]
    resolution: timedelta = timedelta(0)

    def __str__(self) -> str:
        return self.name

    @property
    def vendor(self) -> Vendor:
        return Vendor(self.topic.name.split(".")[1])

    def source(self, account: str) -> str:
        return f"/{self.vendor}/{account}/{self.topic.name.split('.')[2]}"


def sevenmoor_account(sim: Simulation, name: str, folder: Path, **more) -> SevenmoorAccount:
    server = sim.sevenmoor
    return SevenmoorAccount(
        **{
            "name": name,
            "base_url": server.url,
            "state_dir": folder,
            "appkey": server.appkey,
            "secret": server.secret,
            "numbers": [number.number for number in sim.world.scenario.sevenmoor],
            "numbers_per_query": 1,
            "report_interval": MOMENT,
            "tasks_interval": MOMENT,
            "request_gap": MOMENT,
            "request_timeout": TIMEOUT,
        }
        | more
    )


def huawei_account(sim: Simulation, name: str, folder: Path, **more) -> HuaweiAccount:
    server = sim.huawei
    return HuaweiAccount(
        **{
            "name": name,
            "vdn": server.vdn,
            "access_key": server.access_key,
            "secret_key": server.secret_key,
            "statistics_interval": MOMENT,
            "missed_interval": MOMENT,
            "missed_lookback": LOOKBACK,
            "missed_page_size": 10,
            "request_timeout": TIMEOUT,
        }
        | more
    )


def isales_account(sim: Simulation, name: str, folder: Path, **more) -> HuaweiAccount:
    return huawei_account(sim, name, folder, isales_url=sim.huawei.url, **more)


def cms_account(sim: Simulation, name: str, folder: Path, **more) -> HuaweiAccount:
    return huawei_account(sim, name, folder, cms_url=sim.huawei.url, **more)


def icsoc_account(sim: Simulation, name: str, folder: Path, **more) -> IcsocAccount:
    tokens = sim.icsoc.tokens
    oauth = {
        "token_url": sim.icsoc.token_url,
        "company": tokens.company,
        "agent": tokens.agent,
        "password": tokens.password,
        "client_id": tokens.client_id,
        "client_secret": tokens.client_secret,
    }
    return IcsocAccount(
        **{
            "name": name,
            "base_url": sim.icsoc.url,
            "oauth": oauth,
            "state_dir": folder,
            "per_page": 20,
            "interval": MOMENT,
            "reconcile_every": MOMENT,
            "lookback": LOOKBACK,
            "overlap": LOOKBACK,
            "initial_span": timedelta(hours=1),
            "request_gap": MOMENT,
            "request_timeout": TIMEOUT,
        }
        | more
    )


def _read(record: RawRecord) -> dict:
    return json.loads(record.data)


def _told_reports(newest):
    rows = {subject: _read(record) for subject, record in newest.items()}
    return {subject: (row["sum"], row["answerSum"]) for subject, row in rows.items()}


def _right_reports(sim):
    return {
        f"{number}@{since[:10]}": (growth.now.attempts, growth.now.answered)
        for (number, since), growth in sim.truth().sevenmoor.items()
    }


def _told_tasks(newest):
    return {subject: _read(record) for subject, record in newest.items()}


def _right_tasks(sim):
    return {task_id: task.row() for task_id, task in sim.sevenmoor.tasks.by_id.items()}


def _told_statistics(newest):
    campaigns = [_read(record) for record in newest.values()]
    rows = [
        (campaign["campaignId"], row.get("batchId", ""), row)
        for campaign in campaigns
        for row in (campaign, *campaign["batchDetail"])
    ]
    return {
        (campaign, batch): (row["totalCalledCount"], row["totalCallSucc"])
        for campaign, batch, row in rows
        if "totalCalledCount" in row
    }


def _right_statistics(sim):
    return {
        key: (growth.now.attempts, growth.now.answered)
        for key, growth in sim.truth().huawei_total.items()
    }


def _told_missed(newest):
    rows = {subject: _read(record) for subject, record in newest.items()}
    return {subject: (row["calleeNo"], row["callerNo"]) for subject, row in rows.items()}


def _right_missed(sim):
    missed = sim.huawei.missed(sim.clock())
    return {call.call_id: (call.number, call.customer) for call in missed}


def _told_search(newest):
    rows = {subject: _read(record) for subject, record in newest.items()}
    return {subject: (row["endTime"], row["callresult"]) for subject, row in rows.items()}


def right_calls(sim):
    """Give icsoc's ended calls by id: when each ended, and what became of it."""
    ended = sim.icsoc.ended(sim.clock())
    return {call.call_id: (call.ended, str(int(call.outcome))) for call in ended}


def _rotate_sevenmoor(sim):
    sim.sevenmoor.secret = "another secret"


def _rotate_huawei(sim):
    sim.huawei.secret_key = "another secret"


def _rotate_icsoc(sim):
    sim.icsoc.tokens.password = "another password"
    sim.icsoc.tokens.expire()


FEEDS = (
    Feed(
        "7moor answer report",
        topics.RAW_SEVENMOOR_REPORT,
        "/answer/report",
        sevenmoor_account,
        lambda sim: sim.sevenmoor,
        _told_reports,
        _right_reports,
        _rotate_sevenmoor,
    ),
    Feed(
        "7moor tasks",
        topics.RAW_SEVENMOOR_TASK,
        "/task/get",
        lambda *args, **more: sevenmoor_account(*args, numbers=[], **more),
        lambda sim: sim.sevenmoor,
        _told_tasks,
        _right_tasks,
        _rotate_sevenmoor,
    ),
    Feed(
        "huawei statistics",
        topics.RAW_HUAWEI_STATISTICS,
        "/statistics",
        isales_account,
        lambda sim: sim.huawei,
        _told_statistics,
        _right_statistics,
        _rotate_huawei,
    ),
    Feed(
        "huawei missed calls",
        topics.RAW_HUAWEI_MISSED,
        "/queryMissedCalls",
        cms_account,
        lambda sim: sim.huawei,
        _told_missed,
        _right_missed,
        _rotate_huawei,
    ),
    Feed(
        "icsoc search",
        topics.RAW_ICSOC_CDR,
        "/cdr/search",
        icsoc_account,
        lambda sim: sim.icsoc,
        _told_search,
        right_calls,
        _rotate_icsoc,
        timedelta(seconds=1),
    ),
)
