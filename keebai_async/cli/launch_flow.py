"""Plan, show, ask, submit, follow, report: what `plan`, `launch` and `demo` have in common."""

from datetime import datetime
from pathlib import Path

import msgspec

from keebai_async.cli.commands.export import save_page
from keebai_async.cli.connect import telling_waits
from keebai_async.cli.console import answer, can_ask, confirm, say
from keebai_async.cli.estimate import Price, estimate
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import emit, plan_line
from keebai_async.cli.option_groups import Choice
from keebai_async.cli.pairs import pairs
from keebai_async.cli.progress import meter
from keebai_async.cli.rejects import write_rejects
from keebai_async.cli.show_run import conclude, follow
from keebai_async.cli.text_output import plan_text
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy, InvalidInput, UnusableSource
from keebai_async.model.plan import Guards, Plan
from keebai_async.model.report import Report


class Wish(msgspec.Struct, frozen=True, kw_only=True):
    """Which people get which template: the options of `plan` and `launch`."""

    file: str
    template: str
    language: str
    choice: Choice = Choice()


class Manner(msgspec.Struct, frozen=True, kw_only=True):
    """How a launch behaves towards the user."""

    yes: bool = False
    json: bool = False
    wait: bool = True
    again: bool = False
    """Whether everyone may get once more what the same list got under the same name."""
    page: Path | None = None
    """Where to write the report as a page."""
    resumable: bool = True
    """Whether another command can go on with the campaign; not so on a sandbox that is gone by then."""


def default_name(file: str) -> str:
    """`clients 2026-11-22`, from the file's name and the day."""
    stem = Path(file).name.split(".")[0] if file != "-" else "campaign"
    return f"{stem or 'campaign'} {datetime.now().astimezone().date().isoformat()}"


async def make_plan(keebai: Keebai, wish: Wish) -> Plan:
    """Read the file and freeze its chunks in the journal. Raises what `Campaigns.plan` raises."""
    choice = wish.choice
    with meter() as shown, telling_waits(keebai):
        return await keebai.campaigns.plan(
            wish.file,
            template=wish.template,
            language=wish.language,
            name=choice.name or default_name(wish.file),
            columns=pairs(choice.column or (), option="--column") or None,
            delimiter=choice.delimiter,
            sheet=choice.sheet,
            options=choice.options,
            progress=lambda progress: shown.show("reading", progress.read, None),
        )


async def save_rejects(keebai: Keebai, plan: Plan, path: Path) -> None:
    """Write the rows that the plan leaves out, and say where they are."""
    count = await write_rejects(path, lambda: keebai.campaigns.rejections(plan.campaign_id))
    say(f"{count:,} rows that are not sent: {path}")


def show_plan(keebai: Keebai, plan: Plan, manner: Manner, *, price: Price | None = None) -> None:
    """Print the plan to stdout, in either form; who is asked about it can read it in any case.

    Raises:
        UnusableSource: it leaves nobody to message.
    """
    expected = estimate(plan, keebai.quotas)
    if manner.json:
        emit(plan_line(plan, expected, price))
    if not (manner.json and manner.yes):
        (say if manner.json else answer)(plan_text(plan, expected, price))
    if not plan.ready:
        raise UnusableSource(
            f"nobody is left to message: {plan.read:,} rows read, {plan.duplicates:,} duplicates,"
            f" {plan.rejected:,} rejected, {plan.suppressed:,} suppressed; mend the rows and plan again"
        )


def check_can_ask(manner: Manner) -> None:
    """Refuse early where nobody could answer the question.

    Raises:
        InvalidInput: there is no terminal to ask on, and no `--yes`.
    """
    if not manner.yes and not can_ask():
        raise InvalidInput(
            "no terminal to ask on, nothing was submitted: add --yes to launch without a question"
            " (or --dry-run to see the plan)"
        )


async def launch_plan(
    keebai: Keebai, plan: Plan, manner: Manner, *, guards: Guards | None = None
) -> tuple[Exit, Report | None]:
    """Ask, submit, follow and report. Without a yes nothing is submitted, and there is no report.

    *guards* replace those of the plan.

    Raises:
        CampaignBusy: another process runs it, or the same list was launched before under the same name.
    """
    if not manner.yes and not confirm(f"Send to {plan.ready:,} people?"):
        say("declined: nothing was submitted")
        if manner.resumable:
            say(f"the plan is kept: keebai-async launch {plan.campaign_id}")
        return Exit.DECLINED, None
    run = keebai.campaigns.start(plan, track=manner.wait, again=manner.again, guards=guards)
    try:
        report = await follow(run, ready=plan.ready, json=manner.json, resumable=manner.resumable)
    except CampaignBusy as error:
        if error.campaign_id == plan.campaign_id:
            raise
        raise CampaignBusy(f"{error} (--again)", campaign_id=error.campaign_id) from error
    if manner.page is not None:
        await save_page(keebai, plan.campaign_id, manner.page)
    return conclude(report, json=manner.json, resumable=manner.resumable), report
