"""The commands `plan` and `launch`."""

from functools import partial
from pathlib import Path

import anyio
import typer

from keebai_async.campaign.planned import CampaignState, Plan
from keebai_async.campaign.report import Report
from keebai_async.cli import arguments as a
from keebai_async.cli.exits import Exit
from keebai_async.cli.launching import (
    Manner,
    Wish,
    check_can_ask,
    default_name,
    launch_plan,
    make_plan,
    save_rejects,
    show_plan,
)
from keebai_async.cli.opening import Connection, campaigning
from keebai_async.cli.pairs import pairs
from keebai_async.cli.talk import say
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy, CampaignNotFound, InvalidInput


def plan(
    file: a.People,
    template: a.Template,
    language: a.Language,
    name: a.Name = None,
    phone_number_id: a.PhoneNumberId = None,
    channel_id: a.ChannelId = None,
    column: a.Columns = None,
    limit: a.Limit = None,
    rejects: a.Rejects = None,
    journal: a.Journal = None,
    sandbox: a.OnSandbox = False,
    speed: a.Speed = 1.0,
    json: a.Json = False,
) -> None:
    """Read, check and dedupe a list of people, and say what a launch would do. Nothing is submitted."""
    wish = _wish(file, template, language, name, column, limit)
    connection = Connection(phone_number_id=phone_number_id, channel_id=channel_id, journal=journal)
    manner = Manner(json=json, yes=True, resumable=not sandbox)
    code = anyio.run(partial(_go, wish, connection, manner, rejects, sandbox, speed, dry=True))
    raise typer.Exit(code)


def launch(
    file: a.FileOrPlan,
    template: a.OptionalTemplate = None,
    language: a.OptionalLanguage = None,
    name: a.Name = None,
    phone_number_id: a.PhoneNumberId = None,
    channel_id: a.ChannelId = None,
    yes: a.Yes = False,
    dry_run: a.DryRun = False,
    no_wait: a.NoWait = False,
    column: a.Columns = None,
    limit: a.Limit = None,
    rejects: a.Rejects = None,
    journal: a.Journal = None,
    sandbox: a.OnSandbox = False,
    speed: a.Speed = 1.0,
    json: a.Json = False,
) -> None:
    """Plan, show the plan, ask, submit, follow the delivery to its end, report."""
    connection = Connection(phone_number_id=phone_number_id, channel_id=channel_id, journal=journal)
    manner = Manner(yes=yes, json=json, wait=not no_wait, resumable=not sandbox)
    if not dry_run:
        check_can_ask(manner)
    if template is None and language is None and not Path(file).exists() and not sandbox:
        raise typer.Exit(anyio.run(partial(_launch_kept, file, connection, manner, rejects, dry=dry_run)))
    if template is None or language is None:
        missing = "--template" if template is None else "--language"
        raise InvalidInput(f"{missing} is needed to launch a FILE", field=missing)
    wish = _wish(file, template, language, name, column, limit)
    raise typer.Exit(anyio.run(partial(_go, wish, connection, manner, rejects, sandbox, speed, dry=dry_run)))


def _wish(
    file: str,
    template: str,
    language: str,
    name: str | None,
    column: list[str] | None,
    limit: int | None,
) -> Wish:
    return Wish(
        file=file,
        template=template,
        language=language,
        name=name or default_name(file),
        columns=pairs(column or (), option="--column"),
        limit=limit,
    )


async def _go(
    wish: Wish,
    connection: Connection,
    manner: Manner,
    rejects: Path | None,
    sandbox: bool,
    speed: float,
    *,
    dry: bool,
) -> Exit:
    if sandbox:
        # A sandbox brings a web server along, which no other launch should wait for.
        from keebai_async.cli.sandboxed import on_sandbox, settle_with_ledger

        async with on_sandbox(connection, speed=speed) as (keebai, box):
            code, report = await _plan_and_launch(keebai, wish, manner, rejects, dry=dry)
            return code if report is None else settle_with_ledger(box, report, code)
    async with campaigning(connection) as keebai:
        code, _ = await _plan_and_launch(keebai, wish, manner, rejects, dry=dry)
        return code


async def _plan_and_launch(
    keebai: Keebai, wish: Wish, manner: Manner, rejects: Path | None, *, dry: bool
) -> tuple[Exit, Report | None]:
    made = await make_plan(keebai, wish)
    if rejects is not None:
        await save_rejects(keebai, made, rejects)
    show_plan(keebai, made, json=manner.json)
    if dry:
        if manner.resumable:
            say(f"nothing was submitted; to send it: keebai-async launch {made.campaign_id}")
        return Exit.DONE, None
    return await launch_plan(keebai, made, manner)


async def _launch_kept(
    plan_id: str, connection: Connection, manner: Manner, rejects: Path | None, *, dry: bool
) -> Exit:
    async with campaigning(connection) as keebai:
        made = await _kept(keebai, plan_id)
        if rejects is not None:
            await save_rejects(keebai, made, rejects)
        show_plan(keebai, made, json=manner.json)
        if dry:
            return Exit.DONE
        code, _ = await launch_plan(keebai, made, manner)
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
