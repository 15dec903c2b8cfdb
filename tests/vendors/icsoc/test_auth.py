import json
import logging
import stat
from datetime import timedelta

import pytest
from pydantic import ValidationError

from connectors.budget import Unlimited
from connectors.http import DeniedError, Http, RetryPolicy
from connectors.vendors.icsoc.auth import OAuth, Tokens
from connectors.web import serve, web
from schemas.errors import ConfigError, RetryableError

from .conftest import NOW


class Clock:
    def __init__(self):
        self.now = NOW

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
async def tokens(icsoc, tmp_path, clock):
    async with login(icsoc) as http:
        yield Tokens(icsoc.oauth(), http, tmp_path / "state", clock)


def login(icsoc):
    return Http(icsoc.address, budget=Unlimited(), retry=RetryPolicy(attempts=1))


async def test_the_password_grant_is_asked_for_as_documented(icsoc, tokens):
    assert await tokens.get() == "token-1"
    assert icsoc.token_forms == [
        {
            "grant_type": "password",
            "username": "acme|8001",
            "password": "pass word",
            "client_id": "id",
            "client_secret": "se&cret",
            "scope": "openid",
        }
    ]


async def test_the_client_credentials_grant_names_no_user(icsoc, tmp_path, clock):
    oauth = icsoc.oauth(grant="client_credentials")
    async with login(icsoc) as http:
        await Tokens(oauth, http, tmp_path, clock).get()
    (form,) = icsoc.token_forms
    assert form["grant_type"] == "client_credentials"
    assert not {"username", "password"} & form.keys()


async def test_a_restart_asks_for_no_new_token_and_the_file_is_private(
    icsoc, tokens, tmp_path, clock
):
    token = await tokens.get()
    (file,) = (tmp_path / "state").iterdir()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o700
    assert "pass word" not in file.read_text()
    async with login(icsoc) as http:
        restarted = Tokens(icsoc.oauth(), http, tmp_path / "state", clock)
        assert await restarted.get() == token
    assert len(icsoc.token_forms) == 1


async def test_the_token_is_renewed_before_it_ends(icsoc, tokens, clock):
    await tokens.get()
    clock.now += timedelta(hours=23, minutes=54)
    assert await tokens.get() == "token-1"
    clock.now += timedelta(minutes=2)
    assert await tokens.get() == "token-2"


async def test_a_dropped_token_is_asked_for_anew_and_another_is_left_alone(icsoc, tokens):
    await tokens.get()
    await tokens.drop("an older one")
    assert await tokens.get() == "token-1"
    await tokens.drop("token-1")
    assert await tokens.get() == "token-2"


async def test_the_128th_request_in_24_hours_is_not_sent(icsoc, tokens, clock):
    for _ in range(127):
        await tokens.drop(await tokens.get())
        clock.now += timedelta(seconds=10)
    with pytest.raises(RetryableError, match="127 tokens") as refused:
        await tokens.get()
    assert len(icsoc.token_forms) == 127
    assert refused.value.retry_after == timedelta(hours=24) - timedelta(seconds=1270)
    clock.now = NOW + timedelta(hours=24)
    assert await tokens.get() == "token-128"


async def test_refused_requests_count_too_and_are_not_repeated(icsoc, tokens, tmp_path):
    icsoc.token_status = 401
    with pytest.raises(DeniedError):
        await tokens.get()
    (file,) = (tmp_path / "state").iterdir()
    assert len(json.loads(file.read_text())["asked"]) == len(icsoc.token_forms) == 1


@pytest.mark.parametrize(
    "body", ["{}", "no json", '{"access_token":""}', '{"access_token":"a\\nb"}']
)
async def test_an_answer_without_a_token_is_retryable_and_not_told(body, icsoc, tmp_path, clock):
    async def odd(_: web.Request) -> web.Response:
        return web.Response(text=body, content_type="application/json")

    app = web.Application()
    app.router.add_post("/oauth2/token", odd)
    async with (
        serve(app, drain_seconds=1) as address,
        Http(address, budget=Unlimited()) as http,
    ):
        with pytest.raises(RetryableError, match="without an access_token") as refused:
            await Tokens(icsoc.oauth(), http, tmp_path, clock).get()
    assert refused.value.__cause__ is None


async def test_a_damaged_file_is_written_anew_and_said(icsoc, tokens, tmp_path, caplog):
    await tokens.get()
    (file,) = (tmp_path / "state").iterdir()
    file.write_text("{")
    with caplog.at_level(logging.WARNING):
        assert await tokens.get() == "token-2"
    assert "damaged" in caplog.text


async def test_a_directory_that_cannot_be_made_names_the_setting(icsoc, tmp_path, clock):
    (tmp_path / "file").write_text("")
    async with login(icsoc) as http:
        for directory in (tmp_path / "file" / "x", tmp_path / "file"):
            with pytest.raises(ConfigError, match=r"state_dir|permissions"):
                await Tokens(icsoc.oauth(), http, directory, clock).get()
    assert icsoc.token_forms == []


def test_settings_that_cannot_log_in_are_refused():
    with pytest.raises(ValidationError, match="company, agent and password"):
        OAuth(client_id="id", client_secret="s", company="acme")
    with pytest.raises(ValidationError, match="with its path"):
        OAuth(client_id="id", client_secret="s", grant="client_credentials", token_url="x")


def test_secrets_are_not_shown():
    oauth = OAuth(client_id="i", client_secret="hush", company="c", agent="a", password="hush")
    assert "hush" not in repr(oauth)
