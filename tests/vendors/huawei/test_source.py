import json
import ssl
from datetime import UTC, datetime, timedelta
from itertools import count
from zoneinfo import ZoneInfo

import certifi
import pytest
from pydantic import ValidationError

from connectors.http import Http
from connectors.vendors.huawei.auth import Credentials
from connectors.vendors.huawei.client import CmsClient, IsalesClient, Signer
from connectors.vendors.huawei.mapper import map_campaign_statistics, map_missed_call
from connectors.vendors.huawei.source import (
    CampaignStatisticsSource,
    HuaweiAccount,
    MissedCallSource,
)
from schemas.errors import ConfigError, FatalError, InvalidRecord
from schemas.topics import raw_topic
from tests.vendors.fakes import FakeHttp
from tests.vendors.huawei.samples import sample

SIGNER = Signer(Credentials("test-ak", "test-sk"))
SHANGHAI = ZoneInfo("Asia/Shanghai")


def utc(text):
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def missed_source(http, *, page_size=1000):
    return MissedCallSource(
        CmsClient(http, SIGNER, vdn=159, page_size=page_size),
        account="main",
        vdn=159,
        zone=SHANGHAI,
        missed_zone="UTC",
        interval=timedelta(seconds=15),
        lookback=timedelta(minutes=10),
    )


def spans(http):
    return [
        (body["beginTime"], body["endTime"])
        for body in (json.loads(request.body) for request in http.requests)
    ]


async def test_a_poll_reads_each_campaign_with_its_batches():
    http = FakeHttp([sample("statistics-answer")])
    source = CampaignStatisticsSource(
        IsalesClient(http, SIGNER, vdn=170),
        account="main",
        vdn=170,
        interval=timedelta(minutes=5),
    )
    now = utc("2022-11-18 00:00:00")

    poll = await source.poll(None, now)
    again = await source.poll(poll.cursor, now + timedelta(minutes=5))

    assert [record.subject for record in poll.records] == ["1798316116", "1549589640"]
    assert [record.id for record in again.records] == [record.id for record in poll.records]
    for record in poll.records:
        assert record.data in sample("statistics-answer")
        assert record.extensions == {"vdn": "170"}
        assert raw_topic(record.vendor, record.feed).name == "raw.huawei.campaign-statistics"
    tallies = [map_campaign_statistics(record) for record in poll.records]
    assert [len(of_campaign) for of_campaign in tallies] == [1, 3]
    assert tallies[0][0].read_at == now
    await source.close()
    assert http.closed


async def test_a_poll_reads_each_missed_call():
    http = FakeHttp([sample("missed-answer")])
    source = missed_source(http)

    poll = await source.poll(None, utc("2022-11-18 00:00:00"))

    assert [record.subject for record in poll.records] == [
        "1668048253-16797218",
        "1668050023-1859",
    ]
    for record in poll.records:
        assert record.data in sample("missed-answer")
        assert record.extensions == {"vdn": "159", "zone": "UTC"}
        assert raw_topic(record.vendor, record.feed).name == "raw.huawei.missed-call"
    call, _ = map_missed_call(poll.records[0])
    assert call.ended_at == utc("2022-11-17 23:44:25")
    await source.close()
    assert http.closed


async def test_the_first_poll_starts_with_the_local_day():
    http = FakeHttp([sample("missed-answer")])

    await missed_source(http).poll(None, utc("2022-11-18 03:04:05"))

    assert spans(http) == [("2022-11-17 16:00:00", "2022-11-18 03:04:05")]


async def test_later_polls_overlap_the_one_before():
    http = FakeHttp([sample("missed-answer")])
    source = missed_source(http)

    first = await source.poll(None, utc("2022-11-18 03:04:05"))
    second = await source.poll(first.cursor, utc("2022-11-18 03:04:20"))
    await source.poll(second.cursor, utc("2022-11-20 00:00:00"))

    assert spans(http)[1:] == [
        ("2022-11-18 02:54:05", "2022-11-18 03:04:20"),
        ("2022-11-18 02:54:20", "2022-11-20 00:00:00"),
    ]


async def test_a_clock_that_was_set_back_asks_for_no_span_backwards():
    http = FakeHttp([sample("missed-answer")])
    source = missed_source(http)

    ahead = await source.poll(None, utc("2022-11-18 05:00:00"))
    await source.poll(ahead.cursor, utc("2022-11-18 03:00:00"))

    assert spans(http)[1] == ("2022-11-18 02:50:00", "2022-11-18 03:00:00")


async def test_a_span_that_would_not_keep_still_is_read_again():
    totals = count(3)

    def moving(request):
        return json.dumps(
            {"returnCode": "0", "total": next(totals), "missedCalls": [{"callId": "a"}]}
        ).encode()

    http = FakeHttp([moving])
    source = missed_source(http, page_size=2)
    cursor = {"until": "2022-11-18T03:00:00+00:00"}

    poll = await source.poll(cursor, utc("2022-11-18 03:00:15"))

    assert poll.cursor == cursor
    assert [record.subject for record in poll.records] == ["a"]


async def test_a_call_that_cannot_be_read_goes_on_to_be_refused_by_the_mapper():
    http = FakeHttp([b'{"returnCode":"0","total":2,"missedCalls":[7,{"callId":8}]}'])

    poll = await missed_source(http).poll(None, utc("2022-11-18 03:04:05"))

    assert [record.data for record in poll.records] == [b"7", b'{"callId":8}']
    assert poll.records[1].subject == "8"
    for record in poll.records:
        with pytest.raises(InvalidRecord):
            map_missed_call(record)


ISALES = {"isales_url": "https://10.22.26.181:28080"}
CMS = {"cms_url": "https://10.22.26.182:28080"}


def account(**changes):
    return HuaweiAccount(
        **{"name": "main", "vdn": 159, "access_key": "test-ak", "secret_key": "hush", **changes}
    )


@pytest.mark.parametrize(
    ("addresses", "feeds"),
    [
        (ISALES, ["campaign-statistics"]),
        (CMS, ["missed-call"]),
        (ISALES | CMS, ["campaign-statistics", "missed-call"]),
    ],
)
async def test_an_account_has_a_source_for_each_address(addresses, feeds):
    sources = account(**addresses).sources()

    assert [source.feed for source in sources] == feeds
    assert {(source.vendor, source.account) for source in sources} == {("huawei", "main")}
    for source in sources:
        await source.close()


async def test_statistics_wait_for_a_budget_of_their_own(monkeypatch):
    settings = account(**ISALES)

    class Budget:
        async def acquire(self):
            raise FatalError("not before five minutes")

    monkeypatch.setitem(settings.__dict__, "statistics_budget", Budget())
    (source,) = settings.sources()

    with pytest.raises(FatalError, match="not before"):
        await source.poll(None, utc("2022-11-18 00:00:00"))
    await source.close()


def test_the_defaults_are_the_documents_and_the_secret_is_not_shown():
    settings = account(**ISALES)

    assert settings.statistics_interval > timedelta(minutes=5)
    assert settings.statistics_budget is settings.statistics_budget
    assert settings.missed_zone == "UTC"
    assert "hush" not in repr(settings)


@pytest.mark.parametrize(("changes", "accepted"), [(ISALES, 9999), (CMS, 5000)])
def test_the_vdn_has_the_range_of_the_service(changes, accepted):
    assert account(vdn=accepted, **changes).vdn == accepted
    with pytest.raises(ValidationError, match="vdn"):
        account(vdn=accepted + 1, **changes)
    with pytest.raises(ValidationError, match="vdn"):
        account(vdn=0, **changes)


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({}, "isales_url, cms_url"),
        ({"isales_url": "10.22.26.181:28080"}, "isales_url"),
        ({"isales_url": "https://10.22.26.181:28080/rest"}, "isales_url"),
        (ISALES | {"signed_headers": ["date"]}, "signed_headers"),
        (ISALES | {"signed_headers": []}, "signed_headers"),
        (ISALES | {"verify": False, "ca_file": "ca.pem"}, "ca_file"),
        (CMS | {"missed_page_size": 5001}, "missed_page_size"),
        (CMS | {"missed_zone": "Mars/Olympus"}, "IANA"),
        (CMS | {"missed_interval": 0}, "missed_interval"),
    ],
)
def test_settings_that_cannot_be_meant_are_refused(changes, told):
    with pytest.raises(ValidationError, match=told):
        account(**changes)


@pytest.mark.parametrize("content", [None, "this is no certificate"])
def test_a_certificate_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)

    with pytest.raises(ConfigError, match=r"ca\.pem of account main.*PEM"):
        account(ca_file=str(path), **ISALES).sources()


async def test_a_laboratory_may_trust_any_certificate(monkeypatch):
    made = []
    monkeypatch.setattr(
        "connectors.vendors.huawei.source.Http",
        lambda url, **options: made.append((url, options["verify"])) or Http(url, **options),
    )

    account(verify=False, **ISALES).sources()
    account(**CMS).sources()
    account(ca_file=certifi.where(), **CMS).sources()

    assert made[:2] == [(ISALES["isales_url"], False), (CMS["cms_url"], True)]
    assert isinstance(made[2][1], ssl.SSLContext)
