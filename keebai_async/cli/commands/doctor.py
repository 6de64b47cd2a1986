"""The command `doctor`."""

import os
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

import typer

from keebai_async.cli.connect import (
    Connection,
    bookkeeping,
    journal_name,
    messaging,
    quota_store_name,
    spending,
)
from keebai_async.cli.console import version
from keebai_async.cli.error_line import line_of
from keebai_async.cli.exit_codes import Exit, code_of_error
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.options import (
    ChannelIdOption,
    JournalOption,
    JsonOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
)
from keebai_async.cli.output import answer
from keebai_async.cli.shown import shown_reason
from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput, KeebaiError
from keebai_async.journal.open import open_journal

_WHO: Final = ("company_name", "company_id", "account_name", "account_id", "name", "email", "user_id", "id")
"""Fields by which GET /me may say whose a token is: its body is not documented."""

Check = Callable[[], Awaitable[str]]


def doctor(
    phone_number_id: PhoneNumberIdOption = None,
    channel_id: ChannelIdOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
) -> None:
    """Check the settings, the token, the sender, the templates and the journal. Nothing is sent.

    Example: keebai-async doctor
    """
    connection = Connection(
        phone_number_id=phone_number_id, channel_id=channel_id, journal=journal, quota_store=quota_store
    )
    raise typer.Exit(interrupts.run(partial(_doctor, connection, json=json)))


async def _doctor(connection: Connection, *, json: bool) -> Exit:
    worst = Exit.DONE
    for name, check in (
        ("version", _version),
        ("quota", partial(_quota, connection)),
        ("journal", partial(_journal, connection)),
        ("network", partial(_with_client, connection, _network)),
        ("token", partial(_with_client, connection, _token)),
        ("sender", partial(_with_client, connection, _sender)),
        ("templates", partial(_with_client, connection, _templates)),
    ):
        code = await _look(name, check, json=json)
        worst = worst or code
    return worst


async def _look(name: str, check: Check, *, json: bool) -> Exit:
    try:
        code, words = Exit.DONE, await check()
    except KeebaiError as error:
        code, words = code_of_error(error), line_of(error).removeprefix("error: ")
    if json:
        emit({"type": "check", "name": name, "ok": code is Exit.DONE, "detail": words})
    else:
        answer(f"{'ok    ' if code is Exit.DONE else 'NOT OK'}  {name}: {words}")
    return code


async def _version() -> str:
    return version()


async def _quota(connection: Connection) -> str:
    async with bookkeeping(connection) as keebai:
        return f"{await spending(keebai)} spent; kept in {_shown(quota_store_name(connection))}"


def _shown(store: str) -> str:
    """Without what follows the scheme of a Redis URL: it may hold a password."""
    scheme, _, _ = store.partition(":")
    return store if scheme in {"sqlite", "memory"} else f"{scheme}:..."


async def _journal(connection: Connection) -> str:
    name = journal_name(connection.journal)
    journal = open_journal(name)
    try:
        kept = await journal.campaigns()
    finally:
        await journal.aclose()
    return f"{name}, campaigns in it: {figure(len(kept))}"


async def _with_client(connection: Connection, check: Callable[[Keebai], Awaitable[str]]) -> str:
    async with messaging(connection) as keebai:
        return await check(keebai)


async def _network(keebai: Keebai) -> str:
    file = os.environ.get("SSL_CERT_FILE")
    return f"{keebai.base_url}, {keebai.way}" + (f", certificates of {file} (SSL_CERT_FILE)" if file else "")


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


async def _templates(keebai: Keebai) -> str:
    count = 0
    async for _ in keebai.templates.list():
        count += 1
    return f"{count} approved; see: keebai-async templates"
