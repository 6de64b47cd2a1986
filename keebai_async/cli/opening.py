"""A client for one command, from its options and the environment."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import msgspec
import platformdirs

from keebai_async.campaign.ports import Journal
from keebai_async.client import Keebai
from keebai_async.credentials import JOURNAL_VARIABLE, QUOTA_VARIABLE
from keebai_async.errors import JournalUnusable
from keebai_async.journal.open import open_journal
from keebai_async.quota.window import DEFAULT_QUOTAS, Quota, parse_quotas


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say of the sender, and where campaigns are kept."""

    phone_number_id: str | None = None
    channel_id: str | None = None
    journal: str | None = None


@dataclass(frozen=True, kw_only=True)
class Desk:
    """What a command about campaigns works with."""

    keebai: Keebai
    journal: Journal
    quotas: tuple[Quota, ...] = DEFAULT_QUOTAS


def journal_name(given: str | None) -> str:
    """The option, else the environment, else a file in the user's own data folder.

    Raises:
        JournalUnusable: that folder cannot be made.
    """
    chosen = given or os.environ.get(JOURNAL_VARIABLE)
    if chosen:
        return chosen
    folder = platformdirs.user_data_path("keebai-async")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalUnusable(
            f"cannot make {folder}: {error.strerror}; name another place with --journal or {JOURNAL_VARIABLE}"
        ) from error
    return str(folder / "campaigns.db")


def quotas() -> tuple[Quota, ...]:
    """What the token may spend: KEEBAI_QUOTA, or what the service's page says."""
    given = os.environ.get(QUOTA_VARIABLE)
    return parse_quotas(given) if given else DEFAULT_QUOTAS


@asynccontextmanager
async def messaging(connection: Connection) -> AsyncIterator[Keebai]:
    """A client that runs no campaigns, so no journal is opened for it."""
    async with Keebai(phone_number_id=connection.phone_number_id, channel_id=connection.channel_id) as keebai:
        yield keebai


@asynccontextmanager
async def campaigning(connection: Connection) -> AsyncIterator[Desk]:
    """A client whose campaigns survive the command."""
    journal = open_journal(journal_name(connection.journal))
    try:
        async with Keebai(
            phone_number_id=connection.phone_number_id, channel_id=connection.channel_id, journal=journal
        ) as keebai:
            yield Desk(keebai=keebai, journal=journal, quotas=quotas())
    finally:
        await journal.aclose()
