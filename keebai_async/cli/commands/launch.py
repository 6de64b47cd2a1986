"""The commands `plan` and `launch`."""

from functools import partial
from pathlib import Path

import anyio
import typer
from msgspec.structs import replace

from keebai_async.cli import options as a
from keebai_async.cli.connect import Connection, campaigning
from keebai_async.cli.console import say
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.expanding import expand
from keebai_async.cli.launch_flow import (
    Manner,
    Wish,
    check_can_ask,
    launch_plan,
    make_plan,
    save_rejects,
    show_plan,
)
from keebai_async.cli.option_groups import Box, Choice, Output
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy, CampaignNotFound, InvalidInput
from keebai_async.model.campaign import CampaignState
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report


@expand
def plan(
    file: a.People,
    template: a.Template,
    language: a.Language,
    choice: Choice,
    connection: Connection,
    box: Box,
    output: Output,
) -> None:
    """Read, check and dedupe a list of people, and say what a launch would do. Nothing is submitted."""
    wish = Wish(file=file, template=template, language=language, choice=choice)
    manner = Manner(json=output.json, yes=True, resumable=not box.sandbox)
    raise typer.Exit(anyio.run(partial(_go, wish, connection, manner, output, box, dry=True)))


@expand
def launch(
    file: a.FileOrPlan,
    choice: Choice,
    connection: Connection,
    box: Box,
    output: Output,
    template: a.OptionalTemplate = None,
    language: a.OptionalLanguage = None,
    yes: a.Yes = False,
    dry_run: a.DryRun = False,
    no_wait: a.NoWait = False,
    again: a.Again = False,
    report: a.Page = None,
) -> None:
    """Plan, show the plan, ask, submit, follow the delivery to its end, report."""
    manner = Manner(
        yes=yes, json=output.json, wait=not no_wait, resumable=not box.sandbox, again=again, page=report
    )
    if not dry_run:
        check_can_ask(manner)
    if template is None and language is None and not Path(file).exists() and not box.sandbox:
        work = partial(_launch_kept, file, choice, connection, manner, output, dry=dry_run)
        raise typer.Exit(anyio.run(work))
    if template is None or language is None:
        missing = "--template" if template is None else "--language"
        raise InvalidInput(f"{missing} is needed to launch a FILE", field=missing)
    wish = Wish(file=file, template=template, language=language, choice=choice)
    raise typer.Exit(anyio.run(partial(_go, wish, connection, manner, output, box, dry=dry_run)))


async def _go(
    wish: Wish,
    connection: Connection,
    manner: Manner,
    output: Output,
    box: Box,
    *,
    dry: bool,
) -> Exit:
    if box.sandbox:
        # A sandbox brings a web server along, which no other launch should wait for.
        from keebai_async.cli.sandboxed import on_sandbox, settle_with_ledger

        async with on_sandbox(connection, speed=box.speed) as (keebai, service):
            code, report = await _plan_and_launch(keebai, wish, manner, output, dry=dry)
            return code if report is None else settle_with_ledger(service, report, code)
    async with campaigning(connection) as keebai:
        code, _ = await _plan_and_launch(keebai, wish, manner, output, dry=dry)
        return code


async def _plan_and_launch(
    keebai: Keebai, wish: Wish, manner: Manner, output: Output, *, dry: bool
) -> tuple[Exit, Report | None]:
    made = await make_plan(keebai, wish)
    if output.rejects is not None:
        await save_rejects(keebai, made, output.rejects)
    show_plan(keebai, made, manner, price=wish.choice.price)
    if dry:
        if manner.resumable:
            say(f"nothing was submitted; to send it: keebai-async launch {made.campaign_id}")
        return Exit.DONE, None
    return await launch_plan(keebai, made, manner)


async def _launch_kept(
    plan_id: str, choice: Choice, connection: Connection, manner: Manner, output: Output, *, dry: bool
) -> Exit:
    if choice.for_a_list:
        raise InvalidInput(
            f"{', '.join(choice.for_a_list)}: only for a FILE, and there is none named {plan_id};"
            " a plan stays as it was made"
        )
    async with campaigning(connection) as keebai:
        made = await _kept(keebai, plan_id)
        if output.rejects is not None:
            await save_rejects(keebai, made, output.rejects)
        show_plan(keebai, made, manner, price=choice.price)
        if dry:
            return Exit.DONE
        guards = None
        if choice.stop_above is not None:
            guards = replace(made.guards, stop_above=choice.stop_above)
        code, _ = await launch_plan(keebai, made, manner, guards=guards)
        return code


async def _kept(keebai: Keebai, plan_id: str) -> Plan:
    try:
        kept = await keebai.journal.load(plan_id)
    except CampaignNotFound as error:
        raise InvalidInput(f"there is no file {plan_id}, and no plan of that id in the journal") from error
    if kept.state is not CampaignState.PLANNED:
        raise CampaignBusy(
            f"campaign {plan_id} was launched before and is {kept.state.value}:"
            f" keebai-async status {plan_id}, or keebai-async resume {plan_id}",
            campaign_id=plan_id,
        )
    return kept.plan
