"""The commands `outbox ...`: single messages that are sent once, and what became of them."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from functools import partial
from typing import Annotated, Final

import msgspec
import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure, moment
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.options import JournalOption, JsonOption
from keebai_async.cli.output import answer, say
from keebai_async.cli.plain_values import PlainGroup
from keebai_async.cli.register import register
from keebai_async.cli.text_output import table
from keebai_async.errors import InvalidInput
from keebai_async.model.chunk import ChunkState
from keebai_async.model.outbox import OutboxMessage
from keebai_async.model.report import utc

_SECONDS_A_DAY: Final = 86_400.0

KeyArgument = Annotated[str, typer.Argument(metavar="KEY", help="The key that it was sent with.")]
MessageStateOption = Annotated[
    ChunkState | None, typer.Option("--state", help="Only messages that are so, such as unknown.")
]
MostOption = Annotated[int, typer.Option("--limit", min=1, metavar="N", help="The newest N only.")]
FoundOption = Annotated[
    str | None,
    typer.Option("--accepted", metavar="ID", help="It is in the portal, under this id."),
]
NotArrivedOption = Annotated[
    bool, typer.Option("--resend", help="It did not arrive: the next call with this key sends it.")
]
GiveUpOption = Annotated[bool, typer.Option("--abandon", help="Give it up: it is never sent again.")]
TakenBackOption = Annotated[
    bool, typer.Option("--take-back", help="Take --resend back, as long as nobody has sent it.")
]
DaysOption = Annotated[
    float, typer.Option("--older-than", min=0.0, metavar="DAYS", help="Of more than so many days ago.")
]


class MessageLine(msgspec.Struct, frozen=True, kw_only=True):
    """A message of the outbox, as `--json` shows it."""

    key: str
    state: ChunkState
    service: str
    to: str
    what: str
    created_at: datetime | None
    submitted_at: datetime | None
    attempts: int
    service_id: str | None
    reason: str | None


def _run(work: Callable[[], Awaitable[Exit]]) -> None:
    raise typer.Exit(interrupts.run(work))


def list_(
    state: MessageStateOption = None,
    limit: MostOption = 100,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """List messages that are sent once, those first that need somebody: unknown ones.

    Example: keebai-async outbox list --state unknown
    """
    _run(partial(_list, state, limit, journal, json=json))


async def _list(state: ChunkState | None, limit: int, journal: str | None, *, json: bool) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        found = await client.outbox.messages(state=state, limit=limit)
    if json:
        for message in found:
            emit(typed("message", _line(message)))
        return Exit.DONE
    rows = [
        (each.key, each.state.value, each.to, each.what, moment(each.created_at), each.life.reason or "")
        for each in found
    ]
    answer(table(("KEY", "STATE", "TO", "WHAT", "MADE", "WHY"), rows))
    return Exit.DONE


def show(key: KeyArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Show where the message of a key stands. The exit code is 6 if nobody knows.

    Example: keebai-async outbox show order-A-17
    """
    _run(partial(_show, key, journal, json=json))


async def _show(key: str, journal: str | None, *, json: bool) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        message = await client.outbox.get(key)
    if message is None:
        raise InvalidInput(f"there is no message {key!r} in this journal", field="KEY", value=key)
    _tell(message, json=json)
    return Exit.UNKNOWN if message.state is ChunkState.UNKNOWN else Exit.DONE


def settle(
    key: KeyArgument,
    accepted: FoundOption = None,
    resend: NotArrivedOption = False,
    abandon: GiveUpOption = False,
    take_back: TakenBackOption = False,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """Say what became of an unknown message, after a look into the service's portal. Nothing is sent by it.

    Example: keebai-async outbox settle order-A-17 --accepted 9f2c1ab4
    """
    _run(partial(_settle, key, accepted, journal, resend, abandon, take_back, json=json))


async def _settle(
    key: str,
    accepted: str | None,
    journal: str | None,
    resend: bool,
    abandon: bool,
    take_back: bool,
    *,
    json: bool,
) -> Exit:
    if [accepted is not None, resend, abandon, take_back].count(True) != 1:
        raise InvalidInput("say one of --accepted, --resend, --abandon and --take-back", field="KEY")
    async with bookkeeping(Connection(journal=journal)) as client:
        message = await client.outbox.settle(
            key, accepted=accepted, resend=resend, abandon=abandon, take_back=take_back
        )
    _tell(message, json=json)
    return Exit.DONE


def purge(older_than: DaysOption = 90.0, journal: JournalOption = None) -> None:
    """Forget messages that were made long ago and are settled. Their keys send again from then on.

    Example: keebai-async outbox purge --older-than 90
    """
    _run(partial(_purge, older_than, journal))


async def _purge(days: float, journal: str | None) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        count = await client.outbox.purge(older_than=days * _SECONDS_A_DAY)
    say(f"forgotten: {figure(count)}; their keys are new")
    return Exit.DONE


def _tell(message: OutboxMessage, *, json: bool) -> None:
    if json:
        emit(typed("message", _line(message)))
        return
    life = message.life
    answer(f"{message.key}: {message.what} to {message.to}, {message.state.value}")
    if life.submitted_at is not None:
        answer(f"  last sent at {moment(life.submitted_at)}, {life.attempts} times in all")
    if life.reason:
        answer(f"  {life.reason}")
    if message.state is ChunkState.UNKNOWN:
        say(
            f"look for it in the portal, then: keebai-async outbox settle {message.key}"
            " --accepted ID (or --resend, or --abandon)"
        )


def _line(message: OutboxMessage) -> MessageLine:
    return MessageLine(
        key=message.key,
        state=message.state,
        service=message.service,
        to=message.to,
        what=message.what,
        created_at=utc(message.created_at),
        submitted_at=utc(message.life.submitted_at),
        attempts=message.life.attempts,
        service_id=message.life.broadcast_id,
        reason=message.life.reason,
    )


OUTBOX_COMMANDS: Final[tuple[Callable[..., None], ...]] = (list_, show, settle, purge)
outbox_app = typer.Typer(
    cls=PlainGroup,
    help="Example: keebai-async outbox list\n\nSingle messages that are sent once, and what became of them.",
    short_help="Messages that were sent with --once; it has commands of its own.",
    no_args_is_help=True,
)
for command in OUTBOX_COMMANDS:
    register(outbox_app, command)
