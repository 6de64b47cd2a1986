"""The command `text`."""

from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import (
    ChannelIdOption,
    JournalOption,
    JsonOption,
    MetaOption,
    OnceOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
    ToOption,
    pairs,
)
from keebai_async.cli.output import answer
from keebai_async.cli.text_output import receipt_line

TextOption = Annotated[str, typer.Option("--text", help="Up to 4,096 characters.")]


def text(
    to: ToOption,
    words: TextOption,
    meta: MetaOption = None,
    once: OnceOption = None,
    phone_number_id: PhoneNumberIdOption = None,
    channel_id: ChannelIdOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
) -> None:
    """Send a text to a person who wrote to you in the last 24 hours.

    Since 1 October 2026 Meta charges such texts too: so others cite its page on prices.

    Example: keebai-async text --to +5491155555555 --text "Your order is on its way"
    """
    meta_data = pairs(meta or (), option="--meta")
    connection = Connection(
        phone_number_id=phone_number_id, channel_id=channel_id, journal=journal, quota_store=quota_store
    )
    raise typer.Exit(interrupts.run(partial(_text, connection, to, words, meta_data, once=once, json=json)))


async def _text(
    connection: Connection, to: str, words: str, meta_data: dict[str, str], *, once: str | None, json: bool
) -> Exit:
    async with messaging(connection, journal=once is not None) as keebai:
        receipt = await keebai.messages.send_text(to, words, meta_data=dict(meta_data), once=once)
    if json:
        emit(typed("receipt", receipt))
    else:
        answer(receipt_line(receipt))
    return Exit.DONE
