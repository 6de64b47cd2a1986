"""The command `watch`: one campaign, or all that are run, each by another process."""

from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import anyio
import typer
from rich.console import Console
from rich.live import Live

from keebai_async.campaign_client import CampaignClient
from keebai_async.campaign_looks import CampaignLooks
from keebai_async.cli import completion
from keebai_async.cli.board import board
from keebai_async.cli.campaign_codes import code_of_several
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import account, emit
from keebai_async.cli.language import phrase
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import JournalOption, JsonOption, LangOption
from keebai_async.cli.output import answer, say
from keebai_async.cli.progress import CampaignMeter, PlainLines, meter, plain_signs, screen
from keebai_async.cli.progress_words import pulse_line
from keebai_async.cli.show_run import conclude, with_fates
from keebai_async.cli.text_output import list_text, progress_line, step_lines
from keebai_async.model.situation import Situation, is_going_on

_JOURNAL_READ_EVERY = 1.0
"""Seconds between two looks into the journal; they cost no request."""

WatchedArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAMPAIGN]",
        help="Its id, or the beginning of it, its name, or: last. Default: all that are run.",
        autocompletion=completion.campaigns,
    ),
]


def watch(
    campaign: WatchedArgument = None,
    journal: JournalOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Look on while other processes run a campaign, or all of them, until they stop or end.

    Costs no requests. Without a campaign, a terminal shows all that are run on one screen.

    Example: keebai-async watch promo-marzo-1a2b3c4d
    """
    connection = Connection(journal=journal)
    watching = partial(_watch_all, connection) if campaign is None else partial(_watch, campaign, connection)
    raise typer.Exit(interrupts.run(partial(watching, json=json)))


async def _watch(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        situation = await _to_its_end(keebai, campaign)
        situation = await with_fates(keebai, situation)
        return conclude(situation, json=json, journal=connection.journal)


async def _to_its_end(keebai: CampaignClient, campaign: str) -> Situation:
    """Show every change, and what is likely between two of them, until nobody runs it any more."""
    situation = await keebai.campaigns.situation(campaign)
    report = situation.report
    with meter() as shown:
        bars = None if isinstance(shown, PlainLines) else CampaignMeter(shown, ready=report.ready)
        lines = _Lines() if bars is None else None
        while True:
            if bars is not None:
                bars.tick(situation, datetime.now(UTC))
            if lines is not None:
                lines.show((situation,))
            if situation.holder is None:
                return situation
            await anyio.sleep(_JOURNAL_READ_EVERY)
            situation = await keebai.campaigns.situation(campaign)


async def _watch_all(connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        seen = await _all_to_their_end(_looks(keebai))
        if not seen:
            say(phrase("no campaign of this journal is run now"))
        if json:
            for each in seen:
                emit(account("campaign", each))
        elif seen:
            answer(list_text(seen))
        for each in seen:
            for line in step_lines(each, journal=connection.journal):
                say(line)
        return code_of_several(seen)


async def _looks(keebai: CampaignClient) -> AsyncIterator[Sequence[Situation]]:
    """The campaigns that are run, newest first, and those that were since this began; to the end of all."""
    campaigns = CampaignLooks(keebai)
    known: set[str] = set()
    while True:
        every = await campaigns.situations()
        going_on = {each.campaign_id for each in every if is_going_on(each)}
        known |= going_on
        if not known:
            return
        yield [each for each in every if each.campaign_id in known]
        if not going_on:
            return
        await anyio.sleep(_JOURNAL_READ_EVERY)


async def _all_to_their_end(looks: AsyncIterator[Sequence[Situation]]) -> Sequence[Situation]:
    console = screen()
    seen: Sequence[Situation] = ()
    if console is None:
        lines = _Lines()
        async for seen in looks:
            lines.show(seen)
        return seen
    with ExitStack() as opened:
        live: Live | None = None
        async for seen in looks:
            live = live or opened.enter_context(_whole_screen(console))
            size, plain = console.size, plain_signs(console)
            shown = board(seen, datetime.now(UTC), width=size.width, height=size.height, ascii_only=plain)
            live.update(shown, refresh=True)
    return seen


def _whole_screen(console: Console) -> Live:
    return Live(console=console, screen=True, redirect_stdout=False, auto_refresh=False)


class _Lines:
    """A line of each campaign whenever it changes, and now and then while it does not."""

    def __init__(self) -> None:
        self._lines: dict[str, PlainLines] = {}
        self._last: dict[str, str] = {}

    def show(self, situations: Iterable[Situation]) -> None:
        for each in situations:
            shown = self._lines.setdefault(each.campaign_id, PlainLines())
            line = progress_line(each)
            if line != self._last.get(each.campaign_id):
                self._last[each.campaign_id] = line
                shown.say(line)
            else:
                shown.pulse(pulse_line(each, datetime.now(UTC)), "")
