"""The vendors that there are: the lines of `schemas.base.Vendor`, each with its package here."""

from __future__ import annotations

from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING, Annotated, Union

from pydantic import Field

from connectors.accounts import AccountSettings
from connectors.vendors.listed import Listed, Mapper
from schemas.base import Vendor
from schemas.topics import raw_topic


def _listed(vendor: Vendor) -> Listed:
    package = import_module(f"connectors.vendors.{vendor.name.lower()}")
    listed: Listed = package.LISTED
    return listed


VENDORS: Mapping[str, Listed] = {str(vendor): _listed(vendor) for vendor in Vendor}
"""The vendors by the names that the configuration uses."""

if TYPE_CHECKING:
    Account = AccountSettings
else:
    Account = Annotated[
        Union[tuple(listed.account for listed in VENDORS.values())],  # noqa: UP007 - of a tuple
        Field(discriminator="vendor"),
    ]
    """An account in the configuration, told apart by its `vendor`."""

MAPPERS: Mapping[str, Mapper] = {
    raw_topic(Vendor(vendor), feed).name: mapper
    for vendor, listed in VENDORS.items()
    for feed, mapper in listed.feeds.items()
}
"""What reads each raw topic."""
