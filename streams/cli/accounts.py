"""How the commands find the account that they are told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, TypeVar

import typer

from connectors.vendors.registry import Account
from connectors.vendors.sevenmoor.source import SevenmoorAccount
from schemas.errors import ConfigError

AccountName = Annotated[
    str, typer.Argument(help="As it is named in the configuration: NAME or VENDOR/NAME.")
]

AccountT = TypeVar("AccountT", SevenmoorAccount, Account)


def find_account(accounts: Sequence[AccountT], told: str) -> AccountT:
    """Find an account by `name` or `vendor/name`.

    Raises:
        ConfigError: there is none, or there are several; the text lists them.
    """
    names = [f"{one.vendor}/{one.name}" for one in accounts]
    pairs = list(zip(accounts, names, strict=True))
    found = [(one, name) for one, name in pairs if told in (one.name, name)]
    if len(found) == 1:
        return found[0][0]
    if found:
        which = ", ".join(name for _, name in found)
        raise ConfigError(f"several accounts are called {told}: write one of {which}")
    there = ", ".join(names) or "none; list `accounts` in the configuration, and give --config"
    raise ConfigError(f"there is no such account: {told}; there are: {there}")
