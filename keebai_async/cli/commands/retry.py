"""The command `retry`."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping, campaigning, check_plan, telling_waits
from keebai_async.cli.decided_text import refuse_alone
from keebai_async.cli.end_notice import end_notices
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit, retry_line, typed
from keebai_async.cli.language import phrase
from keebai_async.cli.launch_flow import (
    LaunchSettings,
    check_can_ask,
    launch_plan,
    save_rejects,
    say_how_to_launch,
    show_plan,
)
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.option_groups import OutputOptions, RetryOptions
from keebai_async.cli.options import (
    OUTPUT_PANEL,
    CampaignArgument,
    JournalOption,
    NotifyOption,
    NoWaitOption,
    OnEndOption,
    QuotaStoreOption,
    YesOption,
    given_time,
)
from keebai_async.cli.output import answer
from keebai_async.cli.people_files import check_rejects_file
from keebai_async.cli.progress import meter
from keebai_async.cli.retry_text import retry_lines
from keebai_async.errors import UnusableSource
from keebai_async.model.plan import Plan
from keebai_async.model.retry import RetryChoice

RetryAtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Take in who is due by then (2026-10-01T09:00:00-03:00). The plan is kept, to be launched then.",
    ),
]
RetryAgainOption = Annotated[
    bool, typer.Option("--again", help="Send also to those who had a retry already, which failed too.")
]
PlanOnlyOption = Annotated[bool, typer.Option("--dry-run", help="Stop after the plan; nothing is submitted.")]
RetryReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a page that shows the outcome, to look at in a browser.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]


def retry(
    campaign: CampaignArgument,
    options: RetryOptions,
    output: OutputOptions,
    at: RetryAtOption = None,
    again: RetryAgainOption = False,
    dry_run: PlanOnlyOption = False,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    report: RetryReportOption = None,
    on_end: OnEndOption = None,
    notify: NotifyOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
) -> None:
    """Send once more to those whose failure says that it helps, and to nobody who has it or may have it.

    By what webhooks told: who is due by the code's own wait is planned, shown, asked about and sent to as by
    launch. Before each request, everybody in it is looked at once more.

    Example: keebai-async retry promo-marzo-1a2b3c4d
    """
    settings = LaunchSettings(
        dry=dry_run,
        yes=yes,
        json=output.json,
        wait=not no_wait,
        again=again,
        rejects=output.rejects,
        excel=output.excel,
        page=report,
        notices=end_notices(on_end, notify, os.environ),
        journal=journal,
    )
    when = None if at is None else given_time(at, option="--at").timestamp()
    if not dry_run and when is None:
        refuse_alone(os.environ, instead="add --dry-run, and let somebody else launch the plan by its id")
        check_can_ask(settings)
    if settings.rejects is not None:
        check_rejects_file(settings.rejects, excel=settings.excel)
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(interrupts.run(partial(_retry, campaign, when, options, settings, connection)))


async def _retry(
    campaign: str, at: float | None, options: RetryOptions, settings: LaunchSettings, connection: Connection
) -> Exit:
    async with bookkeeping(connection) as keebai:  # who is due is told before a token is asked for
        campaign = await campaign_id(keebai, campaign)
        check_plan(keebai, await keebai.campaigns.plan_of(campaign))
        account = await keebai.campaigns.retryable(campaign, at=at, again=settings.again)
        if not account.people(RetryChoice.NOW):
            if settings.json:
                emit(typed("retry", retry_line(account)))
            else:
                answer("\n".join(retry_lines(account)))
            raise UnusableSource("nobody may be sent to again: nothing was planned")
    async with campaigning(connection, campaign) as keebai:
        plan = await _plan(keebai, campaign, at, options, settings)
        if settings.rejects is not None:
            await save_rejects(keebai, plan, settings.rejects, excel=settings.excel)
        show_plan(keebai, plan, settings)
        if settings.dry or plan.not_before is not None:
            say_how_to_launch(plan, settings)
            return Exit.DONE
        code, _ = await launch_plan(keebai, plan, settings)
        return code


async def _plan(
    keebai: CampaignClient, campaign: str, at: float | None, options: RetryOptions, settings: LaunchSettings
) -> Plan:
    with meter() as shown, telling_waits(keebai):
        return await keebai.campaigns.retry(
            campaign,
            at=at,
            again=settings.again,
            name=options.name,
            options=options.as_for_a_list.plan_options,
            progress=lambda progress: shown.show(phrase("reading"), progress.read, None),
        )
