"""The commands `webhooks ...`: subscribe, receive, and look after subscriptions and their secrets."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import anyio
import typer
from msgspec.structs import replace

from keebai_async.cli.connect import Connection, bookkeeping, messaging
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.fates_text import fate_rows
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, fates_line, typed
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption, journal_option
from keebai_async.cli.output import answer, say
from keebai_async.cli.places import journal_name
from keebai_async.cli.plain_values import PlainGroup
from keebai_async.cli.register import register as register_command
from keebai_async.cli.serving import serve_until_told
from keebai_async.cli.text_output import codes_lines, table
from keebai_async.cli.webhooks.secrets_file import KeptSecret, SecretsFile
from keebai_async.cli.webhooks.trigger import trigger
from keebai_async.environment import lease_of
from keebai_async.errors import InvalidInput, JournalUnusable, KeebaiError, OutcomeUnknown, SpoolUnusable
from keebai_async.journal.open import journal_path, open_journal

if TYPE_CHECKING:
    from keebai_async.cli.webhooks.door import Door
    from keebai_async.webhooks.receiver import WebhookReceiver
    from keebai_async.webhooks.recorder import FateRecorder
    from keebai_async.webhooks.stop_words import StopWords

PATH: Final = "/webhooks/keebai"
_WORK_AGAIN_AFTER: Final = 5.0
"""Seconds between two tries to write into a journal that does not take it."""
_TROUBLE_EVERY: Final = 1.0
"""Seconds between two looks whether deliveries can be kept."""

UrlArgument = Annotated[
    str, typer.Argument(metavar="URL", help="The address that the service can reach, with https.")
]
WebhookArgument = Annotated[str, typer.Argument(metavar="ID", help="The id, as webhooks list shows it.")]
HostOption = Annotated[str, typer.Option("--host", help="The address to listen on.")]
ServePortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
PathOption = Annotated[str, typer.Option("--path", metavar="PATH", help="The path that is subscribed.")]
SharePortOption = Annotated[
    bool,
    typer.Option(
        "--share-port",
        help="Let other receivers listen at the same port: start the next one before the last one ends.",
    ),
]
StopWordsOption = Annotated[
    str | None,
    typer.Option(
        "--stop-words",
        metavar="WORDS",
        help="Whole messages by which people opt out, with commas, in place of the usual ones; with a plus"
        " before the first they are added: '+YA NO,NO GRACIAS'. Default: KEEBAI_STOP_WORDS.",
    ),
]
ResumeWordsOption = Annotated[
    str | None,
    typer.Option(
        "--resume-words",
        metavar="WORDS",
        help="Whole messages by which they come back, in the same way. Default: KEEBAI_RESUME_WORDS.",
    ),
]
StopButtonsOption = Annotated[
    str | None,
    typer.Option(
        "--stop-buttons",
        metavar="BUTTONS",
        help="Payloads or titles of quick replies by which people opt out, in the same way."
        " Default: KEEBAI_STOP_BUTTONS.",
    ),
]
DropOldOption = Annotated[
    bool, typer.Option("--drop-old", help="Rotate nothing: only forget the secret before this one.")
]


def _run(work: Callable[[], Awaitable[Exit]]) -> None:
    raise typer.Exit(interrupts.run(work))


def _done(webhook_id: str, what: str) -> dict[str, object]:
    return {"type": "webhook", "id": webhook_id, "done": what}


def _file_beside(journal: str | None, name: str) -> Path:
    path = journal_path(journal_name(journal))
    if path is None:
        raise InvalidInput(
            "webhooks are kept beside a journal in a file: name one with --journal", field="--journal"
        )
    return path.parent / name


def _secrets(journal: str | None) -> SecretsFile:
    return SecretsFile(_file_beside(journal, "webhooks.json"), os.environ)


def serve(
    journal: JournalOption = None,
    host: HostOption = "127.0.0.1",
    port: ServePortOption = 8080,
    path: PathOption = PATH,
    share_port: SharePortOption = False,
    stop_words: StopWordsOption = None,
    resume_words: ResumeWordsOption = None,
    stop_buttons: StopButtonsOption = None,
) -> None:
    """Receive webhooks until Ctrl-C, and keep in the journal what becomes of each person.

    A delivery is on disk before it is answered, in webhooks.db beside the journal. Put a proxy with https
    before it. The secrets are those of register, or KEEBAI_WEBHOOK_SECRET. Who answers STOP, BAJA or SAIR, or
    stops marketing messages, is added to the opt-outs.

    Example: keebai-async webhooks serve --port 8080
    """
    from keebai_async.webhooks.stop_words import StopWords

    words = StopWords.named(os.environ, stop=stop_words, resume=resume_words, buttons=stop_buttons)
    _run(partial(_serve, journal, host, port, path, words, shared=share_port))


async def _serve(
    journal: str | None, host: str, port: int, path: str, words: "StopWords", *, shared: bool
) -> Exit:
    from keebai_async.cli.webhooks.door import Door, ListeningAt
    from keebai_async.webhooks.receiver import WebhookReceiver
    from keebai_async.webhooks.recorder import FateRecorder

    secrets = _secrets(journal)
    secrets.proof()  # to say now that there is none
    kept = open_journal(journal_name(journal), lease=lease_of(os.environ))
    recorder = FateRecorder(kept, words=words)
    try:
        async with WebhookReceiver(_file_beside(journal, "webhooks.db"), secrets=secrets.proof) as receiver:
            door = Door(receiver, ListeningAt(host, port, path, shared=shared))
            await serve_until_told(_serving(door, receiver, recorder), port, lambda: None)
            taken = receiver.counts["taken"]
            refused = receiver.counts.total() - taken
            left = await receiver.spool.count()
    finally:
        await kept.aclose()
    new, unassigned = recorder.counts["new"], recorder.counts["unassigned"]
    say(
        f"{figure(taken)} deliveries taken, {figure(refused)} refused; {figure(new)} told something new,"
        f" {figure(unassigned)} of no campaign here; {figure(left)} wait in the spool"
    )
    if out := recorder.counts["opt-outs"]:
        say(f"{figure(out)} opted out or came back: keebai-async optouts list{journal_option(journal)}")
    if unnamed := recorder.counts["opt-outs without a number"]:
        say(f"{figure(unnamed)} more did so whose number did not come: the service alone knows who they are")
    return Exit.DONE


@asynccontextmanager
async def _serving(
    door: "Door", receiver: "WebhookReceiver", recorder: "FateRecorder"
) -> AsyncIterator[None]:
    try:
        url = await door.open()
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(_record, receiver, recorder)
            tasks.start_soon(_tell_of_trouble, receiver)
            say(f"receiving webhooks at {url}; Ctrl-C ends it")
            yield
            await door.close()
            tasks.cancel_scope.cancel()
    finally:
        with anyio.CancelScope(shield=True):
            await door.close()


async def _record(receiver: "WebhookReceiver", recorder: "FateRecorder") -> None:
    """For ever; while the journal takes nothing, deliveries wait in the spool."""
    from keebai_async.webhooks.recorder import record_fates

    while True:
        try:
            await record_fates(receiver, recorder)
        except (JournalUnusable, SpoolUnusable) as error:
            say(f"deliveries wait in the spool: {error}")
            await anyio.sleep(_WORK_AGAIN_AFTER)


async def _tell_of_trouble(receiver: "WebhookReceiver") -> None:
    """For ever: say when deliveries cannot be kept, and when they can again."""
    told = ""
    while True:
        await anyio.sleep(_TROUBLE_EVERY)
        if receiver.trouble and not told:
            say(f"deliveries cannot be kept; they are answered 503 and come again: {receiver.trouble}")
        elif told and not receiver.trouble:
            say("deliveries are kept again")
        told = receiver.trouble


def register(url: UrlArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Subscribe an address to what becomes of messages, and keep its secret beside the journal.

    Example: keebai-async webhooks register https://hooks.example.com/webhooks/keebai
    """
    _run(partial(_register, url, journal, json=json))


async def _register(url: str, journal: str | None, *, json: bool) -> Exit:
    secrets = _secrets(journal)
    secrets.read()  # before anything is made: whether it can be kept
    async with messaging(Connection(journal=journal)) as keebai:
        made = await keebai.webhooks.create(url)
    secrets.put(made.subscription.id, KeptSecret(secret=made.secret))
    if json:
        emit(typed("webhook", made.subscription))
    else:
        answer(made.subscription.id)
    say(f"its secret is in {secrets.path}; keebai-async webhooks serve uses it")
    return Exit.DONE


def list_(json: JsonOption = False) -> None:
    """List the subscriptions of the account, and whether they are active.

    Example: keebai-async webhooks list
    """
    _run(partial(_list, json=json))


async def _list(*, json: bool) -> Exit:
    async with messaging(Connection()) as keebai:
        found = await keebai.webhooks.list()
    if json:
        for one in found:
            emit(typed("webhook", one))
        return Exit.DONE
    rows = [
        (
            one.id,
            "off" if one.is_active is False else "active",
            "" if one.failure_count is None else str(one.failure_count),
            one.last_delivery_at or "",
            one.url or "",
        )
        for one in found
    ]
    answer(table(("ID", "STATE", "FAILURES", "LAST DELIVERY", "URL"), rows))
    for one in found:
        if one.is_active is False:
            say(
                f"{one.id} is switched off ({one.disabled_reason or 'by somebody'}) and hears nothing:"
                f" bring its receiver up, then: keebai-async webhooks activate {one.id}"
            )
    return Exit.DONE


def test(webhook_id: WebhookArgument, json: JsonOption = False) -> None:  # noqa: PT028  (a command)
    """Have the service make one delivery, to try whether it arrives.

    Example: keebai-async webhooks test wh_0123456789ab
    """
    _run(partial(_test, webhook_id, json=json))


async def _test(webhook_id: str, *, json: bool) -> Exit:
    async with messaging(Connection()) as keebai:
        await keebai.webhooks.test(webhook_id)
    if json:
        emit(_done(webhook_id, "tested"))
    say("asked for; the receiver counts it as taken when it arrives")
    return Exit.DONE


def rotate(
    webhook_id: WebhookArgument,
    journal: JournalOption = None,
    drop_old: DropOldOption = False,
    json: JsonOption = False,
) -> None:
    """Have a new secret made. A receiver that runs takes it without a restart, and loses nothing.

    The secret before is accepted until --drop-old, for what was signed with it and comes again.

    Example: keebai-async webhooks rotate wh_0123456789ab
    """
    _run(partial(_rotate, webhook_id, journal, drop_old=drop_old, json=json))


async def _rotate(webhook_id: str, journal: str | None, *, drop_old: bool, json: bool) -> Exit:
    secrets = _secrets(journal)
    kept = secrets.read().get(webhook_id)
    if kept is None:
        raise InvalidInput(secrets.why_not_rotated(webhook_id), field="ID", value=webhook_id)
    if drop_old:
        secrets.put(webhook_id, KeptSecret(secret=kept.secret))
        if json:
            emit(_done(webhook_id, "old secret dropped"))
        return Exit.DONE
    # From here on a receiver asks for what it cannot know yet once more, until the new secret is here.
    secrets.put(webhook_id, replace(kept, rotating=True))
    try:
        async with messaging(Connection(journal=journal)) as keebai:
            made = await keebai.webhooks.rotate_secret(webhook_id)
    except OutcomeUnknown:
        raise  # the secret may be another one now: a receiver goes on asking again until it is rotated again
    except KeebaiError:
        secrets.put(webhook_id, kept)
        raise
    secrets.put(webhook_id, KeptSecret(secret=made.secret, previous=kept.secret))
    if json:
        emit(_done(webhook_id, "rotated"))
    say(f"the new secret is in {secrets.path}; the one before is accepted until rotate --drop-old")
    return Exit.DONE


def activate(webhook_id: WebhookArgument, json: JsonOption = False) -> None:
    """Switch a subscription on again that the service switched off.

    Example: keebai-async webhooks activate wh_0123456789ab
    """
    _run(partial(_activate, webhook_id, json=json))


async def _activate(webhook_id: str, *, json: bool) -> Exit:
    async with messaging(Connection()) as keebai:
        await keebai.webhooks.activate(webhook_id)
    if json:
        emit(_done(webhook_id, "activated"))
    return Exit.DONE


def remove(webhook_id: WebhookArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """End a subscription, and forget its secret.

    Example: keebai-async webhooks remove wh_0123456789ab
    """
    _run(partial(_remove, webhook_id, journal, json=json))


async def _remove(webhook_id: str, journal: str | None, *, json: bool) -> Exit:
    async with messaging(Connection(journal=journal)) as keebai:
        await keebai.webhooks.remove(webhook_id)
    secrets = _secrets(journal)
    if webhook_id in secrets.read():
        secrets.put(webhook_id, None)
    if json:
        emit(_done(webhook_id, "removed"))
    return Exit.DONE


def show(campaign: CampaignArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Show how many people of a campaign came how far, as webhooks told it, and why others failed.

    These counts are ours and may lag, lead or lack: never add them to those of the report.

    Example: keebai-async webhooks show promo-marzo-45abc3f0
    """
    _run(partial(_show, campaign, journal, json=json))


async def _show(campaign: str, journal: str | None, *, json: bool) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        campaign = await campaign_id(client, campaign)
        counts = await client.campaigns.fates(campaign)
    if json:
        emit(typed("fates", fates_line(counts)))
        return Exit.DONE
    rows = [(label, figure(people), note) for label, people, note in fate_rows(counts)]
    answer(table(("WEBHOOKS TOLD", "PEOPLE", ""), rows, right={"PEOPLE"}))
    for line in codes_lines(counts):
        answer(f"\n{line}")
    return Exit.DONE


WEBHOOKS_COMMANDS: Final[tuple[Callable[..., None], ...]] = (
    serve,
    register,
    list_,
    test,
    trigger,
    rotate,
    activate,
    remove,
    show,
)
webhooks_app = typer.Typer(
    cls=PlainGroup,
    help="Example: keebai-async webhooks serve\n\nHear from the service what became of each person.",
    short_help="Hear from the service what became of each person; it has commands of its own.",
    no_args_is_help=True,
)
for command in WEBHOOKS_COMMANDS:
    register_command(webhooks_app, command)
