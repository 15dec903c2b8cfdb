"""examples/webhook.py takes what is signed as our hooks sign, and nothing else."""

import base64
import runpy
from datetime import UTC, datetime, timedelta

import pytest
from standardwebhooks.webhooks import Webhook

from tests.docs.pages import ROOT

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()


@pytest.fixture
def signed(monkeypatch):
    monkeypatch.setenv("WEBHOOK_SECRET", SECRET)
    return runpy.run_path(str(ROOT / "examples" / "webhook.py"))["signed"]


def _headers(body, secret=SECRET, ago=timedelta()):
    at = datetime.now(UTC) - ago
    return {
        "webhook-id": "a-1-firing",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign("a-1-firing", at, body),
    }


def test_what_is_signed_by_the_secret_is_taken(signed):
    assert signed(_headers('{"a": 1}'), b'{"a": 1}')


def test_what_is_signed_by_another_is_not(signed):
    other = "whsec_" + base64.b64encode(b"t" * 32).decode()
    assert not signed(_headers('{"a": 1}', other), b'{"a": 1}')


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (_headers('{"a": 1}'), b'{"a": 2}'),
        (_headers('{"a": 1}', ago=timedelta(minutes=6)), b'{"a": 1}'),
        (_headers('{"a": 1}') | {"webhook-signature": ""}, b'{"a": 1}'),
        ({}, b'{"a": 1}'),
    ],
    ids=["another body", "too old", "no signature", "no headers"],
)
def test_nor_is_what_was_changed_or_is_old(signed, headers, body):
    assert not signed(headers, body)
