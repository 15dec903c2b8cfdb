"""docs/topics.md tells every topic of the catalogue and every field of its model."""

import re
from typing import get_args

import pytest
from pydantic import BaseModel

from schemas import topics
from schemas.dead_letter import DeadLetter
from schemas.envelope import RawRecord
from schemas.topics import Cleanup
from streams.core.counts import Counts
from tests.docs.pages import READMES, ROOT, code, read, tables

_PAGE = ROOT / "docs" / "topics.md"
_TOLD_ELSEWHERE = {
    name for topic in (topics.ANSWER_RATE, topics.ALERTS) for name in topic.model.model_fields
} | {"name", "start", "end", "value", "low", "high"}


def _section(name):
    sections = re.split(r"^## ", read(_PAGE), flags=re.MULTILINE)
    return next((text for text in sections if text.startswith(f"{name}\n")), None)


def _named(text):
    """Give what stands in backquotes."""
    return set(re.findall(r"`([^`]+)`", text))


def _nested(annotation):
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield annotation
    for part in get_args(annotation):
        yield from _nested(part)


@pytest.mark.parametrize("topic", topics.ALL, ids=lambda topic: topic.name)
def test_each_topic_has_its_place(topic):
    if topic in topics.RAW:
        assert topic.name in _named(_section("Raw topics"))
    else:
        assert _section(topic.name) is not None


@pytest.mark.parametrize(
    "topic", [each for each in topics.ALL if each.model], ids=lambda topic: topic.name
)
def test_each_field_of_a_topic_is_told(topic):
    told = _named(_section(topic.name))
    assert topic.model is not None
    assert set(topic.model.model_fields) <= told
    for field in topic.model.model_fields.values():
        for model in _nested(field.annotation):
            # A message within another is told where it stands by itself.
            assert set(model.model_fields) <= told | _TOLD_ELSEWHERE, model.__name__


def test_each_header_of_the_envelope_is_told(raw_examples):
    told = _named(_section("Raw topics"))
    for record in raw_examples.values():
        assert isinstance(record, RawRecord)
        assert {name for name, _ in record.headers()} <= told


def test_each_header_of_a_dead_letter_is_told(dead_letter):
    assert isinstance(dead_letter, DeadLetter)
    assert {name for name, _ in dead_letter.headers()} <= _named(_section("dead-letters"))


def test_the_counts_of_a_partial_are_told_in_their_order():
    words = [name.removesuffix("_ms").replace("_", " ") for name in Counts._fields]
    text = " ".join((_section(topics.PARTIALS.name) or "").split())
    *sums, _newest = words
    assert ", ".join(sums) in text


@pytest.mark.parametrize("page", READMES, ids=lambda page: page.name)
def test_the_table_of_topics_is_the_catalogue(page):
    rows = next(
        rows
        for rows in tables(page).values()
        if rows and code(rows[0][0]) == topics.RAW_SEVENMOOR_REPORT.name
    )
    told = {code(row[0]): row for row in rows}
    assert set(told) == {topic.name for topic in topics.ALL}
    for topic in topics.ALL:
        row = told[topic.name]
        days = re.match(r"(\d+) (days|天)", row[3])
        if topic.cleanup is Cleanup.COMPACT:
            assert days is None, topic.name
        else:
            assert days is not None
            assert int(days.group(1)) == topic.retention.days, topic.name
