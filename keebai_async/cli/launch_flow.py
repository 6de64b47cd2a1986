"""Plan, show, ask, submit, follow, report: what `plan`, `launch` and `demo` have in common."""

import os
from collections.abc import Iterable
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from keebai_async.campaign.terms import NewTerms
from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import (
    Connection,
    campaigning,
    chosen_service,
    quotas_holding,
    spending,
    telling_waits,
)
from keebai_async.cli.console import can_ask, confirm_again, confirm_people
from keebai_async.cli.decided_text import two_people_demanded
from keebai_async.cli.end_notice import EndNotices
from keebai_async.cli.error_line import line_of
from keebai_async.cli.estimate import estimate
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import counted, figure, moment
from keebai_async.cli.json_output import emit, plan_line
from keebai_async.cli.language import phrase
from keebai_async.cli.opt_outs_text import question_on_opt_outs
from keebai_async.cli.option_groups import CampaignOptions, SandboxChoice
from keebai_async.cli.options import journal_option, one_character, pairs
from keebai_async.cli.output import answer, say
from keebai_async.cli.page.campaign_page import save_page
from keebai_async.cli.page.plan_page import save_plan_page
from keebai_async.cli.people_files import check_rejects_file, write_rejects
from keebai_async.cli.places import default_name, refuse_missing_file
from keebai_async.cli.progress import WatchedPart, meter
from keebai_async.cli.reached_text import repetition
from keebai_async.cli.senders import senders_of
from keebai_async.cli.show_run import conclude, follow, with_fates
from keebai_async.cli.text_output import plan_text
from keebai_async.errors import CampaignBusy, InvalidInput, UnusableSource
from keebai_async.model.plan import Plan
from keebai_async.model.reached import Reached
from keebai_async.model.report import Report
from keebai_async.sources.query import QueryRows

NO_CHANGE: Final = NewTerms()


class PlanRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which people get which template: what `plan` and `launch` are asked for."""

    people: str | QueryRows
    """The path of a list, or a query."""
    template: str
    language: str
    options: CampaignOptions = CampaignOptions()
    senders: tuple[str, ...] = ()
    """Those to which it is dealt, as they were named; none for one sender."""


class LaunchSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How a launch behaves towards the user."""

    dry: bool = False
    """Whether it ends with the plan."""
    yes: bool = False
    json: bool = False
    wait: bool = True
    again: bool = False
    detach: bool = False
    """Leave it to a worker."""
    """Whether everyone may get once more what the same list got under the same name."""
    rejects: Path | None = None
    """Where to write the rows that are not sent."""
    excel: bool = False
    """Whether to write them as Excel in Spanish or Portuguese opens them."""
    page: Path | None = None
    """Where to write the report as a page; of one that ends with the plan, the plan."""
    journal: str | None = None
    """The journal that was named as an option, so that it is named in the commands that lead on."""
    notices: EndNotices = EndNotices()
    """Who is told when it has ended."""
    sandbox: bool = False
    """Whether it is about a sandbox of its own, which ends with the command."""

    @property
    def resumable(self) -> bool:
        """Whether another command can go on with the campaign; not so on a sandbox that is gone by then."""
        return not self.sandbox


async def plan_and_launch(
    request: PlanRequest, settings: LaunchSettings, connection: Connection, box: SandboxChoice
) -> Exit:
    """The whole way, at the real service or on a sandbox. Raises what `make_plan` and `launch_plan` raise."""
    file = request.people if isinstance(request.people, str) else None
    if file is not None:
        refuse_missing_file(file)
    if settings.rejects is not None:
        check_rejects_file(settings.rejects, excel=settings.excel, source=file or "-")
    if not box.sandbox:
        async with campaigning(connection) as keebai:
            code, _ = await show_and_launch(keebai, request, settings)
            return code
    # A sandbox brings a web server with it, and no other launch should wait until that is loaded.
    from keebai_async.cli.sandbox_run import compare_with_ledger, on_sandbox, sandbox_words

    async with on_sandbox(connection, speed=box.speed) as (keebai, sandbox):
        say(sandbox_words(box.speed))
        code, report = await show_and_launch(keebai, request, settings)
        return code if report is None else compare_with_ledger(sandbox, report, code)


async def show_and_launch(
    keebai: CampaignClient, request: PlanRequest, settings: LaunchSettings
) -> tuple[Exit, Report | None]:
    """Plan and show it; then, unless this is all, launch it. There is a report if it was launched."""
    plan = await make_plan(keebai, request)
    if settings.rejects is not None:
        await save_rejects(keebai, plan, settings.rejects, excel=settings.excel)
    show_plan(keebai, plan, settings)
    if not settings.dry:
        return await launch_plan(keebai, plan, settings)
    save_page_of_plan(keebai, plan, settings)
    say_how_to_launch(plan, settings)
    return Exit.DONE, None


def save_page_of_plan(keebai: CampaignClient, plan: Plan, settings: LaunchSettings) -> None:
    """Write the page of a plan, if one is wanted. Raises InvalidInput."""
    if settings.page is not None:
        save_plan_page(
            plan,
            estimate(plan, quotas_holding(keebai)),
            settings.page,
            at=keebai.clock.wall(),
            launch=_launch_again(plan, settings),
        )


def say_how_to_launch(plan: Plan, settings: LaunchSettings) -> None:
    """How a plan that is kept is sent."""
    if settings.resumable:
        when = ""
        if plan.not_before is not None:
            when = phrase(" from {time} on", time=moment(plan.not_before))
        command = _launch_again(plan, settings)
        say(phrase("nothing was submitted; to send it{when}: {command}", when=when, command=command))


def _launch_again(plan: Plan, settings: LaunchSettings) -> str:
    return f"keebai-async launch {plan.campaign_id}{journal_option(settings.journal)}"


def check_can_ask(settings: LaunchSettings, *, or_else: str = "") -> None:
    """Refuse early where nobody could answer the question.

    Raises:
        InvalidInput: there is no terminal to ask on, and no `--yes`.
    """
    if not settings.yes and not can_ask():
        raise InvalidInput(
            f"no terminal to ask on, nothing was submitted: add --yes to send without a question{or_else}"
        )


async def make_plan(keebai: CampaignClient, request: PlanRequest) -> Plan:
    """Read the file and freeze its chunks in the journal. Raises what `Campaigns.plan` raises."""
    options = request.options
    with meter() as shown, telling_waits(keebai):
        return await keebai.campaigns.plan(
            request.people,
            template=request.template,
            language=request.language,
            name=options.name or default_name(request.people if isinstance(request.people, str) else None),
            senders=senders_of(request.senders, keebai, chosen_service().variables),
            columns=pairs(options.column or (), option="--column", form="FIELD=COLUMN") or None,
            delimiter=one_character(options.delimiter, option="--delimiter"),
            encoding=options.encoding,
            sheet=options.sheet,
            hidden_rows=options.hidden_rows,
            options=options.plan_options,
            progress=lambda progress: shown.show(phrase("reading"), progress.read, None),
        )


async def save_rejects(keebai: CampaignClient, plan: Plan, path: Path, *, excel: bool = False) -> None:
    """Write the rows that the plan leaves out, and say where they are."""
    count = await write_rejects(path, lambda: keebai.campaigns.rejections(plan.campaign_id), excel=excel)
    rows = counted(count, "{count} row that is not sent", "{count} rows that are not sent")
    say(f"{rows}: {path}")


def show_plan(keebai: CampaignClient, plan: Plan, settings: LaunchSettings) -> None:
    """Print the plan to stdout, in either form; who is asked about it can read it in any case.

    Raises:
        UnusableSource: it leaves nobody to message.
    """
    expected = estimate(plan, quotas_holding(keebai), now=keebai.clock.wall())
    if settings.json:
        emit(plan_line(plan, expected))
    if not (settings.json and settings.yes):
        (say if settings.json else answer)(plan_text(plan, expected, now=keebai.clock.wall()))
    if not plan.ready:
        raise UnusableSource(
            f"nobody is left to message: {figure(plan.read)} rows read, {figure(plan.duplicates)} duplicates,"
            f" {figure(plan.rejected)} rejected, {figure(plan.suppressed)} suppressed;"
            " fix the rows and plan again"
        )


def _say_what_is_kept(plan: Plan, settings: LaunchSettings) -> None:
    """How a plan that was not launched after all can be."""
    if settings.resumable:
        say(phrase("the plan is kept: {command}", command=_launch_again(plan, settings)))


async def _leave_to_a_worker(
    keebai: CampaignClient,
    plan: Plan,
    settings: LaunchSettings,
    agreed: Iterable[Reached],
    terms: NewTerms,
) -> None:
    """Raises InvalidInput if *terms* change more than its time: a worker takes the others from the plan."""
    same = terms.daily_limit == plan.daily_limit  # as a profile says it of each campaign
    kept = replace(terms, at=None, daily_limit=None if same else terms.daily_limit)
    if kept != NO_CHANGE or (terms.at is not None and plan.not_before is not None):
        raise InvalidInput(
            "a worker takes guards, pace, hours and opt-outs from the plan: give them to plan, or leave"
            " --detach out",
            field="--detach",
        )
    at = terms.at if isinstance(terms.at, datetime) else None
    await keebai.campaigns.want(plan, at=at, again=settings.again, agreed=agreed)
    journal = journal_option(settings.journal)
    starts = plan.not_before if at is None else at.timestamp()
    when = "" if starts is None else "," + phrase(" from {time} on", time=moment(starts))
    say(phrase("left to a worker{when}: {command}", when=when, command=f"keebai-async work{journal}"))
    status = f"keebai-async status {plan.campaign_id}{journal}"
    say(phrase("to see where it stands: {command}", command=status))


async def launch_plan(
    keebai: CampaignClient,
    plan: Plan,
    settings: LaunchSettings,
    *,
    terms: NewTerms = NO_CHANGE,
) -> tuple[Exit, Report | None]:
    """Ask, submit, follow and report. Without a yes nothing is submitted, and there is no report.

    *terms* replace those of the plan.

    Raises:
        CampaignBusy: another process runs it, or it is a repetition: the same list was launched before under
            the same name; or too many people got the same a short time ago, and nobody is asked about that.
    """
    asked = not settings.yes and repetition(plan, now=keebai.clock.wall())
    agreed = plan.reached_before if asked else ()
    later = 0 if settings.yes else await keebai.campaigns.opted_out_since(plan.campaign_id)
    try:
        if settings.resumable and two_people_demanded(os.environ):
            await keebai.campaigns.check_two_people(plan.campaign_id)
        await keebai.campaigns.check_retry(plan.campaign_id)
        if not settings.again:
            await keebai.campaigns.check_repetition(plan.campaign_id, agreed=agreed)
        if not settings.yes:
            try:
                confirmed = _confirmed(keebai, plan, settings, later=later, ignored=terms.ignore_opt_outs)
            except KeyboardInterrupt:
                _say_what_is_kept(plan, settings)
                raise
            if not confirmed:
                say(phrase("declined: nothing was submitted"))
                _say_what_is_kept(plan, settings)
                return Exit.DECLINED, None
        if settings.detach:
            await _leave_to_a_worker(keebai, plan, settings, agreed, terms)
            return Exit.DONE, None
        run = keebai.campaigns.start(
            plan,
            track=settings.wait,
            again=settings.again,
            agreed=agreed,
            guards=terms.guards,
            pace=terms.pace,
            at=terms.at,
            hours=terms.hours,
            per_hour=terms.per_hour,
            per_day=terms.per_day,
            daily_limit=terms.daily_limit,
            ignore_opt_outs=terms.ignore_opt_outs,
        )
        situation = await follow(
            run,
            ready=plan.ready,
            parts=[WatchedPart(each.campaign_id, each.sender.id, each.ready) for each in plan.parts],
            json=settings.json,
            resumable=settings.resumable,
            journal=settings.journal,
            spent=partial(spending, keebai),
        )
    except CampaignBusy as error:
        if error.campaign_id == plan.campaign_id:
            raise
        raise CampaignBusy(f"{error} (--again)", campaign_id=error.campaign_id) from error
    situation = await with_fates(keebai, situation)
    code = conclude(situation, json=settings.json, resumable=settings.resumable, journal=settings.journal)
    if settings.page is not None:
        try:
            await save_page(keebai, plan.campaign_id, settings.page)
        except InvalidInput as error:  # too late to be a wrong input: people have been messaged
            say(line_of(error, chosen_service().variables))
            code = Exit.NO_FILE if code is Exit.DONE else code
    await settings.notices.tell(situation, code, clock=keebai.clock)
    return code, situation.report


def _confirmed(
    keebai: CampaignClient, plan: Plan, settings: LaunchSettings, *, later: int, ignored: bool
) -> bool:
    out = question_on_opt_outs(plan.opt_outs_ignored or 0, later, ignored=ignored)
    same = repetition(plan, now=keebai.clock.wall())
    test = phrase("This is a test. ") if plan.test else ""
    if settings.sandbox:
        test = phrase("This is a sandbox: nobody is messaged. ") + test
    if same:
        send = counted(
            plan.ready, "Send to {count} person all the same?", "Send to {count} people all the same?"
        )
        return confirm_again(f"{test}{out}{same}{send}", plan.ready)
    send = counted(plan.ready, "Send to {count} person?", "Send to {count} people?")
    return confirm_people(f"{test}{out}{send}", plan.ready)
