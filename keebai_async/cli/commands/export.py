"""The commands `export`, `report` and `purge`: what the journal keeps of a campaign and its people."""

from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.console import can_ask, confirm, say
from keebai_async.cli.csv_files import private_file
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.html_report import page
from keebai_async.cli.people import Group, write_people
from keebai_async.cli.rejects import write_rejects
from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput
from keebai_async.model.report import report_of

Target = Annotated[
    Path, typer.Argument(metavar="FILE.csv", help="Written whole or not at all, for you alone.")
]
OneOrAll = Annotated[
    str | None,
    typer.Argument(metavar="[CAMPAIGN]", help="Default: every campaign in which everyone is settled."),
]
Unfinished = Annotated[
    bool,
    typer.Option(
        "--unfinished",
        help="Also people who are unsent or unknown; the campaign can never be resumed then.",
    ),
]


def export(
    campaign: a.Campaign,
    file: Target,
    rejected: Annotated[
        bool, typer.Option("--rejected", help="Rows that were never sent, with reasons.")
    ] = False,
    refused: Annotated[bool, typer.Option("--refused", help="People whom the service did not take.")] = False,
    unknown: Annotated[bool, typer.Option("--unknown", help="People in chunks without an answer.")] = False,
    unsent: Annotated[bool, typer.Option("--unsent", help="People who were not submitted yet.")] = False,
    journal: a.Journal = None,
) -> None:
    """Write people of a campaign to a CSV file that only you can read."""
    chosen = [
        group
        for group, wanted in ((Group.REFUSED, refused), (Group.UNKNOWN, unknown), (Group.UNSENT, unsent))
        if wanted
    ]
    if rejected + len(chosen) != 1:
        raise InvalidInput("choose exactly one of --rejected, --refused, --unknown and --unsent")
    group = chosen[0] if chosen else None
    raise typer.Exit(anyio.run(partial(_export, campaign, group, file, Connection(journal=journal))))


async def _export(campaign: str, group: Group | None, file: Path, connection: Connection) -> Exit:
    async with bookkeeping(connection) as keebai:
        await keebai.campaigns.status(campaign)  # an unknown id is an error before a file is made
        if group is None:
            count = await write_rejects(file, lambda: keebai.campaigns.rejections(campaign))
        else:
            count = await write_people(file, lambda: keebai.campaigns.people(campaign, *group.value))
        say(f"{count:,} rows: {file}")
        return Exit.DONE


def report(
    campaign: a.Campaign,
    html: Annotated[Path, typer.Option("--html", metavar="FILE.html", help="Written for you alone.")],
    journal: a.Journal = None,
) -> None:
    """Write a page that shows where a campaign stands, to look at in a browser."""
    raise typer.Exit(anyio.run(partial(_report, campaign, html, Connection(journal=journal))))


async def _report(campaign: str, file: Path, connection: Connection) -> Exit:
    async with bookkeeping(connection) as keebai:
        await save_page(keebai, campaign, file)
        return Exit.DONE


async def save_page(keebai: Keebai, campaign: str, file: Path) -> None:
    """Write the page of a campaign, and say where it is. Raises InvalidInput, CampaignNotFound."""
    started = await keebai.journal.load(campaign)
    with private_file(file) as written:
        written.write(page(report_of(started), started.plan, at=keebai.clock.wall()))
    say(f"a page to look at: {file}")


def purge(
    campaign: OneOrAll = None,
    unfinished: Unfinished = False,
    yes: a.Yes = False,
    journal: a.Journal = None,
) -> None:
    """Remove people from the journal for good: numbers, variables, rows. The counts stay."""
    if campaign is None and unfinished:
        raise InvalidInput("name the CAMPAIGN whose people go although it is not finished")
    if not yes and not can_ask():
        raise InvalidInput(
            "no terminal to ask on, nothing was removed: add --yes to purge without a question"
        )
    question = f"Remove the people of {campaign or 'every finished campaign'} for good?"
    if not yes and not confirm(question):
        say("declined: nothing was removed")
        raise typer.Exit(Exit.DECLINED)
    raise typer.Exit(anyio.run(partial(_purge, campaign, Connection(journal=journal), unfinished=unfinished)))


async def _purge(campaign: str | None, connection: Connection, *, unfinished: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        if campaign is None:
            purged = await keebai.campaigns.purge_finished()
        else:
            await keebai.campaigns.purge(campaign, unfinished=unfinished)
            purged = (campaign,)
    for each in purged:
        say(f"its people are gone: {each}")
    if not purged:
        say("no campaign has people left that may go")
    return Exit.DONE
