from datetime import UTC, datetime

import pytest

from connectors.vendors.sevenmoor.mapper import map_answer_report, map_dialout_task
from connectors.vendors.sevenmoor.payloads import cut_report, cut_tasks, open_answer
from schemas.base import Vendor
from schemas.campaign import Campaign
from schemas.envelope import RawRecord
from schemas.errors import InvalidRecord
from schemas.tally import Tally
from tests.vendors.sevenmoor.samples import sample

READ_AT = datetime(2020, 12, 25, 12, 32, 3, tzinfo=UTC)


def raw(data, feed="answer-report", **extensions):
    return RawRecord(
        vendor=Vendor.SEVENMOOR,
        account="main",
        feed=feed,
        subject="any",
        data=data,
        observed_at=READ_AT,
        extensions=extensions
        or {"periodstart": "2020-12-25T00:00:00+08:00", "timezone": "Asia/Shanghai"},
    )


def test_the_report_sample_becomes_a_tally():
    (row,) = cut_report(open_answer(sample("report-answer")))

    assert map_answer_report(raw(row)) == [
        Tally(
            vendor=Vendor.SEVENMOOR,
            account="main",
            series="7moor/main/display_number/01081401967",
            since=datetime(2020, 12, 24, 16, tzinfo=UTC),
            read_at=READ_AT,
            display_number="01081401967",
            attempts=4,
            answered=0,
        )
    ]


def test_the_task_sample_becomes_a_campaign():
    (task,) = cut_tasks(open_answer(sample("task-get-answer"))).tasks

    assert map_dialout_task(raw(task, "dialout-task")) == [
        Campaign(
            vendor=Vendor.SEVENMOOR,
            account="main",
            campaign="6ab971b0-6005-452e-9328-0883299619eb",
            name="测试222232",
            description="remark",
            numbers_total=0,
            reps_total=1,
            created_at=datetime(2021, 11, 20, 10, 7, 22, tzinfo=UTC),
            read_at=READ_AT,
        )
    ]


def test_what_a_task_does_not_tell_is_unknown():
    (campaign,) = map_dialout_task(raw(b'{"taskId":7,"taskName":"a","description":""}'))

    assert campaign == Campaign(
        vendor=Vendor.SEVENMOOR, account="main", campaign="7", name="a", read_at=READ_AT
    )


def row_of(attempts, answered, percentage):
    return (
        f'{{"number":"1","sum":{attempts},"answerSum":{answered},'
        f'"answerPercentage":"{percentage}"}}'
    ).encode()


@pytest.mark.parametrize(
    ("attempts", "answered", "percentage"),
    [
        (4, 0, "00.00%"),
        (3, 2, "66.67%"),
        (3, 2, "66.66%"),
        (3, 1, "33.33 %"),
        (3, 3, "100.00%"),
        (0, 0, "00.00%"),
        (0, 0, "NaN%"),
        (5, 1, ""),
    ],
)
def test_a_percentage_that_fits_within_rounding_is_taken(attempts, answered, percentage):
    (tally,) = map_answer_report(raw(row_of(attempts, answered, percentage)))

    assert (tally.attempts, tally.answered) == (attempts, answered)


@pytest.mark.parametrize(
    ("attempts", "answered", "percentage", "code"),
    [
        (3, 2, "66.69%", "percentage-mismatch"),
        (3, 2, "66.65%", "percentage-mismatch"),
        (4, 1, "00.00%", "percentage-mismatch"),
        (4, 1, "0.25", "percentage-mismatch"),
        (4, 1, "NaN%", "percentage-mismatch"),
        (4, 1, "Infinity", "percentage-mismatch"),
        (4, 1, "a quarter", "percentage-mismatch"),
        (4, 5, "125.00%", "answered-exceeds-attempts"),
        (0, 1, "00.00%", "answered-exceeds-attempts"),
    ],
)
def test_figures_that_contradict_each_other_are_refused(attempts, answered, percentage, code):
    with pytest.raises(InvalidRecord) as caught:
        map_answer_report(raw(row_of(attempts, answered, percentage)))

    assert caught.value.code == code


@pytest.mark.parametrize(
    "extensions",
    [
        {"other": "x"},
        {"periodstart": "yesterday"},
        {"periodstart": "2020-12-25T00:00:00"},
    ],
)
def test_a_row_without_its_period_is_refused(extensions):
    with pytest.raises(InvalidRecord, match="ce_periodstart") as caught:
        map_answer_report(raw(row_of(4, 0, "00.00%"), **extensions))

    assert caught.value.code == "bad-envelope"


@pytest.mark.parametrize(
    ("task", "code"),
    [
        (b'{"taskId":"1","taskName":"a","createTime":"2021-02-30 00:00:00"}', "bad-time"),
        (b'{"taskId":"1","taskName":"a","createTime":"20-11-2021"}', "bad-time"),
        (b'{"taskId":"1","taskName":"a","createTime":"0001-01-01 00:00:00"}', "bad-time"),
        (b'{"taskId":"1","taskName":"a","numberTotal":-2}', "bad-field"),
        (b'{"taskId":"1"}', "bad-field"),
        (b'{"taskName":"a"}', "bad-field"),
        (b"null", "bad-field"),
        (b'{"taskId":"1","taskName":', "bad-json"),
        (b"\xff\xfe", "bad-json"),
    ],
)
def test_a_bad_task_is_refused(task, code):
    with pytest.raises(InvalidRecord) as caught:
        map_dialout_task(raw(task))

    assert caught.value.code == code


def test_a_task_in_an_unknown_zone_is_refused():
    with pytest.raises(InvalidRecord, match="IANA"):
        map_dialout_task(raw(b'{"taskId":"1","taskName":"a"}', timezone="Mars/Olympus"))
