"""The command `launch`."""

import os
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
from msgspec.structs import replace

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping, campaigning, check_plan
from keebai_async.cli.decided_text import refuse_alone
from keebai_async.cli.end_notice import end_notices
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.launch_flow import (
    LaunchSettings,
    PlanRequest,
    check_can_ask,
    launch_plan,
    plan_and_launch,
    save_page_of_plan,
    save_rejects,
    show_plan,
)
from keebai_async.cli.list_argument import FileOrPlanArgument
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.option_groups import CampaignOptions, OutputOptions, SandboxChoice
from keebai_async.cli.options import (
    OUTPUT_PANEL,
    NotifyOption,
    NoWaitOption,
    OnEndOption,
    OptionalLanguageOption,
    OptionalTemplateOption,
    YesOption,
)
from keebai_async.cli.people_files import check_rejects_file
from keebai_async.errors import CampaignBusy, CampaignNotFound, InvalidInput
from keebai_async.model.campaign import CampaignState
from keebai_async.model.plan import Plan

DryRunOption = Annotated[bool, typer.Option("--dry-run", help="Stop after the plan; nothing is submitted.")]
AgainOption = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Send although it is a repetition: the same list was launched under the same name, or many of"
        " its people got the same template, or one with the same words, in the last 20 hours."
        " They get it twice.",
    ),
]
ReportOption = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a page that shows the outcome, to look at in a browser.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]

DetachOption = Annotated[
    bool, typer.Option("--detach", help="Leave it to a worker (keebai-async work), which runs or will run.")
]


def launch(
    options: CampaignOptions,
    connection: Connection,
    box: SandboxChoice,
    output: OutputOptions,
    file: FileOrPlanArgument = None,
    template: OptionalTemplateOption = None,
    language: OptionalLanguageOption = None,
    yes: YesOption = False,
    dry_run: DryRunOption = False,
    no_wait: NoWaitOption = False,
    again: AgainOption = False,
    detach: DetachOption = False,
    report: ReportOption = None,
    on_end: OnEndOption = None,
    notify: NotifyOption = None,
) -> None:
    """Plan, show the plan, ask, submit, follow the delivery to its end, report.

    Example: keebai-async launch clients.csv --template promo --language es
    """
    settings = LaunchSettings(
        dry=dry_run,
        yes=yes,
        json=output.json,
        wait=not no_wait,
        again=again,
        detach=detach,
        rejects=output.rejects,
        excel=output.excel,
        page=report,
        notices=end_notices(on_end, notify, os.environ),
        journal=connection.journal,
        sandbox=box.sandbox,
    )
    if detach and box.sandbox:
        raise InvalidInput("a sandbox ends with this command: leave --detach out", field="--detach")
    if not dry_run:
        check_can_ask(settings, or_else=" (or --dry-run to see the plan)")
    people = options.people(file)
    if (
        isinstance(people, str)
        and template is language is None
        and not Path(people).exists()
        and not box.sandbox
    ):
        raise typer.Exit(interrupts.run(partial(_launch_kept, people, options, connection, settings)))
    if template is None or language is None:
        missing = "--template" if template is None else "--language"
        raise InvalidInput(f"{missing} is needed to launch a FILE", field=missing)
    if not dry_run and not box.sandbox and not options.test_to:
        refuse_alone(os.environ, instead="plan it, and let somebody else launch the plan by its id")
    request = PlanRequest(
        people=people,
        template=template,
        language=language,
        options=options,
        senders=tuple(connection.sender or ()),
    )
    raise typer.Exit(interrupts.run(partial(plan_and_launch, request, settings, connection, box)))


async def _launch_kept(
    plan_id: str, options: CampaignOptions, connection: Connection, settings: LaunchSettings
) -> Exit:
    given = [*options.for_a_list, *(["--sender"] if connection.sender else [])]
    if given:
        raise InvalidInput(
            f"{', '.join(given)} cannot change a plan that is made,"
            f" and there is no file {plan_id}: leave it out, or plan the FILE again"
        )
    if settings.rejects is not None:
        check_rejects_file(settings.rejects, excel=settings.excel)
    async with bookkeeping(connection) as keebai:  # a wrong id is told before a token is asked for
        made = await _kept(keebai, plan_id)
        made = options.priced(await keebai.campaigns.as_of_now(made))
    async with campaigning(connection, made.campaign_id) as keebai:
        if settings.rejects is not None:
            await save_rejects(keebai, made, settings.rejects, excel=settings.excel)
        show_plan(keebai, made, settings)
        if settings.dry:
            save_page_of_plan(keebai, made, settings)
            return Exit.DONE
        guards = None
        if options.stop_above is not None:
            guards = replace(made.guards, stop_above=options.stops_above)
        said = options.terms_for(made, os.environ)
        terms = replace(said, guards=guards, ignore_opt_outs=options.ignore_opt_outs)
        code, _ = await launch_plan(keebai, made, settings, terms=terms)
        return code


async def _kept(keebai: CampaignClient, plan_id: str) -> Plan:
    try:
        plan_id = await campaign_id(keebai, plan_id, plans=True)
        kept = await keebai.campaigns.situation(plan_id)
    except CampaignNotFound as error:
        raise InvalidInput(
            f"there is no file {plan_id}, and no plan of that id in the journal: check the path; see:"
            " keebai-async list"
        ) from error
    if kept.report.state is not CampaignState.PLANNED:
        raise CampaignBusy(
            f"campaign {plan_id} was launched before and is {kept.report.state.value}:"
            f" keebai-async status {plan_id}, or keebai-async resume {plan_id}",
            campaign_id=plan_id,
        )
    plan = await keebai.campaigns.plan_of(plan_id)
    check_plan(keebai, plan)
    return plan
