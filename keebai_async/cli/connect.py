"""A client for one command, from its options and the environment."""

import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import msgspec
import platformdirs

from keebai_async.campaign.run import WORTH_TELLING
from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import ChannelIdOption, JournalOption, PhoneNumberIdOption, QuotaStoreOption
from keebai_async.cli.output import say
from keebai_async.client import Keebai
from keebai_async.errors import JournalUnusable
from keebai_async.journal.open import journal_path
from keebai_async.keebai.settings import (
    KEEBAI_JOURNAL_VARIABLE,
    KEEBAI_QUOTA_STORE_VARIABLE,
    KEEBAI_TOKEN_VARIABLES,
)
from keebai_async.quota.gate import Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.window import Wait


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say of the sender, and where campaigns are kept."""

    phone_number_id: PhoneNumberIdOption = None
    channel_id: ChannelIdOption = None
    journal: JournalOption = None
    quota_store: QuotaStoreOption = None


def journal_name(given: str | None) -> str:
    """The option, else the environment, else a file in the user's own data folder.

    Raises:
        JournalUnusable: that folder cannot be made.
    """
    chosen = given or os.environ.get(KEEBAI_JOURNAL_VARIABLE)
    if chosen:
        return chosen
    folder = platformdirs.user_data_path("keebai-async")
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalUnusable(
            f"cannot make {folder}: {error.strerror};"
            f" name another place with --journal or {KEEBAI_JOURNAL_VARIABLE}"
        ) from error
    return str(folder / "campaigns.db")


def quota_store_name(connection: Connection) -> str:
    """The option, else the environment, else a file beside the journal, so that commands share it.

    Raises:
        JournalUnusable: the user's data folder cannot be made.
    """
    chosen = connection.quota_store or os.environ.get(KEEBAI_QUOTA_STORE_VARIABLE)
    if chosen:
        return chosen
    path = journal_path(journal_name(connection.journal))
    return "memory:" if path is None else f"sqlite:{path.with_name('quota.db')}"


@asynccontextmanager
async def messaging(connection: Connection) -> AsyncIterator[Keebai]:
    """A client that runs no campaigns, so no journal is opened for it."""
    async with Keebai(
        phone_number_id=connection.phone_number_id,
        channel_id=connection.channel_id,
        limiter=quota_store_name(connection),
        observer=interrupts.observe,
    ) as keebai:
        with telling_waits(keebai):
            yield keebai


@contextmanager
def telling_waits(keebai: Keebai) -> Iterator[None]:
    """Say how long a request waits for the quota, and which window binds; a run tells it by itself."""
    if not isinstance(keebai.limiter, RateLimiter):
        yield
        return
    with keebai.limiter.listening(_say_wait):
        yield


def _say_wait(_: Lane, wait: Wait) -> None:
    if wait.seconds >= WORTH_TELLING:
        say(f"waiting {duration(wait.seconds)}: {wait.why}")


@asynccontextmanager
async def campaigning(connection: Connection) -> AsyncIterator[Keebai]:
    """A client whose campaigns survive the command."""
    async with Keebai(
        phone_number_id=connection.phone_number_id,
        channel_id=connection.channel_id,
        journal=journal_name(connection.journal),
        limiter=quota_store_name(connection),
        observer=interrupts.observe,
    ) as keebai:
        yield keebai


def token_known() -> bool:
    return any(os.environ.get(name) for name in KEEBAI_TOKEN_VARIABLES)


@asynccontextmanager
async def bookkeeping(connection: Connection) -> AsyncIterator[Keebai]:
    """A client for what the journal alone can tell: no request is made, so no token is asked for."""
    known = token_known()
    async with Keebai(
        None if known else "none",
        journal=journal_name(connection.journal),
        limiter=quota_store_name(connection) if known else "memory:",
    ) as keebai:
        yield keebai


async def spending(keebai: Keebai) -> str:
    """What is spent of each quota: `13 of 60/60s, 13 of 1000/3600s`; empty if the limiter cannot tell.

    Raises:
        QuotaUnusable: the store cannot be reached.
    """
    if not isinstance(keebai.limiter, RateLimiter):
        return ""
    return ", ".join(f"{figure(spent)} of {quota}" for quota, spent in await keebai.limiter.spent())
