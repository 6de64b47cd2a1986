"""The command `doctor`."""

import os
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Final

import typer

from keebai_async.cli.connect import (
    Connection,
    bookkeeping,
    chosen_service,
    how_to_change,
    messaging,
    quota_store_name,
    spending,
    token_known,
)
from keebai_async.cli.console import version
from keebai_async.cli.error_line import line_of
from keebai_async.cli.exit_codes import Exit, code_of_error
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.language import ENGLISH, speaking
from keebai_async.cli.options import (
    ChannelIdOption,
    JournalOption,
    JsonOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
    SetQuotaOption,
)
from keebai_async.cli.output import answer, say
from keebai_async.cli.places import journal_name
from keebai_async.cli.shown import shown_reason
from keebai_async.client import Keebai
from keebai_async.environment import lease_of
from keebai_async.errors import (
    ConnectionFailed,
    InvalidInput,
    KeebaiError,
    NotFound,
    ScopeMissing,
    TimedOut,
    TokenRejected,
)
from keebai_async.journal.open import open_journal, shown_journal
from keebai_async.keebai.settings import KEEBAI_VARIABLES
from keebai_async.privacy import without_credentials
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.limits import larger
from keebai_async.quota.window import Quota, parse_quotas, written

_WHO: Final = ("company_name", "company_id", "account_name", "account_id", "name", "email", "user_id", "id")
"""Fields by which GET /me may say whose a token is: its body is not documented."""

Check = Callable[[], Awaitable[str]]


def doctor(
    phone_number_id: PhoneNumberIdOption = None,
    channel_id: ChannelIdOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    set_quota: SetQuotaOption = None,
    json: JsonOption = False,
) -> None:
    """Check settings, token, sender, templates, webhooks and journal. Nothing is sent.

    Example: keebai-async doctor
    """
    quotas = None if set_quota is None else parse_quotas(set_quota)
    connection = Connection(
        phone_number_id=phone_number_id, channel_id=channel_id, journal=journal, quota_store=quota_store
    )
    with speaking(ENGLISH):  # what it says is the detail of its JSON, too
        raise typer.Exit(interrupts.run(partial(_doctor, connection, quotas, json=json)))


async def _doctor(connection: Connection, quotas: tuple[Quota, ...] | None, *, json: bool) -> Exit:
    if quotas is not None:
        await _set_quota(connection, quotas)
    checks: dict[str, Check] = {
        "version": _version,
        "quota": partial(_quota, connection),
        "journal": partial(_journal, connection),
        "network": partial(_with_client, connection, _network),
        "token": partial(_with_client, connection, _token),
        "sender": partial(_with_client, connection, _sender),
        "templates": partial(_with_client, connection, _templates),
        "webhooks": partial(_with_client, connection, _webhooks),
    }
    worst = Exit.DONE
    for name, check in checks.items():
        try:
            _tell([name], Exit.DONE, await check(), json=json)
        except KeebaiError as error:
            code, words = code_of_error(error), line_of(error, KEEBAI_VARIABLES).removeprefix("error: ")
            worst = worst or code
            if not _ends_all(name, error):
                _tell([name], code, words, json=json)
                continue
            names = list(checks)
            _tell(names[names.index(name) :], code, words, json=json)
            break
    return worst


def _ends_all(name: str, error: KeebaiError) -> bool:
    """Whether what the check *name* met would meet every later one: without a client, or an answer to it."""
    return name == "network" or isinstance(error, TokenRejected | ConnectionFailed | TimedOut)


def _tell(names: Sequence[str], code: Exit, words: str, *, json: bool) -> None:
    """What was found, once for people; a program has an object for each check."""
    if not json:
        answer(f"{'ok    ' if code is Exit.DONE else 'NOT OK'}  {', '.join(names)}: {words}")
        return
    for name in names:
        emit({"type": "check", "name": name, "ok": code is Exit.DONE, "detail": words})


async def _version() -> str:
    return version()


async def _quota(connection: Connection) -> str:
    async with bookkeeping(connection) as keebai:
        words = f"{await spending(keebai)} spent; kept in {_shown_store(quota_store_name(connection))}"
        if isinstance(keebai.limiter, RateLimiter):
            holds, own = await keebai.limiter.holding(), keebai.quotas
            if larger(own, holds):
                words += (
                    f"; {written(holds)} holds, not {written(own)}: {how_to_change(connection, written(own))}"
                )
        return words


async def _set_quota(connection: Connection, quotas: tuple[Quota, ...]) -> None:
    """Change on purpose what holds for all who share the store."""
    if not token_known():
        raise InvalidInput(
            f"each token has a quota of its own: set {chosen_service().variables.tokens[0]}", field="token"
        )
    async with bookkeeping(connection) as keebai:
        if isinstance(keebai.limiter, RateLimiter):
            await keebai.limiter.set_limits(quotas)
    say(f"from now on {written(quotas)} holds for all who keep the quota of this token here")


def _shown_store(store: str) -> str:
    return store if store.startswith("sqlite:") else without_credentials(store)


async def _journal(connection: Connection) -> str:
    name = journal_name(connection.journal)
    journal = open_journal(name, lease=lease_of(os.environ))
    try:
        kept = await journal.campaigns()
    finally:
        await journal.aclose()
    return f"{shown_journal(name)}, campaigns in it: {figure(len(kept))}"


async def _with_client(connection: Connection, check: Callable[[Keebai], Awaitable[str]]) -> str:
    async with messaging(connection, tell_quota=False) as keebai:
        return await check(keebai)


async def _network(keebai: Keebai) -> str:
    file = os.environ.get("SSL_CERT_FILE")
    certificates = f", certificates of {file} (SSL_CERT_FILE)" if file else ""
    return f"{keebai.base_url}, {keebai.proxy}{certificates}"


async def _token(keebai: Keebai) -> str:
    told = await keebai.me()
    known = [f"{name} {told[name]}" for name in _WHO if isinstance(told.get(name), str) and told[name]]
    whose = f"; the service says whose it is: {shown_reason(', '.join(known))}" if known else ""
    return f"the service accepts the one that ends with {keebai.token_end}{whose}"


async def _sender(keebai: Keebai) -> str:
    sender = keebai.sender_or()
    for number in await keebai.numbers.list():
        if sender.id in {number.id, number.channel_id}:
            if number.status not in {"", "active"}:
                raise InvalidInput(
                    f"{sender.id} is {number.status}: it cannot send; see: keebai-async numbers"
                )
            return f"{sender.id}, {number.phone_number or 'without a number'}, {number.status}"
    raise InvalidInput(f"{sender.id} is not among this token's numbers; see: keebai-async numbers")


async def _webhooks(keebai: Keebai) -> str:
    try:
        found = await keebai.webhooks.list()
    except (ScopeMissing, NotFound):
        return "not looked at: the token may not read them, and campaigns do without"
    for one in found:
        if one.is_active is False:
            raise InvalidInput(
                f"{one.id} is switched off ({one.disabled_reason or 'by somebody'}) and hears nothing:"
                f" bring its receiver up, then: keebai-async webhooks activate {one.id}"
            )
    if not found:
        return "none; see: keebai-async webhooks --help"
    failing = [
        f"{one.id} failed {one.failure_count} times in a row, is its receiver up? After 50 it is switched off"
        for one in found
        if one.failure_count
    ]
    return ", ".join([f"{len(found)} active", *failing])


async def _templates(keebai: Keebai) -> str:
    count = 0
    async for _ in keebai.templates.list():
        count += 1
    return f"{count} approved; see: keebai-async templates"
