"""The command `webhooks trigger`: one signed delivery, for who builds a receiver."""

import enum
import os
from functools import partial
from pathlib import Path
from typing import Annotated, Literal

import typer

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import JournalOption, MetaOption
from keebai_async.cli.output import answer, say
from keebai_async.cli.places import journal_name
from keebai_async.cli.webhooks.secrets_file import SecretsFile
from keebai_async.errors import InvalidInput
from keebai_async.journal.open import journal_path

_LONGEST_ANSWER = 30.0
"""Seconds for an answer. Source: webhooks contract, section 2.4."""


class DeliveryDialect(enum.Enum):
    """Which of the service's documents the body follows."""

    DOCS = "docs"
    SKILLS = "skills"


EventArgument = Annotated[
    str,
    typer.Argument(
        metavar="EVENT",
        help="sent, delivered, read, failed, received, tapped, template, connected, disconnected,"
        " preferences, conversation, escalated, instagram or unknown.",
    ),
]
DestinationOption = Annotated[str, typer.Option("--to", metavar="URL", help="The address of the receiver.")]
DeliveryDialectOption = Annotated[
    DeliveryDialect, typer.Option("--dialect", help="Which of the service's two documents to follow.")
]
NumberOption = Annotated[str | None, typer.Option("--number", help="The person, such as +5491155550101.")]
WordsOption = Annotated[
    str, typer.Option("--text", help="What the person wrote (STOP), or the words on the button.")
]
PayloadOption = Annotated[str, typer.Option("--payload", help="The payload of what was tapped.")]
CodeOption = Annotated[int, typer.Option("--code", help="Meta's code of a failure, such as 131049.")]
SecondsOffOption = Annotated[
    float,
    typer.Option("--seconds-off", help="Sign with a clock that is so many seconds ahead, or behind (-)."),
]


def trigger(
    event: EventArgument,
    to: DestinationOption,
    dialect: DeliveryDialectOption = DeliveryDialect.DOCS,
    number: NumberOption = None,
    text: WordsOption = "",
    payload: PayloadOption = "",
    code: CodeOption = 0,
    meta: MetaOption = None,
    seconds_off: SecondsOffOption = 0.0,
    journal: JournalOption = None,
) -> None:
    """Deliver one made-up event to a receiver, signed as the service signs, and print what it answers.

    The secret is KEEBAI_WEBHOOK_SECRET, or the first one that register kept. Exit code 1 if the answer is not
    2xx.

    Example: keebai-async webhooks trigger received --to http://127.0.0.1:8080/webhooks/keebai --text STOP
    """
    fields: dict[str, object] = {
        "kind": event,
        "text": text,
        "payload": payload,
        "code": code,
        "meta_data": _meta_data(meta),
    }
    if number is not None:
        fields["number"] = number
    work = partial(_trigger, fields, to, dialect.value, journal, seconds_off=seconds_off)
    raise typer.Exit(interrupts.run(work))


def _meta_data(given: list[str] | None) -> dict[str, object]:
    found: dict[str, object] = {}
    for each in given or ():
        name, equals, value = each.partition("=")
        if not name or not equals:
            raise InvalidInput("write it as NAME=VALUE", field="--meta", value=each)
        found[name] = value
    return found


def _secret(journal: str | None) -> str:
    path = journal_path(journal_name(journal))
    file = Path() if path is None else path.parent / "webhooks.json"
    return SecretsFile(file, os.environ).proof().secrets[0].reveal()


async def _trigger(
    fields: dict[str, object],
    to: str,
    dialect: Literal["docs", "skills"],
    journal: str | None,
    *,
    seconds_off: float,
) -> Exit:
    import time

    import aiohttp
    import msgspec

    from keebai_async.sandbox.keebai.single_event import SignedDeliveries, SingleEvent

    try:
        made = SignedDeliveries(_secret(journal), dialect=dialect).of(
            msgspec.convert(fields, SingleEvent), signed_at=time.time() + seconds_off
        )
    except ValueError as error:
        raise InvalidInput(str(error), field="EVENT", value=str(fields["kind"])) from error
    try:
        async with (
            aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=_LONGEST_ANSWER)) as session,
            session.post(to, data=made.body, headers=made.headers, allow_redirects=False) as reply,
        ):
            status = reply.status
    except aiohttp.InvalidURL as error:
        raise InvalidInput("this is no address: write it as http://...", field="--to", value=to) from error
    except (aiohttp.ClientError, TimeoutError, OSError) as error:
        say(f"no answer from {to}: {str(error) or 'it took too long'}")
        return Exit.FAILED
    answer(str(status))
    return Exit.DONE if 200 <= status < 300 else Exit.FAILED
