"""Topics of one run alone: the catalogue under other names, so that runs do not meet."""

from __future__ import annotations

from dataclasses import replace

from schemas import topics
from schemas.topics import Topic


def catalogue(run: str, calls: str) -> dict[str, Topic]:
    """Give the catalogue by the names of its constants; `calls` is the topic that is read.

    The vendors' raw topics keep their names: they stay empty here.
    """
    names = {
        name: topic
        for name, topic in vars(topics).items()
        if isinstance(topic, Topic) and topic not in topics.RAW
    }
    return {
        name: replace(topic, name=calls if name == "CALLS" else f"{run}.{topic.name}")
        for name, topic in names.items()
    }


def enter(run: str, calls: str) -> None:
    """Let this process use those; to be called before `streams` is imported."""
    for name, topic in catalogue(run, calls).items():
        setattr(topics, name, topic)
