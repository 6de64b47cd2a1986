"""The commands for a campaign that exists: `resume`, `status`, `list`, `watch`."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import anyio
import typer
from msgspec.structs import replace

from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, bookkeeping, campaigning, spending, token_known
from keebai_async.cli.console import answer, confirm, say
from keebai_async.cli.exit_codes import Exit, line_of
from keebai_async.cli.json_output import emit, typed
from keebai_async.cli.launch_flow import Manner, check_can_ask
from keebai_async.cli.show_run import conclude, follow
from keebai_async.cli.steering import ask
from keebai_async.cli.text_output import campaign_line, next_steps, report_text
from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput, QuotaUnusable
from keebai_async.journal.rules import busy
from keebai_async.model.campaign import CampaignState
from keebai_async.model.plan import Guards
from keebai_async.model.report import Report, report_of

_LOOK_EVERY = 2.0
"""Seconds between two looks into the journal; they cost no request."""

_ALIVE = {CampaignState.RUNNING.value, CampaignState.PAUSED.value}

OptionalCampaign = Annotated[
    str | None, typer.Argument(metavar="[CAMPAIGN]", help="The id that plan and launch print. Default: all.")
]


def resume(
    campaign: a.Campaign,
    yes: a.Yes = False,
    no_wait: a.NoWait = False,
    stop_above: a.StopAbove = None,
    no_guards: a.NoGuards = False,
    journal: a.Journal = None,
    quota_store: a.QuotaStore = None,
    json: a.Json = False,
) -> None:
    """Continue a campaign after a stop, a crash or a pause. Nobody is messaged twice."""
    manner = Manner(yes=yes, json=json, wait=not no_wait)
    check_can_ask(manner)
    if no_guards and stop_above is not None:
        raise InvalidInput("choose one of --stop-above and --no-guards")
    change = partial(_changed, stop_above=stop_above, no_guards=no_guards)
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(anyio.run(partial(_resume, campaign, connection, manner, change)))


def _changed(guards: Guards, *, stop_above: float | None, no_guards: bool) -> Guards:
    if no_guards:
        return Guards()
    return guards if stop_above is None else replace(guards, stop_above=stop_above)


async def _resume(
    campaign: str, connection: Connection, manner: Manner, change: Callable[[Guards], Guards]
) -> Exit:
    async with campaigning(connection) as keebai:
        started = await keebai.journal.load(campaign)
        if started.holder is not None and started.state is not CampaignState.PAUSED:
            raise busy(campaign, started.holder)
        before = report_of(started)
        if before.unsent and not manner.yes:
            say(report_text(before))
            if not confirm(f"Send to the {before.unsent:,} people who are left?"):
                say("declined: nothing was submitted")
                return Exit.DECLINED
        if started.holder is not None:
            return await ask(keebai, campaign, keebai.campaigns.unpause, CampaignState.RUNNING)
        guards = change(started.plan.guards)
        run = keebai.campaigns.resume(campaign, track=manner.wait, guards=guards)
        report = await follow(run, ready=before.ready, chunks=before.chunks, json=manner.json)
        return conclude(report, json=manner.json)


def status(
    campaign: OptionalCampaign = None,
    journal: a.Journal = None,
    quota_store: a.QuotaStore = None,
    json: a.Json = False,
) -> None:
    """Where a campaign stands, as the journal has it; without an id, all of them, newest first."""
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(anyio.run(partial(_status, campaign, connection, json=json)))


async def _status(campaign: str | None, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        if campaign is None:
            _list(await keebai.campaigns.list(), json=json)
            await _tell_spending(keebai)
            return Exit.DONE
        report = await keebai.campaigns.status(campaign)
        if json:
            emit(typed("campaign", report))
        else:
            answer(report_text(report))
        for step in next_steps(report):
            say(step)
        await _tell_spending(keebai)
        return Exit.DONE


async def _tell_spending(keebai: Keebai) -> None:
    """Where a campaign stands is known even if the store of the quota is not there."""
    try:
        spent = await spending(keebai)
    except QuotaUnusable as error:
        say(line_of(error))
        return
    if token_known():
        say(f"quota: {spent} spent")


def _list(reports: list[Report], *, json: bool) -> None:
    for report in reports:
        if json:
            emit(typed("campaign", report))
        else:
            answer(campaign_line(report))
    if not reports:
        say("no campaigns yet: keebai-async plan FILE --template NAME --language es")


def list_(journal: a.Journal = None, quota_store: a.QuotaStore = None, json: a.Json = False) -> None:
    """The same as `status` without an id."""
    status(None, journal, quota_store, json)


def watch(campaign: a.Campaign, journal: a.Journal = None, json: a.Json = False) -> None:
    """Look on while another process runs the campaign, until it stops or ends. Costs no requests."""
    raise typer.Exit(anyio.run(partial(_watch, campaign, Connection(journal=journal), json=json)))


async def _watch(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        last = ""
        while True:
            started = await keebai.journal.load(campaign)
            report = report_of(started)
            line = campaign_line(report)
            if line != last:
                last = line
                say(line)
            if started.holder is None:
                return _concluded(report, json=json)
            await anyio.sleep(_LOOK_EVERY)


def _concluded(report: Report, *, json: bool) -> Exit:
    code = conclude(report, json=json)
    if report.state not in _ALIVE:
        return code
    say("the process that ran it is gone, without a word of farewell")
    return Exit.UNKNOWN if code is Exit.UNKNOWN else Exit.FAILED
