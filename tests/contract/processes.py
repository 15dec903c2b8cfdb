"""Our commands as processes of their own, such as an operator starts and something kills."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import BaseModel, SecretStr

ROOT = Path(__file__).parents[2]


def configuration(kafka, account, **poller):
    """Write what an operator would, in JSON, which is YAML too."""
    return {
        "kafka": kafka.model_dump(mode="json", exclude_none=True),
        "poller": {"session_timeout": 6, "first_wait": 0.05} | poller,
        "accounts": [told(account)],
    }


def told(settings):
    """Give settings as they are written, the secrets among them."""
    plain = settings.model_dump(mode="json", exclude_none=True)
    for name, value in settings:
        if isinstance(value, SecretStr):
            plain[name] = value.get_secret_value()
        elif isinstance(value, BaseModel):
            plain[name] = told(value)
    return plain


@asynccontextmanager
async def command(config, path, *words):
    """Run `callstreams …`; whatever happens, it is gone in the end."""
    path.write_text(json.dumps(config), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "streams.cli", *words, "--config", str(path), cwd=ROOT
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            # Killed, it might leave a transaction open, which holds other tests' readers back.
            process.terminate()
            await process.wait()
