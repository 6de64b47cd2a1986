"""The command `resume`."""

import os
from collections.abc import Sequence
from functools import partial
from typing import Annotated, Final

import msgspec
import typer
from msgspec.structs import replace

from keebai_async.campaign.terms import NewTerms
from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping, campaigning, check_plan, spending
from keebai_async.cli.console import confirm_people
from keebai_async.cli.decided_text import two_people_demanded
from keebai_async.cli.end_notice import end_notices
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import counted
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.language import phrase
from keebai_async.cli.launch_flow import LaunchSettings, check_can_ask
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.opt_outs_text import question_on_opt_outs
from keebai_async.cli.options import (
    GUARDS_PANEL,
    WHEN_PANEL,
    CampaignArgument,
    DailyLimitOption,
    HoursOption,
    IgnoreOptOutsOption,
    JournalOption,
    JsonOption,
    LangOption,
    NotifyOption,
    NoWaitOption,
    OnEndOption,
    PaceOption,
    PerDayOption,
    PerHourOption,
    QuotaStoreOption,
    StopAboveOption,
    YesOption,
    ZoneOption,
    given_share,
)
from keebai_async.cli.other_process import ask_and_wait, tell_outcome
from keebai_async.cli.output import say
from keebai_async.cli.progress import WatchedPart
from keebai_async.cli.show_run import conclude, follow, with_fates
from keebai_async.cli.text_output import report_text
from keebai_async.cli.when import new_terms
from keebai_async.errors import CampaignBusy, InvalidInput
from keebai_async.journal.parts import load_parts
from keebai_async.journal.rules import busy
from keebai_async.model.campaign import CampaignState, RunTerms, StoredCampaign
from keebai_async.model.plan import Guards
from keebai_async.model.situation import Standing

NoGuardsOption = Annotated[
    bool,
    typer.Option(
        "--no-guards",
        help="Go on without any guard, also if one stopped the campaign.",
        rich_help_panel=GUARDS_PANEL,
    ),
]


NewTokenOption = Annotated[
    bool,
    typer.Option(
        "--new-token",
        help="Go on although it was launched with another token: yours is a new one of the same account.",
    ),
]


GoOnAgainOption = Annotated[
    bool,
    typer.Option(
        "--again",
        help="Go on although many of the people who are left got the same template from another campaign"
        " since this one was launched. They get it twice.",
    ),
]


ResumeAtOption = Annotated[
    str | None,
    typer.Option(
        "--at",
        metavar="TIME",
        help="Submit nothing before that: 2026-12-01T09:00:00-03:00, or without its offset by the clocks of"
        " --zone. now ends a time that was named before.",
        rich_help_panel=WHEN_PANEL,
    ),
]


def resume(
    campaign: CampaignArgument,
    yes: YesOption = False,
    no_wait: NoWaitOption = False,
    stop_above: StopAboveOption = None,
    no_guards: NoGuardsOption = False,
    pace: PaceOption = None,
    at: ResumeAtOption = None,
    hours: HoursOption = None,
    zone: ZoneOption = None,
    per_hour: PerHourOption = None,
    per_day: PerDayOption = None,
    daily_limit: DailyLimitOption = None,
    new_token: NewTokenOption = False,
    again: GoOnAgainOption = False,
    ignore_opt_outs: IgnoreOptOutsOption = False,
    on_end: OnEndOption = None,
    notify: NotifyOption = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Continue a campaign after a stop, a crash or a pause. Nobody is messaged twice.

    Example: keebai-async resume promo-marzo-1a2b3c4d
    """
    settings = LaunchSettings(
        yes=yes,
        json=json,
        wait=not no_wait,
        journal=journal,
        notices=end_notices(on_end, notify, os.environ),
    )
    check_can_ask(settings)
    if no_guards and stop_above is not None:
        raise InvalidInput("choose one of --stop-above and --no-guards")
    changes = Changes(
        stop_above=given_share(stop_above, option="--stop-above"),
        no_guards=no_guards,
        pace=pace,
        at=at,
        hours=hours,
        zone=zone,
        per_hour=per_hour,
        per_day=per_day,
        daily_limit=daily_limit,
        new_token=new_token,
        again=again,
        ignore_opt_outs=ignore_opt_outs,
    )
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(interrupts.run(partial(_resume, campaign, connection, settings, changes)))


class Changes(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be otherwise than in the last run."""

    stop_above: float | None = None
    no_guards: bool = False
    pace: str | None = None
    at: str | None = None
    hours: str | None = None
    zone: str | None = None
    per_hour: str | None = None
    per_day: str | None = None
    daily_limit: str | None = None
    new_token: bool = False
    again: bool = False
    ignore_opt_outs: bool = False

    def terms(self, before: RunTerms) -> NewTerms:
        """Raises InvalidInput."""
        new = new_terms(
            self.at,
            self.hours,
            self.zone,
            self.per_hour,
            self.per_day,
            daily_limit=self.daily_limit,
            pace=self.pace,
            before=before.hours,
        )
        return replace(new, guards=self.guards(before.guards), ignore_opt_outs=self.ignore_opt_outs)

    def guards_of(self, parts: Sequence[StoredCampaign]) -> Guards | None:
        """Those of a campaign, or of a list over several senders; None if each part keeps its own."""
        if len(parts) == 1:
            return self.guards(parts[0].terms.guards)
        if self.stop_above is None and not self.no_guards:
            return None
        canaries = [each.terms.guards.canary or 0 for each in parts]
        return self.guards(Guards(canary=sum(canaries) or None))

    def guards(self, before: Guards) -> Guards:
        if self.no_guards:
            return Guards()
        return before if self.stop_above is None else replace(before, stop_above=self.stop_above)


async def _resume(campaign: str, connection: Connection, settings: LaunchSettings, changes: Changes) -> Exit:
    async with bookkeeping(connection) as keebai:  # another process is asked without a token of ours
        campaign = await campaign_id(keebai, campaign)
        parts = await load_parts(keebai.journal, campaign)
        terms = replace(changes.terms(parts[0].terms), guards=changes.guards_of(parts))
        free = [each for each in parts if each.holder is None and not all(one.settled for one in each.chunks)]
        held = [each.holder for each in parts if each.holder is not None]
        paused = any(each.holder is not None and each.state is CampaignState.PAUSED for each in parts)
        if held and not paused and not free:
            raise busy(campaign, held[0])
        if not paused:
            check_plan(keebai, parts[0].plan)
            if two_people_demanded(os.environ):
                await keebai.campaigns.check_two_people(campaign)
            if not changes.again:
                await _check_repetition(keebai, campaign)
        elif changes != _NO_CHANGES:
            raise InvalidInput(
                "the process that paused it goes on as it was told: to change that, first"
                f" keebai-async stop {campaign}"
            )
        situation = await keebai.campaigns.situation(campaign)
        before = situation.report
        if before.unsent and not settings.yes:
            say(report_text(situation))
            later = await keebai.campaigns.opted_out_since(campaign)
            ignored = changes.ignore_opt_outs or before.ignores_opt_outs
            out = question_on_opt_outs(0, later, ignored=ignored)
            send = counted(
                before.unsent,
                "Send to the {count} person who is left?",
                "Send to the {count} people who are left?",
            )
            if not confirm_people(f"{out}{send}", before.unsent):
                say(phrase("declined: nothing was submitted"))
                return Exit.DECLINED
        if paused:
            now = await ask_and_wait(keebai, campaign, keebai.campaigns.unpause, Standing.RUNNING)
            return tell_outcome(now, json=settings.json, journal=connection.journal)
    async with campaigning(connection, campaign) as keebai:
        run = keebai.campaigns.resume(
            campaign,
            track=settings.wait,
            guards=terms.guards,
            pace=terms.pace,
            at=terms.at,
            hours=terms.hours,
            per_hour=terms.per_hour,
            per_day=terms.per_day,
            daily_limit=terms.daily_limit,
            new_token=changes.new_token,
            again=changes.again,
            ignore_opt_outs=terms.ignore_opt_outs,
        )
        now = await follow(
            run,
            ready=before.ready,
            chunks=before.chunks,
            parts=[WatchedPart.of(each) for each in before.parts],
            json=settings.json,
            journal=connection.journal,
            spent=partial(spending, keebai),
        )
        now = await with_fates(keebai, now)
        code = conclude(now, json=settings.json, journal=connection.journal)
        await settings.notices.tell(now, code, clock=keebai.clock)
        return code


_NO_CHANGES: Final = Changes()


async def _check_repetition(keebai: CampaignClient, campaign: str) -> None:
    try:
        await keebai.campaigns.check_repetition(campaign)
    except CampaignBusy as error:
        raise CampaignBusy(f"{error} (--again)", campaign_id=error.campaign_id) from error
