"""What icsoc sends, read strictly: the record in either form, and the search's answer.

Search writes camelCase with integers, push snake_case with numbers as strings; both become one
`Cdr`. Unknown fields are ignored here and kept in the raw record.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Literal

from pydantic import AliasChoices, BaseModel, BeforeValidator, ConfigDict, Field, JsonValue

from connectors.vendors.icsoc.jsontext import Value, decode, elements, members
from schemas.errors import RetryableError

Form = Literal["search", "push"]
"""The two forms of one record, as the raw record's extension `form` names them."""

_CALL_ID = re.compile(r"[!-~]{1,128}")
_LONG_NUMBER = re.compile(r"\d{6,}")


def _whole(value: object) -> int | None:
    """Read an integer or a string of digits; None and the empty string are None."""
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    raise ValueError("neither a whole number nor a string of digits")


def _epoch(value: object) -> datetime | None:
    """Read Unix seconds; 0 means that it never happened."""
    seconds = _whole(value)
    if not seconds:
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError) as error:
        raise ValueError("not a moment in Unix seconds") from error


def _text(value: object) -> str | None:
    """Read a string or a whole number as a string; blank is None.

    Numbers with a fraction or an exponent are refused: an identifier that went through a
    float has lost its last digits.
    """
    if value is None:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if isinstance(value, str):
        return value.strip() or None
    raise ValueError("neither a string nor a whole number")


def _loose_text(value: object) -> str | None:
    """Read what the caller of the API may have filled in freely: what is no text is None."""
    try:
        return _text(value)
    except ValueError:
        return None


def _mapping(value: object) -> object:
    """Read an object, or the object that a string holds; anything else holds nothing for us."""
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except (ValueError, RecursionError):
            return {}
    return value if isinstance(value, dict) else {}


def _pairs(value: object) -> object:
    """Read `trans_que=660,trans_pro=10195`."""
    if not isinstance(value, str):
        return {}
    split = (part.partition("=") for part in value.split(","))
    return {name.strip(): content.strip() for name, _, content in split}


Whole = Annotated[int | None, BeforeValidator(_whole)]
Epoch = Annotated[datetime | None, BeforeValidator(_epoch)]
Text = Annotated[str | None, BeforeValidator(_text)]
LooseText = Annotated[str | None, BeforeValidator(_loose_text)]


def _either(*names: str) -> AliasChoices:
    return AliasChoices(*names)


class UserData(BaseModel):
    """What the dialler attached to the call."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    project: LooseText = Field(default=None, validation_alias="proid")
    task: LooseText = Field(default=None, validation_alias="taskid")


class CallVars(BaseModel):
    """The call's variables, in a push alone."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    queue: LooseText = Field(default=None, validation_alias="trans_que")
    project: LooseText = Field(default=None, validation_alias="trans_pro")


class Cdr(BaseModel):
    """One call detail record, searched or pushed. Moments are UTC, durations whole seconds."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    call_id: Annotated[str, BeforeValidator(_text)] = Field(
        validation_alias=_either("callId", "call_id"), pattern=r"^[!-~]{1,128}$"
    )
    project: Text = Field(default=None, validation_alias=_either("projectId", "project_id"))
    task: Text = Field(default=None, validation_alias=_either("taskId", "task_id"))
    caller: Text = None
    called: Text = None
    region: Text = Field(
        default=None, validation_alias=_either("calledAreaname", "called_areaname")
    )
    carrier: Text = Field(default=None, validation_alias=_either("calledVendor", "called_vendor"))
    rep: Text = Field(default=None, validation_alias=_either("transPhone", "trans_phone"))
    started_at: Epoch = Field(default=None, validation_alias=_either("startTime", "start_time"))
    ringing_at: Epoch = Field(default=None, validation_alias=_either("ringTime", "ring_time"))
    answered_at: Epoch = Field(
        default=None,
        validation_alias=_either("ansTime", "answerTime", "ans_time", "answer_time"),
    )
    rep_answered_at: Epoch = Field(
        default=None,
        validation_alias=_either("answerTimeEe", "ansTimeEe", "answer_time_ee", "ans_time_ee"),
    )
    linked_at: Epoch = Field(default=None, validation_alias=_either("linkTime", "link_time"))
    ended_at: Epoch = Field(default=None, validation_alias=_either("endTime", "end_time"))
    link_seconds: Whole = Field(default=None, validation_alias=_either("linkSecs", "link_secs"))
    callresult: Text = None
    endresult: Text = None
    user_data: Annotated[UserData, BeforeValidator(_mapping)] = Field(
        default=UserData(), validation_alias=_either("userData", "user_data")
    )
    call_vars: Annotated[CallVars, BeforeValidator(_pairs)] = Field(
        default=CallVars(), validation_alias=_either("callVars", "call_vars")
    )


def call_id_of(record: JsonValue) -> str | None:
    """Give the record's call id, or None where it is no object or has no usable id.

    Usable: 1 to 128 printable ASCII characters, or a whole number.
    """
    if not isinstance(record, dict):
        return None
    for name in ("callId", "call_id"):
        call_id = _loose_text(record.get(name))
        if call_id is not None and _CALL_ID.fullmatch(call_id):
            return call_id
    return None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the search.

    Attributes:
        results: the records, each with its own text as it stood in the page.
        search_after: where the next page begins; None where there is none.
    """

    results: tuple[Value, ...]
    search_after: str | None = None


def read_page(body: bytes) -> Page:
    """Read the search's answer. An empty page has no next one.

    Raises:
        RetryableError: the vendor says no (`code` is not 0), or it is not an answer at all.
    """
    try:
        answer = members(decode(body))
        _require_success(answer)
        data = answer.get("data")
        if data is None or not isinstance(data.value, dict):
            return Page(results=())  # PHP writes an empty object as []
        inner = members(data.text)
        found = inner.get("results")
        results = tuple(elements(found.text)) if found and found.value is not None else ()
        after = _text(inner["searchAfter"].value) if "searchAfter" in inner else None
    except ValueError as error:
        raise RetryableError(f"the search's answer cannot be read: {error}") from error
    return Page(results=results, search_after=after if results else None)


def _require_success(answer: dict[str, Value]) -> None:
    code = answer["code"].value if "code" in answer else None
    if str(code) == "0":
        return
    message = answer["message"].value if "message" in answer else "no message"
    # The message may quote a number that was searched for.
    told = _LONG_NUMBER.sub("…", str(message))[:200]
    raise RetryableError(f"icsoc refused the search with code {code!r}: {told}")
