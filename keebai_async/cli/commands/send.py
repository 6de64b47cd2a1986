"""The commands `send` and `text`: one message."""

from functools import partial
from typing import Annotated

import anyio
import typer

from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.console import answer
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.pairs import pairs
from keebai_async.keebai.models import Receipt


def send(
    to: a.To,
    template: a.Template,
    language: a.Language,
    var: Annotated[
        list[str] | None,
        typer.Option("--var", metavar="NAME=VALUE", help="A variable of the template. Repeatable."),
    ] = None,
    meta: a.MetaData = None,
    phone_number_id: a.PhoneNumberId = None,
    channel_id: a.ChannelId = None,
    quota_store: a.QuotaStore = None,
    json: a.Json = False,
) -> None:
    """Send one template to one person."""
    variables, meta_data = pairs(var or (), option="--var"), pairs(meta or (), option="--meta")
    connection = Connection(phone_number_id=phone_number_id, channel_id=channel_id, quota_store=quota_store)
    work = partial(_send, connection, to, template, language, variables, meta_data, json=json)
    raise typer.Exit(anyio.run(work))


async def _send(
    connection: Connection,
    to: str,
    template: str,
    language: str,
    variables: dict[str, str],
    meta_data: dict[str, str],
    *,
    json: bool,
) -> Exit:
    async with messaging(connection) as keebai:
        receipt = await keebai.messages.send_template(
            to, template=template, language=language, variables=variables, meta_data=dict(meta_data)
        )
    return _show(receipt, json=json)


def text(
    to: a.To,
    words: Annotated[str, typer.Option("--text", help="Up to 4,096 characters.")],
    meta: a.MetaData = None,
    phone_number_id: a.PhoneNumberId = None,
    channel_id: a.ChannelId = None,
    quota_store: a.QuotaStore = None,
    json: a.Json = False,
) -> None:
    """Send a text to someone who wrote to you in the last 24 hours."""
    meta_data = pairs(meta or (), option="--meta")
    connection = Connection(phone_number_id=phone_number_id, channel_id=channel_id, quota_store=quota_store)
    raise typer.Exit(anyio.run(partial(_text, connection, to, words, meta_data, json=json)))


async def _text(
    connection: Connection, to: str, words: str, meta_data: dict[str, str], *, json: bool
) -> Exit:
    async with messaging(connection) as keebai:
        receipt = await keebai.messages.send_text(to, words, meta_data=dict(meta_data))
    return _show(receipt, json=json)


def _show(receipt: Receipt, *, json: bool) -> Exit:
    if json:
        emit(typed("receipt", receipt))
    else:
        ids = [f"broadcast {receipt.broadcast_id}"] if receipt.broadcast_id else []
        ids += [f"message {receipt.message_id}"] if receipt.message_id else []
        answer(f"accepted: {', '.join(ids)}" + (f" ({receipt.status})" if receipt.status else ""))
    return Exit.DONE
