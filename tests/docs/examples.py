"""The example messages of a README: topic, key, headers and value of each."""

import re
from datetime import UTC, datetime
from typing import NamedTuple

from schemas.base import Vendor
from schemas.dead_letter import read_dead_letter
from schemas.envelope import RawRecord
from tests.docs.pages import read

_EXAMPLE = re.compile(
    r"^\*\*`(?P<topic>[^`]+)`\*\* \w+ `(?P<key>[^`]+)`(?P<headers>[^\n]*)\n\n"
    r"```\w+\n(?P<value>.*?)\n```$",
    re.MULTILINE | re.DOTALL,
)
_HEADER = re.compile(r"`(\w+): ([^`]+)`")
_OBSERVED = datetime(2026, 11, 22, 22, 58, 44, 680725, UTC)
"""When the records of the examples were read; the tally's text alone shows it."""


class Example(NamedTuple):
    topic: str
    key: str
    headers: dict[str, str]
    value: str


def examples(page):
    return {
        match["topic"]: Example(
            match["topic"], match["key"], dict(_HEADER.findall(match["headers"])), match["value"]
        )
        for match in _EXAMPLE.finditer(read(page))
    }


def raw_record_of(example, observed_at=_OBSERVED):
    vendor, account, subject = example.key.split("/", 2)
    return RawRecord(
        vendor=Vendor(vendor),
        account=account,
        feed=example.topic.split(".", 2)[2],
        subject=subject,
        data=example.value.encode(),
        observed_at=observed_at,
        extensions={name.removeprefix("ce_"): value for name, value in example.headers.items()},
    )


def dead_letter_of(example):
    headers = [(name, value.encode()) for name, value in example.headers.items()]
    return read_dead_letter(headers, example.value.encode())
