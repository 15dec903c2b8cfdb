"""The configuration that the demo runs with: a whole one, as an operator would write it."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Any

import yaml

from connectors.simulators.simulation import Simulation

ACCOUNT = "demo"
WINDOWS = ("10s", "1m", "5m")
STATISTICS_SECONDS = 5
"""Huawei's one run in five minutes, made one in five seconds: nobody watches a demo that long."""


def configuration(
    simulation: Simulation,
    *,
    bootstrap_servers: str,
    ingress_port: int,
    board_port: int,
    hook_url: str,
    hook_secret: str,
    folder: Path,
) -> dict[str, Any]:
    """Write the configuration of all processes.

    Args:
        simulation: the vendors, running.
        bootstrap_servers: where Kafka is.
        ingress_port: where pushes are taken.
        board_port: where the wallboard is served.
        hook_url: the webhook receiver.
        hook_secret: what it verifies signatures with.
        folder: where tokens and rules are kept.
    """
    rules = folder / "rules.yaml"
    rules.write_text(
        files("streams.demo").joinpath("rules.yaml").read_text(encoding="utf-8"), encoding="utf-8"
    )
    return {
        "kafka": {"bootstrap_servers": bootstrap_servers},
        "accounts": accounts(simulation, state_dir=folder / "tokens"),
        "ingress": {"port": ingress_port},
        "board": {"port": board_port},
        "telemetry": {"port": 0},
        "streams": {
            "windows": list(WINDOWS),
            "pane": "1s",
            "tell_every": 0.5,
            "idle_after": "3s",
            "rules": str(rules),
        },
        "hooks": {
            "receivers": [
                {"name": "demo", "type": "webhook", "url": hook_url, "secret": hook_secret}
            ]
        },
    }


def accounts(simulation: Simulation, *, state_dir: Path | None = None) -> list[dict[str, Any]]:
    """Write the accounts that fit a simulation whose Huawei answers each `STATISTICS_SECONDS`.

    Args:
        simulation: the vendors, running.
        state_dir: where icsoc's token is kept; None for where it is by default.
    """
    sevenmoor, huawei, icsoc = simulation.sevenmoor, simulation.huawei, simulation.icsoc
    tokens = icsoc.tokens
    scenario = simulation.world.scenario
    return [
        {
            "vendor": "7moor",
            "name": ACCOUNT,
            "base_url": sevenmoor.url,
            "appkey": sevenmoor.appkey,
            "secret": sevenmoor.secret,
            "numbers": [number.number for number in scenario.sevenmoor],
            # 10 + 3 requests a minute, of the 20 that 7moor allows
            "report_interval": 6,
            "tasks_interval": 20,
        },
        {
            "vendor": "huawei",
            "name": ACCOUNT,
            "isales_url": huawei.url,
            "cms_url": huawei.url,
            "vdn": huawei.vdn,
            "access_key": huawei.access_key,
            "secret_key": huawei.secret_key,
            "statistics_interval": STATISTICS_SECONDS + 0.5,
            "missed_interval": 2,
            "missed_lookback": 60,
        },
        {
            "vendor": "icsoc",
            "name": ACCOUNT,
            "base_url": icsoc.url,
            "oauth": {
                "token_url": icsoc.token_url,
                "company": tokens.company,
                "agent": tokens.agent,
                "password": tokens.password,
                "client_id": tokens.client_id,
                "client_secret": tokens.client_secret,
            },
            "push": {"secrets": [icsoc.push_secret]},
            **({} if state_dir is None else {"state_dir": str(state_dir)}),
            "interval": 5,
            "overlap": 60,
            "request_gap": 0.2,
        },
    ]


def write(content: dict[str, Any], path: Path) -> None:
    """Write a configuration to a file that nobody else reads: it holds secrets."""
    path.touch(mode=0o600)
    path.write_text(yaml.safe_dump(content, allow_unicode=True, sort_keys=False), encoding="utf-8")
