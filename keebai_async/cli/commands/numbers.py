"""The command `numbers`."""

from functools import partial

import typer

from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.language import phrase
from keebai_async.cli.options import JsonOption
from keebai_async.cli.output import answer
from keebai_async.cli.text_output import table


def numbers(json: JsonOption = False) -> None:
    """List the numbers that can send; the first column is what --phone-number-id takes.

    Example: keebai-async numbers
    """
    raise typer.Exit(interrupts.run(partial(_numbers, json=json)))


async def _numbers(*, json: bool) -> Exit:
    async with messaging(Connection()) as keebai:
        found = await keebai.numbers.list()
    if json:
        for number in found:
            emit(typed("number", number))
        return Exit.DONE
    rows = [(one.id, one.phone_number or "", one.status, one.channel_id or "") for one in found]
    head = (phrase("PHONE NUMBER ID"), phrase("NUMBER"), phrase("STATUS"), phrase("CHANNEL ID"))
    answer(table(head, rows))
    return Exit.DONE
