import re
from datetime import UTC, datetime

import pytest

from connectors.vendors.sevenmoor.auth import Credentials, new_nonce, sign


@pytest.mark.parametrize(
    ("appkey", "timestamp", "nonce", "secret", "expected"),
    [
        (
            "2000113",
            1610347398,
            "333333",
            "test-secret",
            "/o3c9RKsIYzA9Y7MPJ7YBJu3E5Q5EZyJe2ufiW+1zbE=",
        ),
        (
            "2000103",
            1608119594,
            "123221",
            "HWHp9xFVlbboxIU2S6DHA7sf9sGzt3",
            "ybCwXrg9CMo39xv1kdfVLemqFmk+2Elz+vXYu1CyHlo=",
        ),
    ],
)
def test_signs_the_published_vectors(appkey, timestamp, nonce, secret, expected):
    now = datetime.fromtimestamp(timestamp, UTC)

    assert sign(Credentials(appkey, secret), now=now, nonce=nonce) == {
        "m7-appkey": appkey,
        "m7-nonce": nonce,
        "m7-timestamp": str(timestamp),
        "m7-sign": expected,
    }


def test_the_timestamp_is_whole_seconds():
    now = datetime(2021, 1, 11, 6, 43, 18, 999_999, tzinfo=UTC)

    assert sign(Credentials("a", "s"), now=now, nonce="1")["m7-timestamp"] == "1610347398"


def test_nonces_are_six_digits_and_differ():
    nonces = {new_nonce() for _ in range(200)}

    assert len(nonces) > 100
    assert all(re.fullmatch(r"[0-9]{6}", nonce) for nonce in nonces)


def test_credentials_do_not_show_their_secret():
    assert "hush" not in repr(Credentials("2000113", "hush"))
