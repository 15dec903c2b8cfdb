"""`callstreams simulators`: the three vendors and a webhook receiver, made up to try it with."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import signal
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer
import yaml

from connectors.simulators.huawei import HuaweiSettings
from connectors.simulators.scenario import Scenario, brisk
from connectors.simulators.simulation import Listening, Simulation, simulate
from connectors.web import serve
from schemas.errors import ConfigError
from streams.cli.console import out, plain_errors
from streams.cli.logs import Format, LogFormat, set_up
from streams.demo.plan import STATISTICS_SECONDS, accounts, write
from streams.demo.receiver import WebhookReceiver

log = logging.getLogger("callstreams")

_LAST_PORT = 65_532
_FLAGGED, _RECOVERS, _AGAIN = timedelta(minutes=3), timedelta(minutes=6), timedelta(minutes=12)


def register(parent: typer.Typer) -> None:
    """Add `simulators` to the command."""
    parent.command()(simulators)


@plain_errors()
def simulators(
    host: Annotated[str, typer.Option(help="Where they listen.")] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            min=0,
            max=_LAST_PORT,
            help="7moor's; Huawei's, icsoc's, the webhook's follow. 0: free ones.",
        ),
    ] = 8101,
    known_as: Annotated[
        str | None,
        typer.Option(help="The host that the configuration names, where it is not --host."),
    ] = None,
    push_to: Annotated[
        str | None, typer.Option(help="Push icsoc's calls to this address of the ingress.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Another seed: other calls and credentials.")] = 1,
    pace: Annotated[
        float, typer.Option(min=0.01, max=100, help="Multiplies some 700 calls a minute.")
    ] = 0.25,
    file: Annotated[
        Path | None,
        typer.Option(
            "--write",
            dir_okay=False,
            help="Write the configuration that fits here, not to the screen.",
        ),
    ] = None,
    log_format: Format = LogFormat.CONSOLE,
) -> None:
    """Play the three vendors over one made-up call centre, until SIGTERM or Ctrl-C.

    A display number is flagged and recovers, and a queue is deserted, for three minutes of every
    twelve. Every call is remembered: start it anew after some days.
    """
    set_up(log_format, verbose=False)
    scenario = brisk(
        _now(),
        seed=seed,
        flagged_after=_FLAGGED,
        recovers_after=_RECOVERS,
        every=_AGAIN,
        history=timedelta(minutes=10),
        pace=pace,
    )
    asyncio.run(_run(scenario, host, port, known_as, push_to, file))


async def _run(
    scenario: Scenario,
    host: str,
    port: int,
    known_as: str | None,
    push_to: str | None,
    file: Path | None,
) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    ports = (port, port + 1, port + 2) if port else (0, 0, 0)
    huawei = HuaweiSettings(interval=timedelta(seconds=STATISTICS_SECONDS))
    key = hashlib.sha256(f"webhook/{scenario.seed}".encode()).digest()
    receiver = WebhookReceiver(key, _tell_alerts)
    try:
        async with (
            serve(receiver.app(), host=host, port=port + 3 if port else 0) as hook,
            simulate(
                scenario,
                clock=_now,
                huawei=huawei,
                listening=Listening(host, ports, known_as),
                push_url=push_to,
            ) as simulation,
        ):
            at = f"http://{known_as or host}:{hook.rpartition(':')[2]}/alerts"
            _tell(simulation, {"name": "simulated", "url": at, "secret": receiver.secret}, file)
            await stop.wait()
    except OSError as error:
        raise ConfigError(
            f"the simulators cannot listen at {host} ({error.strerror}): "
            "choose another --port, or 0 for free ones"
        ) from error


def _tell(simulation: Simulation, receiver: dict[str, Any], file: Path | None) -> None:
    """Say where they are, and how they are reached: the credentials are made up, as all is."""
    for name in ("sevenmoor", "huawei", "icsoc"):
        log.info("%s is simulated at %s", name, getattr(simulation, name).url)
    content = {"accounts": accounts(simulation), "hooks": {"receivers": [receiver]}}
    if file is None:
        text = yaml.safe_dump(content, allow_unicode=True, sort_keys=False)
        out.print(text, end="", markup=False, highlight=False, soft_wrap=True)
        return
    try:
        write(content, file)
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}") from error
    log.info("the configuration that fits is in %s", file)


def _tell_alerts(body: str) -> None:
    """Log what the webhook was told."""
    data = json.loads(body)["data"]
    for alert in data.get("news", [data]):
        log.info("told: %s, %s", alert["state"], alert["annotations"].get("summary", alert["rule"]))


def _now() -> datetime:
    return datetime.now(UTC)
