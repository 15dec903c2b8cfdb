from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from connectors.hooks.delivery import Patience, Refusal, dead_letter, deliver
from connectors.hooks.notification import one
from connectors.hooks.receivers.base import PartlyRefusedError
from schemas.alert import Alert
from schemas.dead_letter import read_dead_letter
from schemas.errors import FatalError, RetryableError
from schemas.notice import Notice
from tests.hooks.alerts import alert

TOLD = one(alert(), "one")
NO_WAIT = timedelta(0)
LONG = Patience(timedelta(minutes=1), NO_WAIT, NO_WAIT)
SPENT = Patience(timedelta(seconds=-5), NO_WAIT, NO_WAIT)


@dataclass
class Scripted:
    """Raises each error in turn, then takes what it is given."""

    errors: list[Exception] = field(default_factory=list)
    asked: int = 0
    taken: list[str] = field(default_factory=list)

    async def deliver(self, sent):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        self.taken.append(sent.id)

    async def close(self):
        pass


async def test_the_log_says_who_is_tried_again_and_why_and_not_every_time(caplog):
    receiver = Scripted([RetryableError("answered 503"), RetryableError("answered 503")])
    await deliver(receiver, TOLD, LONG)
    ours = [each for each in caplog.messages if each.startswith("one ")]
    assert ours == [f"one does not have message {TOLD.id} yet, it is tried again: answered 503"]


async def test_what_can_pass_is_tried_again_until_it_does():
    receiver = Scripted([RetryableError("busy"), RetryableError("busy", retry_after=NO_WAIT)])
    assert await deliver(receiver, TOLD, LONG) is None
    assert (receiver.asked, receiver.taken) == (3, [alert().id])


async def test_what_only_a_person_can_mend_is_not_tried_again():
    receiver = Scripted([FatalError("no such hook")])
    assert await deliver(receiver, TOLD, LONG) == Refusal("refused", "no such hook")
    assert receiver.asked == 1


async def test_what_some_have_and_others_refuse_is_told_apart_from_a_refusal():
    receiver = Scripted([PartlyRefusedError("slack:// refuses it (403)")])
    refusal = await deliver(receiver, TOLD, LONG)
    assert refusal == Refusal("partly-refused", "slack:// refuses it (403)")
    assert receiver.asked == 1


async def test_an_alert_whose_time_is_spent_is_tried_once_more():
    receiver = Scripted([RetryableError("still busy")] * 5)
    refusal = await deliver(receiver, TOLD, SPENT)
    assert refusal == Refusal("gave-up", "given up after 1 attempt: still busy")
    assert receiver.asked == 1
    assert await deliver(Scripted(), TOLD, SPENT) is None


async def test_a_wait_longer_than_our_patience_is_not_waited():
    receiver = Scripted([RetryableError("later", retry_after=timedelta(hours=2))])
    assert (await deliver(receiver, TOLD, LONG)).code == "gave-up"


async def test_a_fault_of_our_own_is_not_hidden():
    with pytest.raises(ZeroDivisionError):
        await deliver(Scripted([ZeroDivisionError()]), TOLD, LONG)


def test_the_dead_letter_names_the_receiver_and_where_the_alert_stands():
    at = datetime(2026, 3, 2, tzinfo=UTC)
    notice = Notice(
        group="hooks", receiver="one", alert=alert(), partition=1, offset=7, received_at=at
    )
    letter = dead_letter(notice, Refusal("refused", "no such hook"), at)
    again = read_dead_letter(letter.headers(), letter.value)
    assert again == letter
    assert (again.stage, again.key) == ("hooks/one", b"alerts/1/7")
    assert Alert.model_validate_json(again.value) == alert()
