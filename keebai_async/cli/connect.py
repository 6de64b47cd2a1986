"""A client for one command, from its options and the environment."""

import os
import shlex
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from typing import Final

import msgspec

from keebai_async.campaign.service import check_service
from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.config.files import tokens_of_profiles
from keebai_async.cli.estimate import duration
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import in_language
from keebai_async.cli.options import (
    ChannelIdOption,
    JournalOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
    SendersOption,
    journal_option,
)
from keebai_async.cli.output import say
from keebai_async.cli.places import data_folder, journal_name
from keebai_async.cli.senders import named_tokens, other_tokens
from keebai_async.client import Keebai
from keebai_async.environment import VariableNames
from keebai_async.journal.open import journal_kind, journal_path
from keebai_async.journal.parts import load_parts
from keebai_async.keebai.settings import KEEBAI_VARIABLES
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.plan import Plan
from keebai_async.observe import Observer, QuotaStoreForgot, Record, SmallerQuotaHolds
from keebai_async.quota.default_place import default_quota_file, why_unusable
from keebai_async.quota.gate import Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.window import WORTH_TELLING, Quota, Wait
from keebai_async.service_client import ServiceClient
from keebai_async.services import CarryingService, service_of

_A_MINUTE: Final = 60.0
_AN_HOUR: Final = 3_600.0


class Connection(msgspec.Struct, frozen=True, kw_only=True):
    """What the options say of the sender, and where campaigns are kept."""

    phone_number_id: PhoneNumberIdOption = None
    channel_id: ChannelIdOption = None
    journal: JournalOption = None
    quota_store: QuotaStoreOption = None
    sender: SendersOption = None


def quota_store_name(connection: Connection, variables: VariableNames | None = None) -> str:
    """The option, else the environment, else the file that all processes of this user on this machine share.

    Where that cannot be had, it lies beside the journal, or in the user's own data folder.
    *variables* are those of the service that is asked; of the one that carries campaigns, if not given.

    Raises:
        JournalUnusable: that folder cannot be made.
    """
    chosen = connection.quota_store or os.environ.get((variables or chosen_service().variables).quota_store)
    if chosen:
        return chosen
    journal = journal_name(connection.journal)
    if journal_kind(journal).forgets:
        return "memory:"
    with suppress(OSError):
        shared = default_quota_file()
        if why_unusable(shared) is None:
            return f"sqlite:{shared}"
    path = journal_path(journal)
    return f"sqlite:{(data_folder() if path is None else path.parent) / 'quota.db'}"


@asynccontextmanager
async def messaging(
    connection: Connection, *, tell_quota: bool = True, journal: bool = False
) -> AsyncIterator[Keebai]:
    """A client that runs no campaigns, so no journal is opened for it, unless it asks for the *journal*.

    *tell_quota* says what a person should know of who shares the quota, unless it is shown already.
    """
    async with Keebai(
        phone_number_id=connection.phone_number_id,
        channel_id=connection.channel_id,
        journal=journal_name(connection.journal) if journal else None,
        limiter=quota_store_name(connection, KEEBAI_VARIABLES),
        longest_quota_wait=None,  # a person is told how long it takes, and can press Ctrl-C
        observer=(interrupts.observe, partial(say_of_quota, connection))
        if tell_quota
        else interrupts.observe,
    ) as keebai:
        with telling_waits(keebai):
            yield keebai


def say_of_quota(connection: Connection, record: Record) -> None:
    """Say what a person should know of who shares the quota, and of where it is kept."""
    match record:
        case SmallerQuotaHolds(own=own, holds=holds):
            say(f"the quota {holds} holds, not {own}: {how_to_change(connection, own)}")
        case QuotaStoreForgot():
            say("what the quota had spent was lost: going on carefully until a full window has passed")
        case _:
            pass


def how_to_change(connection: Connection, own: str) -> str:
    """What to do about a quota that is smaller than one's own."""
    option = journal_option(connection.journal)  # beside which it is kept
    if connection.quota_store is not None:
        option = f" --quota-store {shlex.quote(connection.quota_store)}"
    return (
        f"who shares the token goes by less; if that is wrong: keebai-async doctor --set-quota {own}{option}"
    )


@contextmanager
def telling_waits(keebai: ServiceClient) -> Iterator[None]:
    """Say how long a request waits for the quota, and which window binds; a run tells it by itself."""
    if not isinstance(keebai.limiter, RateLimiter):
        yield
        return
    with keebai.limiter.listening(_say_wait):
        yield


def _say_wait(_: Lane, wait: Wait) -> None:
    if wait.seconds >= WORTH_TELLING:
        waiting = phrase("waiting {time}{until}", time=duration(wait.seconds), until="")
        say(f"{waiting}: {in_language(wait.why)}")


def chosen_service() -> CarryingService:
    """The service that carries the campaigns of this command. Raises InvalidInput if there is no such."""
    return service_of(os.environ)


@asynccontextmanager
async def campaigning(connection: Connection, campaign: str | None = None) -> AsyncIterator[CampaignClient]:
    """A client whose campaigns survive the command, and which knows those of the other tokens.

    A part of *campaign* may be of another token than all of these: then the profiles are asked for it.
    """
    async with AsyncExitStack() as clients:
        client = (await clients.enter_async_context(every_token(connection)))[0]
        parts = [] if campaign is None else await load_parts(client.journal, campaign)
        tokens = tokens_of_profiles()
        while any(_is_strange(part, client) for part in parts) and (token := next(tokens, None)):
            client.campaigns.add_client(await clients.enter_async_context(_client(connection, token)))
        yield client


def _is_strange(campaign: StoredCampaign, client: CampaignClient) -> bool:
    """Whether it is the part of a token that no client has."""
    part, facts, known = campaign.plan.part, campaign.facts, (client, *client.campaigns.clients)
    if part is None or not part.account:
        return False
    salt, mark = facts.token_salt or part.salt, facts.token_mark or part.account
    return all(each.token_mark(salt) != mark for each in known)


@asynccontextmanager
async def every_token(
    connection: Connection, observers: Iterable[Observer] = ()
) -> AsyncIterator[Sequence[CampaignClient]]:
    """The same client, and those of the other tokens of the environment behind it."""
    variables, observers = chosen_service().variables, tuple(observers)
    async with AsyncExitStack() as clients:
        clients.enter_context(named_tokens(connection.sender or (), variables))
        every = [
            await clients.enter_async_context(_client(connection, token, observers))
            for token in (None, *other_tokens(os.environ, variables))
        ]
        for other in every[1:]:
            every[0].campaigns.add_client(other)
        yield every


def _client(connection: Connection, token: str | None, observers: Iterable[Observer] = ()) -> CampaignClient:
    return chosen_service().client(
        token,
        phone_number_id=connection.phone_number_id,
        channel_id=connection.channel_id,
        journal=journal_name(connection.journal),
        limiter=quota_store_name(connection),
        longest_quota_wait=None,
        observer=(interrupts.observe, partial(say_of_quota, connection), *observers),
    )


def token_known() -> bool:
    return any(os.environ.get(name) for name in chosen_service().variables.tokens)


@asynccontextmanager
async def bookkeeping(connection: Connection) -> AsyncIterator[CampaignClient]:
    """A client for what the journal alone can tell: no request is made, so no token is asked for."""
    known = token_known()
    async with chosen_service().client(
        None if known else "none",
        journal=journal_name(connection.journal),
        limiter=quota_store_name(connection) if known else "memory:",
    ) as client:
        yield client


def check_plan(client: CampaignClient, plan: Plan) -> None:
    """Raises InvalidInput if *plan* was made for another service than the client's."""
    check_service(plan, client.campaign_service().name)


def quotas_holding(client: CampaignClient) -> tuple[Quota, ...]:
    """By what a client goes, as far as it has heard by now of those who share its quota."""
    return client.limiter.quotas if isinstance(client.limiter, RateLimiter) else client.quotas


async def spending(keebai: ServiceClient) -> str:
    """What is spent of each quota: `13 of 60 a minute, 13 of 1,000 an hour`; empty if that cannot be told.

    Raises:
        QuotaUnusable: the store cannot be reached.
    """
    if not isinstance(keebai.limiter, RateLimiter):
        return ""
    spent = await keebai.limiter.spent()
    return ", ".join(
        phrase("{done} of {all}", done=figure(done), all=quota_words(quota)) for quota, done in spent
    )


def quota_words(quota: Quota) -> str:
    """`60 a minute`, `1,000 an hour`; `20/10s` of another span."""
    if quota.per == _A_MINUTE:
        return phrase("{number} a minute", number=figure(quota.limit))
    if quota.per == _AN_HOUR:
        return phrase("{number} an hour", number=figure(quota.limit))
    return str(quota)
