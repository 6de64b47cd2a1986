"""The command `resume`."""

from collections.abc import Callable
from functools import partial
from typing import Annotated

import typer
from msgspec.structs import replace

from keebai_async.cli.connect import Connection, bookkeeping, campaigning, check_plan
from keebai_async.cli.console import confirm
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.launch_flow import LaunchSettings, check_can_ask
from keebai_async.cli.options import (
    GUARDS_PANEL,
    CampaignArgument,
    JournalOption,
    JsonOption,
    NoWaitOption,
    QuotaStoreOption,
    StopAboveOption,
    YesOption,
)
from keebai_async.cli.other_process import ask_and_wait
from keebai_async.cli.output import say
from keebai_async.cli.show_run import conclude, follow
from keebai_async.cli.text_output import report_text
from keebai_async.errors import InvalidInput
from keebai_async.journal.rules import busy
from keebai_async.model.campaign import CampaignState
from keebai_async.model.plan import Guards
from keebai_async.model.report import report_of

NoGuardsOption = Annotated[
    bool,
    typer.Option(
        "--no-guards",
        help="Go on without any guard, also if one stopped the campaign.",
        rich_help_panel=GUARDS_PANEL,
    ),
]


def resume(
    campaign: CampaignArgument,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    stop_above: StopAboveOption = None,
    no_guards: NoGuardsOption = False,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
) -> None:
    """Continue a campaign after a stop, a crash or a pause. Nobody is messaged twice.

    Example: keebai-async resume promo-marzo-1a2b3c4d
    """
    settings = LaunchSettings(yes=yes, json=json, wait=not no_wait)
    check_can_ask(settings)
    if no_guards and stop_above is not None:
        raise InvalidInput("choose one of --stop-above and --no-guards")
    change = partial(_changed, stop_above=stop_above, no_guards=no_guards)
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(interrupts.run(partial(_resume, campaign, connection, settings, change)))


def _changed(guards: Guards, *, stop_above: float | None, no_guards: bool) -> Guards:
    if no_guards:
        return Guards()
    return guards if stop_above is None else replace(guards, stop_above=stop_above)


async def _resume(
    campaign: str, connection: Connection, settings: LaunchSettings, change: Callable[[Guards], Guards]
) -> Exit:
    async with bookkeeping(connection) as keebai:  # another process is asked without a token of ours
        started = await keebai.journal.load(campaign)
        if started.holder is not None and started.state is not CampaignState.PAUSED:
            raise busy(campaign, started.holder)
        if started.holder is None:
            check_plan(keebai, started.plan)
        before = report_of(started)
        if before.unsent and not settings.yes:
            say(report_text(before))
            if not confirm(f"Send to the {before.unsent:,} people who are left?"):
                say("declined: nothing was submitted")
                return Exit.DECLINED
        if started.holder is not None:
            return await ask_and_wait(keebai, campaign, keebai.campaigns.unpause, CampaignState.RUNNING)
    async with campaigning(connection) as keebai:
        guards = change(started.plan.guards)
        run = keebai.campaigns.resume(campaign, track=settings.wait, guards=guards)
        report = await follow(run, ready=before.ready, chunks=before.chunks, json=settings.json)
        return conclude(report, json=settings.json)
