"""The command `send`."""

from contextlib import suppress
from functools import partial
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, messaging
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import (
    ChannelIdOption,
    IgnoreOptOutsOption,
    JournalOption,
    JsonOption,
    LanguageOption,
    MetaOption,
    OnceOption,
    PhoneNumberIdOption,
    QuotaStoreOption,
    TemplateOption,
    ToOption,
    pairs,
)
from keebai_async.cli.output import answer
from keebai_async.cli.text_output import receipt_line
from keebai_async.errors import OptedOut, ScopeMissing
from keebai_async.planning.one_person import check_one_person

VarOption = Annotated[
    list[str] | None,
    typer.Option("--var", metavar="NAME=VALUE", help="A variable of the template. Repeatable."),
]


def send(
    to: ToOption,
    template: TemplateOption,
    language: LanguageOption,
    var: VarOption = None,
    meta: MetaOption = None,
    once: OnceOption = None,
    phone_number_id: PhoneNumberIdOption = None,
    channel_id: ChannelIdOption = None,
    ignore_opt_outs: IgnoreOptOutsOption = False,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
) -> None:
    """Send one template to one person, with its variables checked as a plan does; not to who opted out.

    Example: keebai-async send --to +5491155555555 --template promo --language es --var nombre=Ana
    """
    variables, meta_data = pairs(var or (), option="--var"), pairs(meta or (), option="--meta")
    connection = Connection(
        phone_number_id=phone_number_id, channel_id=channel_id, journal=journal, quota_store=quota_store
    )
    work = partial(
        _send,
        connection,
        to,
        template,
        language,
        variables,
        meta_data,
        once=once,
        ignore_opt_outs=ignore_opt_outs,
        json=json,
    )
    raise typer.Exit(interrupts.run(work))


async def _send(
    connection: Connection,
    to: str,
    template: str,
    language: str,
    variables: dict[str, str],
    meta_data: dict[str, str],
    *,
    once: str | None,
    ignore_opt_outs: bool,
    json: bool,
) -> Exit:
    async with messaging(connection, journal=once is not None or not ignore_opt_outs) as keebai:
        with suppress(ScopeMissing):  # a token that may only send is not told what the template asks for
            check_one_person(await keebai.templates.get(template, language), to, variables)
        try:
            receipt = await keebai.messages.send_template(
                to,
                template=template,
                language=language,
                variables=variables,
                meta_data=dict(meta_data),
                once=once,
                ignore_opt_outs=ignore_opt_outs,
            )
        except OptedOut as error:
            raise OptedOut(f"{error} (--ignore-opt-outs)", source=error.source, since=error.since) from error
    if json:
        emit(typed("receipt", receipt))
    else:
        answer(receipt_line(receipt))
    return Exit.DONE
