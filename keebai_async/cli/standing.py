"""The commands for a campaign that exists: `resume`, `status`, `watch`, `reconcile`, `export`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from keebai_async.campaign.planned import CampaignState
from keebai_async.campaign.report import Report
from keebai_async.cli import arguments as a
from keebai_async.cli.exits import Exit
from keebai_async.cli.following import conclude, follow
from keebai_async.cli.jsonl import emit, typed
from keebai_async.cli.launching import Manner, check_can_ask
from keebai_async.cli.opening import Connection, bookkeeping, campaigning
from keebai_async.cli.people import Group, write_people
from keebai_async.cli.rejects import write_rejects
from keebai_async.cli.render import campaign_line, next_steps, report_text
from keebai_async.cli.talk import answer, confirm, say
from keebai_async.errors import InvalidInput

_LOOK_EVERY = 2.0
"""Seconds between two looks into the journal; they cost no request."""

OptionalCampaign = Annotated[
    str | None, typer.Argument(metavar="[CAMPAIGN]", help="The id that plan and launch print. Default: all.")
]
Target = Annotated[
    Path, typer.Argument(metavar="FILE.csv", help="Written whole or not at all, for you alone.")
]


def resume(
    campaign: a.Campaign,
    yes: a.Yes = False,
    no_wait: a.NoWait = False,
    journal: a.Journal = None,
    json: a.Json = False,
) -> None:
    """Continue a campaign after a stop or a crash. Nobody is messaged twice."""
    manner = Manner(yes=yes, json=json, wait=not no_wait)
    check_can_ask(manner)
    raise typer.Exit(anyio.run(partial(_resume, campaign, Connection(journal=journal), manner)))


async def _resume(campaign: str, connection: Connection, manner: Manner) -> Exit:
    async with campaigning(connection) as keebai:
        before = await keebai.campaigns.status(campaign)
        if before.unsent and not manner.yes:
            say(report_text(before))
            if not confirm(f"Send to the {before.unsent:,} people who are left?"):
                say("declined: nothing was submitted")
                return Exit.DECLINED
        run = keebai.campaigns.resume(campaign, track=manner.wait)
        report = await follow(run, ready=before.ready, chunks=before.chunks, json=manner.json)
        return conclude(report, json=manner.json)


def status(campaign: OptionalCampaign = None, journal: a.Journal = None, json: a.Json = False) -> None:
    """Where a campaign stands, as the journal has it; without an id, all of them, newest first."""
    raise typer.Exit(anyio.run(partial(_status, campaign, Connection(journal=journal), json=json)))


async def _status(campaign: str | None, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        if campaign is None:
            _list(await keebai.campaigns.list(), json=json)
            return Exit.DONE
        report = await keebai.campaigns.status(campaign)
        if json:
            emit(typed("campaign", report))
        else:
            answer(report_text(report))
        for step in next_steps(report):
            say(step)
        return Exit.DONE


def _list(reports: list[Report], *, json: bool) -> None:
    for report in reports:
        if json:
            emit(typed("campaign", report))
        else:
            answer(campaign_line(report))
    if not reports:
        say("no campaigns yet: keebai-async plan FILE --template NAME --language es")


def watch(campaign: a.Campaign, journal: a.Journal = None, json: a.Json = False) -> None:
    """Look on while another process runs the campaign, until it stops or ends. Costs no requests."""
    raise typer.Exit(anyio.run(partial(_watch, campaign, Connection(journal=journal), json=json)))


async def _watch(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        last = ""
        while True:
            report = await keebai.campaigns.status(campaign)
            line = campaign_line(report)
            if line != last:
                last = line
                say(line)
            if report.state != CampaignState.RUNNING.value:
                return conclude(report, json=json)
            await anyio.sleep(_LOOK_EVERY)


def reconcile(
    campaign: a.Campaign,
    chunk: Annotated[int, typer.Option("--chunk", min=1, help="The number of the unknown chunk.")],
    accepted: Annotated[
        str | None,
        typer.Option("--accepted", metavar="BROADCAST-ID", help="It is in the portal, under this id."),
    ] = None,
    resend: Annotated[
        bool, typer.Option("--resend", help="It is not in the portal: submit it again at the next resume.")
    ] = False,
    abandon: Annotated[
        bool, typer.Option("--abandon", help="Give it up: neither sent nor followed.")
    ] = False,
    journal: a.Journal = None,
    json: a.Json = False,
) -> None:
    """Settle a chunk whose outcome is unknown, after a look into the portal."""
    if (accepted is not None) + resend + abandon != 1:
        raise InvalidInput("choose exactly one of --accepted BROADCAST-ID, --resend and --abandon")
    work = partial(_reconcile, campaign, chunk, accepted, resend, abandon, Connection(journal=journal), json)
    raise typer.Exit(anyio.run(work))


async def _reconcile(
    campaign: str,
    chunk: int,
    accepted: str | None,
    resend: bool,
    abandon: bool,
    connection: Connection,
    json: bool,
) -> Exit:
    opened = bookkeeping if accepted is None else campaigning  # what is accepted is checked at the service
    async with opened(connection) as keebai:
        report = await keebai.campaigns.reconcile(
            campaign, chunk, accepted=accepted, resend=resend, abandon=abandon
        )
        if json:
            emit(report)
        else:
            answer(report_text(report))
        for step in next_steps(report):
            say(step)
        return Exit.DONE


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
