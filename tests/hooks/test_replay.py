"""A receiver that said no is mended, and told of what it missed."""

import asyncio
import json
from datetime import UTC, datetime

import pytest
from typer.testing import CliRunner

from connectors.dead_letters.letters import Place
from connectors.dead_letters.reading import read_letters
from connectors.dead_letters.retelling import Untold, retell
from connectors.hooks.delivery import Refusal, dead_letter
from schemas.notice import Notice
from streams.cli.main import app
from tests.hooks.alerts import SECRET, Inbox, alert
from tests.hooks.test_service import configured, dead_letters, mark, marked, publish, running

__all__ = ["mark"]

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)
LATER = "2026-03-02T10:00:00Z"


def letter(each, receiver="one", offset=1):
    notice = Notice(
        group="g", receiver=receiver, alert=each, partition=0, offset=offset, received_at=NOW
    )
    return Untold(Place(0, offset), dead_letter(notice, Refusal("refused", "no"), NOW), each)


def told(*untold, newest=None):
    """Give what is told again, and why the rest is not."""
    known = {} if newest is None else {newest.fingerprint: newest}
    retold = retell(untold, known, "g", NOW)
    return [each.alert.id for _, _, each in retold.notices], [why for _, why in retold.kept_back]


FIRED, ENDED = alert(), alert(state="resolved")
FIRED_LATER = alert(starts_at=LATER, at=LATER)


@pytest.mark.parametrize("newest", [None, FIRED])
def test_what_still_fires_is_told(newest):
    assert told(letter(FIRED), newest=newest) == ([FIRED.id], [])


def test_what_has_ended_is_told_with_its_end_or_not_at_all():
    both = letter(ENDED, offset=2), letter(FIRED)
    assert told(*both, newest=ENDED) == ([FIRED.id, ENDED.id], [])
    assert told(letter(ENDED), newest=ENDED) == ([ENDED.id], [])
    for end in ([], [letter(ENDED, receiver="other", offset=2)]):
        again, (why,) = told(letter(FIRED), *end, newest=ENDED)
        assert FIRED.id not in again
        assert "has ended since" in why


def test_what_fires_anew_is_not_ended_by_an_old_letter():
    again, why = told(letter(FIRED), letter(ENDED, offset=2), newest=FIRED_LATER)
    assert again == []
    assert why == ["the alert has fired anew since, and the receiver was told of that"] * 2


def test_a_new_suspicion_hides_no_end():
    pending = alert(state="pending", starts_at=LATER, at=LATER)
    assert told(letter(ENDED), newest=pending) == ([ENDED.id], [])


async def test_a_mended_receiver_is_told_under_the_same_id_and_no_other_is(kafka, mark, tmp_path):
    mended, other = Inbox(404), Inbox()
    fired = marked(mark)
    config = tmp_path / "callstreams.yaml"
    async with mended.open() as one, other.open() as two:
        settings = configured(mark, {"one": one, "two": two})
        hooks_of = {
            "group": settings.group,
            "receivers": [{"name": "one", "url": one, "secret": SECRET}],
        }
        content = {"kafka": {"bootstrap_servers": kafka.bootstrap_servers}, "hooks": hooks_of}
        config.write_text(json.dumps(content))
        await publish(kafka, fired)
        async with running(kafka, settings) as hooks:
            await hooks.next(1)
            refused = await dead_letters(kafka, "hooks/one", mark)
            place = str(await place_of(kafka, refused))
            assert "1 would go back to receiver one" in await replayed(config, place)
            assert "1 replayed, 0 left" in await replayed(config, place, "--yes")
            assert await hooks.next(1) == [("one", fired.id)]
        assert "not replayed yet" in await replayed(config, place)
    assert mended.ids == [fired.id, fired.id]
    assert other.ids == [fired.id]
    first, second = (json.loads(body) for _, body in mended.received)
    assert first == second


async def replayed(config, *arguments):
    command = ["dead-letters", "replay", "-c", str(config), *arguments]
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    return result.output


async def place_of(kafka, refused):
    (place,) = [
        each.place
        for each in (await read_letters(kafka)).all()
        if each.letter.key == refused.key and each.letter.stage == refused.stage
    ]
    return place
