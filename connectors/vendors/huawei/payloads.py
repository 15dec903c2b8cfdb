"""What is sent to Huawei AICC and what comes back, as its documents have it.

Pages: 统计当日外呼数据 (CC-iSales) and 查询指定VDN下的未接来电信息 (CC-CMS).
"""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

import msgspec
from pydantic import BaseModel, ConfigDict, Field
from pydantic.alias_generators import to_camel

from connectors.vendors.reading import cut, masked
from schemas.errors import FatalError, RetryableError

MOST_MISSED = 5000
"""The most missed calls of one page."""

_ISALES = "CC-iSales"
_CMS = "CC-CMS"
_ISALES_SUCCESS = "0200000"
_CMS_SUCCESS = "0"


class _Payload(BaseModel):
    model_config = ConfigDict(
        frozen=True,
        alias_generator=to_camel,
        populate_by_name=True,
        coerce_numbers_to_str=True,
    )


# ---- campaign statistics (CC-iSales)


class ResultCode(StrEnum):
    """Why CC-iSales refuses a query. Seven and eight digits are different codes."""

    PARAMETER = "0200001"
    EMPTY = "02000001"
    ILLEGAL_CHARACTER = "02000002"
    TOO_LONG = "02000003"
    TOO_SHORT = "02000004"
    LENGTH = "02000005"
    TYPE = "02000006"
    VALUE = "02000007"
    CONVERSION = "02000008"
    COMBINATION = "02000009"
    HOUR_AND_MINUTE = "02000010"
    TOO_MANY = "02000011"


_MENDS = {
    ResultCode.PARAMETER: "a parameter is wrong, and the description says which",
    ResultCode.EMPTY: "a parameter is empty: give it a value or leave it out",
    ResultCode.ILLEGAL_CHARACTER: "a parameter holds an illegal character: look for blanks and "
    "punctuation in the campaign and batch ids",
    ResultCode.TOO_LONG: "a parameter is too long: shorten it",
    ResultCode.TOO_SHORT: "a parameter is too short: complete it",
    ResultCode.LENGTH: "a parameter's length is out of bounds: copy the id from CC-iSales",
    ResultCode.TYPE: "a parameter has the wrong type: the vdn is a whole number",
    ResultCode.VALUE: "a parameter is out of range: the vdn is 1 to 9999",
    ResultCode.CONVERSION: "a parameter cannot be converted: check the vdn and the ids",
    ResultCode.COMBINATION: "the parameters do not go together: a batch needs its campaign",
    ResultCode.HOUR_AND_MINUTE: "hour and minute must be given together",
    ResultCode.TOO_MANY: "there are too many parameters: ask for fewer",
}


class QueryRefusedError(FatalError):
    """CC-iSales will not answer this query, however often it is asked."""

    def __init__(self, code: ResultCode, description: str) -> None:
        super().__init__(
            f"{_ISALES} refused the query with {code}: {_MENDS[code]}"
            + (f" ({masked(description)!r})" if description else "")
        )
        self.code = code


class _Result(msgspec.Struct, rename="camel"):
    # The document names `resultDesc` alone; the code's own name is that of sibling interfaces.
    result_code: str | int | None = None
    result_desc: str | None = None
    return_code: str | int | None = None
    return_desc: str | None = None
    count_detail: list[msgspec.Raw] | None = None


def cut_statistics(body: bytes) -> list[bytes]:
    """Cut the statistics into its campaigns, each as it came.

    Raises:
        QueryRefusedError: a documented result code.
        RetryableError: an unknown result code, or no statistics.
    """
    result = cut(body, _Result, who=_ISALES)
    code = result.return_code if result.result_code is None else result.result_code
    description = result.result_desc or result.return_desc or ""
    if code is not None and str(code) != _ISALES_SUCCESS:
        _refuse(str(code), description)
    if result.count_detail is None:
        raise RetryableError(f"{_ISALES} answered without countDetail")
    return [bytes(row) for row in result.count_detail]


def _refuse(code: str, description: str) -> None:
    if code in list(ResultCode):
        raise QueryRefusedError(ResultCode(code), description)
    raise RetryableError(
        f"{_ISALES} answered the undocumented code {masked(code)}, {masked(description)!r}"
    )


class Counts(_Payload):
    """The counters of a campaign or a batch; one that is missing is unknown and not 0.

    `calledCount` is left out: the document's sample has it 0 where `dailyCalledCount` is 3.

    Attributes:
        un_call_count: numbers that are not dialled yet.
        daily_called_count, daily_call_succ: dialled and answered today, by Huawei's clock.
    """

    un_call_count: int | None = Field(default=None, ge=0)
    daily_called_count: int | None = Field(default=None, ge=0)
    daily_call_succ: int | None = Field(default=None, ge=0)
    daily_finish_count: int | None = Field(default=None, ge=0)
    daily_count: int | None = Field(default=None, ge=0)
    total_called_count: int | None = Field(default=None, ge=0)
    total_call_succ: int | None = Field(default=None, ge=0)
    total_finish_count: int | None = Field(default=None, ge=0)
    total_count: int | None = Field(default=None, ge=0)


class BatchCounts(Counts):
    """A batch of a campaign: its calls are the campaign's too."""

    batch_id: str = Field(min_length=1)


class CampaignCounts(Counts):
    """A campaign, with its batches."""

    campaign_id: str = Field(min_length=1)
    batch_detail: list[BatchCounts] | None = None


# ---- missed calls (CC-CMS)


class MissedCallQuery(_Payload):
    """Ask for a page of missed calls.

    Attributes:
        offset: limit * (page - 1).
        begin_time, end_time: `yyyy-MM-dd HH:mm:ss` in UTC.
    """

    vdn: int
    offset: int = Field(ge=0)
    limit: int = Field(ge=1, le=MOST_MISSED)
    begin_time: str
    end_time: str

    def to_body(self) -> bytes:
        """Encode as the JSON that is signed and sent."""
        return self.model_dump_json(by_alias=True).encode()


class _MissedAnswer(msgspec.Struct, rename="camel"):
    return_code: str | int | None = None
    return_desc: str | None = None
    total: int | str | None = None
    missed_calls: list[msgspec.Raw] | None = None


class MissedPage(NamedTuple):
    """One page of missed calls, each as it came, how many all pages hold, and when it was made."""

    calls: list[bytes]
    total: int
    served_at: datetime | None = None


def cut_missed(body: bytes) -> MissedPage:
    """Cut a page into its missed calls.

    Raises:
        RetryableError: it does not say that it succeeded, or not how many calls there are.
    """
    answer = cut(body, _MissedAnswer, who=_CMS)
    if str(answer.return_code) != _CMS_SUCCESS:
        raise RetryableError(
            f"{_CMS} did not succeed: returnCode {masked(str(answer.return_code))}, "
            f"{masked(answer.return_desc or '')!r}"
        )
    if answer.total is None or not str(answer.total).isdecimal():
        raise RetryableError(f"{_CMS} does not say how many calls there are (total)")
    return MissedPage([bytes(call) for call in answer.missed_calls or ()], int(answer.total))


class MissedCallRow(_Payload):
    """One missed call; its times are in a zone that the document does not name."""

    call_id: str = Field(min_length=1)
    caller_no: str | None = None
    callee_no: str | None = None
    wait_begin: str
    call_end: str
    media_type: int | None = None
    sub_media_type: int | None = None


_MEDIA = {
    1: "text chat",
    2: "click-to-call",
    4: "callback",
    5: "voice",
    6: "email",
    7: "fax",
    8: "video",
    15: "predictive",
    16: "preview",
    17: "message",
    19: "video call",
    51: "web chat",
    52: "SMS",
    53: "social chat",
    55: "H5 video",
}
_SOCIAL = 53
# Higher numbers changed their meaning between versions.
_SOCIAL_MEDIA = {1: "Web", 2: "WhatsApp", 3: "Line", 4: "WeChat", 5: "Facebook", 6: "Twitter"}


def media_label(media: int | None, sub_media: int | None) -> str | None:
    """Name a medium, where its number means the same in all versions."""
    if media is None or media not in _MEDIA:
        return None
    if media == _SOCIAL and sub_media in _SOCIAL_MEDIA:
        return f"{_MEDIA[media]}: {_SOCIAL_MEDIA[sub_media]}"
    return _MEDIA[media]
