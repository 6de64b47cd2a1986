"""`keebai.campaigns`: plan a campaign, run it, and look after those that were."""

import os
import secrets
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial

from msgspec.structs import replace

from keebai_async.campaign.lead import lead_for
from keebai_async.campaign.opted_out import LastLook
from keebai_async.campaign.run import CampaignRun, StillWanted, Waits
from keebai_async.campaign.terms import NewTerms, changed, dealt_terms
from keebai_async.campaign.whole_run import WholeRun
from keebai_async.campaign_host import AnySender, CampaignHost
from keebai_async.campaign_planning import CampaignPlanning, People
from keebai_async.deciding import decider
from keebai_async.draining import drain_of
from keebai_async.errors import AlreadyLaunched, CampaignBusy, PeoplePurged
from keebai_async.journal.parts import load_parts
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.decided import Act, Decider, decided_by
from keebai_async.model.hours import Hours
from keebai_async.model.moments import unix
from keebai_async.model.part import part_ids, whole_of
from keebai_async.model.plan import Guards, Pace, Plan
from keebai_async.model.reached import Reached
from keebai_async.model.report import Report
from keebai_async.model.sender import Sender
from keebai_async.model.want import Want
from keebai_async.planning.opt_outs import OptOutWatch
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.retry_people import RetryCheck
from keebai_async.polling.planner import PollPlanner, pace_of
from keebai_async.quota.gate import Gate, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.window import Quota, Wait
from keebai_async.taking_up import is_due, is_still_due, take_up


class Campaigns(CampaignPlanning):
    """Campaigns of one client, as its journal keeps them. Made by `Keebai`, used as `keebai.campaigns`.

    Where a campaign's id is asked for, the id of a list over several senders means all its parts; and that of
    a part means it alone.
    """

    async def _last_look(self, campaign: StoredCampaign) -> LastLook | None:
        check = await RetryCheck.of(campaign, self._keebai.journal, now=self._keebai.clock.wall)
        return None if check is None else check.look

    async def want(
        self,
        plan: Plan | str,
        *,
        at: float | datetime | None = None,
        again: bool = False,
        agreed: Iterable[Reached] = (),
        by: str | None = None,
    ) -> None:
        """Have a campaign run by a supervisor of this journal (`keebai.supervise`), from *at* on.

        It is taken up again when the process that runs it ends, until it is finished, a person stops it or
        it needs one. *at* is Unix time, or a time with its offset; by default that of the plan, or now.
        *again* and *agreed* are as for `start`, and so is *by*, who is kept as the one who approved it.

        Raises:
            CampaignNotFound: there is no such campaign.
            AlreadyLaunched: it is a repetition, and nobody said that this is meant.
            InvalidInput: *at* has no offset.
            JournalUnusable: it cannot be written.
        """
        campaign_id = plan if isinstance(plan, str) else plan.campaign_id
        since = 0.0 if at is None else unix(at)
        seen, who = tuple(agreed), decider(by, os.environ)
        if not again:
            await self.check_repetition(campaign_id, agreed=seen)

        def waits(kept: Plan) -> bool:
            return kept.retry is not None or at is None  # a retry refuses to begin earlier; others wait

        wanted = []
        for each in await load_parts(self._keebai.journal, campaign_id):
            part, facts, salt = each.plan.part, each.facts, secrets.token_hex(8)
            named = (self._keebai.token_mark(salt), salt)
            if part is not None and part.account:  # those who have that token run it, or its new one
                named = (facts.token_mark or part.account, facts.token_salt or part.salt)
            want = Want(
                campaign_id=each.plan.campaign_id,
                at=max(since, each.plan.not_before or 0.0) if waits(each.plan) else since,
                again=again,
                agreed=tuple(each for each in seen if each.repeated),
                account=named[0],
                salt=named[1],
            )
            wanted.append(want)
        approved = decided_by(who, Act.APPROVED, at=self._keebai.clock.wall())
        for want in wanted:
            await self._keebai.journal.decide(want.campaign_id, approved)
        await self._keebai.journal.want(*wanted)

    async def due(self) -> tuple[Want, ...]:
        """Those of them that somebody may take up now, with this token, because nobody runs them.

        Raises JournalUnusable.
        """
        wanted = await self._keebai.journal.wanted()
        return tuple(want for want in wanted if is_due(want, self._keebai))

    async def take_up(self, campaign_id: str) -> Report | None:
        """Run a campaign that is wanted to its end, if it is due; None if it is not, or another was quicker.

        It is for a task of a queue or an engine: called for one campaign in many processes, it is run in one.
        What follows is in the journal, as for a supervisor: it stays wanted, is put off, or is done with. A
        task that is cancelled ends its run in good order, and the campaign stays wanted.

        Raises:
            AlreadyLaunched, PeoplePurged, AnotherToken, InvalidInput: it needs a person, and is not wanted
                any more.
            JournalUnusable: the journal cannot be read or written.
        """
        want = next((want for want in await self.due() if want.campaign_id == campaign_id), None)
        if want is None:
            return None
        try:
            return await take_up(self._keebai, want, self.wanted_run)
        except (AlreadyLaunched, PeoplePurged):
            raise
        except CampaignBusy:
            return None

    def wanted_run(self, want: Want) -> CampaignRun:
        """`start` for a campaign that is wanted, as it is wanted."""
        return self._start(
            want.campaign_id,
            terms=NewTerms(),
            track=True,
            again=want.again,
            agreed=want.agreed,
            still_wanted=partial(self._check_still_due, want),
        )

    async def _check_still_due(self, want: Want) -> None:
        if not is_still_due(want, await self._keebai.journal.want_of(want.campaign_id)):
            raise CampaignBusy(
                f"campaign {want.campaign_id} was stopped, held or put off in the instant before it began",
                campaign_id=want.campaign_id,
            )

    async def launch(
        self,
        people: People,
        *,
        template: str,
        language: str,
        at: float | datetime | None = None,
        name: str | None = None,
        sender: Sender | None = None,
        senders: Sequence[AnySender] = (),
        columns: Mapping[str, str] | Sequence[str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        hidden_rows: bool = False,
        options: PlanOptions | None = None,
        again: bool = False,
        by: str | None = None,
    ) -> Plan:
        """`plan`, and then `want`: a supervisor of this journal runs it, here or in another process.

        *at* is in the place of that of *options*; *by* is who plans and approves it, as for `start`.

        Raises what these two raise.
        """
        if at is not None:
            options = replace(options or PlanOptions(), at=at)
        plan = await self.plan(
            people,
            template=template,
            language=language,
            name=name,
            sender=sender,
            senders=senders,
            columns=columns,
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
            hidden_rows=hidden_rows,
            options=options,
            by=by,
        )
        await self.want(plan, again=again, by=by)
        return plan

    def start(
        self,
        plan: Plan | str,
        *,
        track: bool = True,
        again: bool = False,
        agreed: Iterable[Reached] = (),
        guards: Guards | None = None,
        pace: Pace | str | None = None,
        at: float | datetime | str | None = None,
        hours: Hours | str | None = None,
        per_hour: int | str | None = None,
        per_day: int | str | None = None,
        daily_limit: int | str | None = None,
        new_token: bool = False,
        ignore_opt_outs: bool = False,
        by: str | None = None,
    ) -> CampaignRun:
        """Submit what is planned and follow it to the end, inside `async with`; also after a stop or crash.

        *plan* is a Plan or a campaign's id. With *track* false the run ends when everything is submitted.
        A list that was launched before under the same name is refused (CampaignBusy) unless *again*; and so
        is one of which too many people got the same template from another campaign a short time ago, beyond
        what *agreed* (of the plan's `reached_before`) says that somebody has seen and agreed to. *guards*
        replace those of the plan or of the last run, as for a campaign that goes on although one of them
        stopped it. So do *pace*, a Pace or words such as "5000/10m", *hours*, Hours or words such as
        "09:00-20:00 America/Lima", *per_hour*, *per_day* and *daily_limit*, people, each with "off" for none,
        and *at*, the time before which nothing leaves, with "now" for at once. A campaign that was launched
        with another token is refused (AnotherToken) unless *new_token*, and a plan that was made for another
        service always (InvalidInput). Who opted out since the plan was made is cut from it before it is
        submitted, and reported as refused, unless *ignore_opt_outs* says otherwise, now or before.

        *by* is the name of who launches or resumes it, which the journal keeps with the login of this
        process. Without it, it is the name that the environment has for who works here, else the login's.

        A list over several senders is a WholeRun, in which each part runs with the client that has its token:
        this one, one that `plan` was given, or one of `add_client`. All terms are of the whole list.
        """
        terms = NewTerms(
            guards=guards,
            pace=pace,
            at=at,
            hours=hours,
            per_hour=per_hour,
            per_day=per_day,
            daily_limit=daily_limit,
            ignore_opt_outs=ignore_opt_outs,
        )
        return self._start(
            plan if isinstance(plan, str) else plan.campaign_id,
            terms=terms,
            track=track,
            again=again,
            agreed=tuple(agreed),
            new_token=new_token,
            who=decider(by, os.environ),
        )

    def _start(
        self,
        campaign_id: str,
        *,
        terms: NewTerms,
        track: bool,
        again: bool,
        agreed: tuple[Reached, ...] = (),
        new_token: bool = False,
        who: Decider | None = None,
        still_wanted: StillWanted | None = None,
    ) -> CampaignRun:
        """`start`; of a worker, without *who*, nobody launches or resumes it."""
        run = partial(
            self._run_of,
            track=track,
            again=again,
            agreed=agreed,
            new_token=new_token,
            who=who,
            still_wanted=still_wanted,
        )
        part_of_another = bool(self.clients) and whole_of(campaign_id) is not None  # perhaps
        if not part_ids(campaign_id) and not part_of_another:
            return run(campaign_id, self._keebai, terms=terms)

        def run_of(campaign: StoredCampaign, every: Sequence[StoredCampaign]) -> CampaignRun:
            host = self._host_of(campaign)
            return run(
                campaign.plan.campaign_id,
                host,
                terms=dealt_terms(terms, every.index(campaign) + 1, len(every)),
                beside=sum(self._host_of(each).limiter is host.limiter for each in every),
            )

        async def may_begin(every: Sequence[StoredCampaign]) -> None:
            for number, each in enumerate(every, start=1):
                changed(each.terms, dealt_terms(terms, number, len(every)), each.chunks)
            if not again:
                await self.check_repetition(campaign_id, agreed=agreed)

        return WholeRun(
            campaign_id,
            journal=self._keebai.journal,
            clock=self._keebai.clock,
            run_of=run_of,
            may_begin=may_begin,
        )

    def _run_of(
        self,
        campaign_id: str,
        host: CampaignHost,
        *,
        track: bool,
        again: bool,
        agreed: tuple[Reached, ...],
        terms: NewTerms,
        new_token: bool,
        who: Decider | None,
        still_wanted: StillWanted | None,
        beside: int = 1,
    ) -> CampaignRun:
        """The run of one campaign with the token of *host*, of *beside* that share its quota."""
        journal, quotas = self._keebai.journal, _shared(host.quotas, beside)
        return CampaignRun(
            campaign_id,
            journal=journal,
            service=host.campaign_service(),
            clock=host.clock,
            planner=PollPlanner(floor=host.poll_floor, pace=pace_of(quotas)),
            lead=lead_for(quotas),
            waits=_waits_of(host.limiter),
            track=track,
            again=again,
            agreed=agreed,
            reached_before=self._repeated_before,
            prepare_look=self._last_look,
            still_wanted=still_wanted,
            terms=terms,
            token_mark=host.token_mark,
            new_token=new_token,
            opt_outs=OptOutWatch(journal),
            who=who,
            drains=(drain_of(host), drain_of(self._keebai), drain_of(journal)),
            longest_submit=host.longest_submit,
            observer=host.observer,
        )

    def resume(
        self,
        campaign_id: str,
        *,
        track: bool = True,
        again: bool = False,
        guards: Guards | None = None,
        pace: Pace | str | None = None,
        at: float | datetime | str | None = None,
        hours: Hours | str | None = None,
        per_hour: int | str | None = None,
        per_day: int | str | None = None,
        daily_limit: int | str | None = None,
        new_token: bool = False,
        ignore_opt_outs: bool = False,
        by: str | None = None,
    ) -> CampaignRun:
        """The same as `start`, for a campaign that was run before.

        It is refused too (CampaignBusy), unless *again*, if too many of the people who are left got the same
        template from another campaign since it was launched.
        """
        return self.start(
            campaign_id,
            track=track,
            again=again,
            guards=guards,
            pace=pace,
            at=at,
            hours=hours,
            per_hour=per_hour,
            per_day=per_day,
            daily_limit=daily_limit,
            new_token=new_token,
            ignore_opt_outs=ignore_opt_outs,
            by=by,
        )

    async def run(
        self,
        people: People,
        *,
        template: str,
        language: str,
        name: str | None = None,
        sender: Sender | None = None,
        senders: Sequence[AnySender] = (),
        columns: Mapping[str, str] | Sequence[str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        hidden_rows: bool = False,
        options: PlanOptions | None = None,
        again: bool = False,
        by: str | None = None,
    ) -> Report:
        """Plan, submit, follow, report: all in one. Raises what `plan` raises, and JournalUnusable.

        What happens after the first submit is told by the report, not by an exception: see its *state*,
        *reason* and counts.
        """
        plan = await self.plan(
            people,
            template=template,
            language=language,
            name=name,
            sender=sender,
            senders=senders,
            columns=columns,
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
            hidden_rows=hidden_rows,
            options=options,
            by=by,
        )
        async with self.start(plan, again=again, by=by) as run:
            return await run.report()


def _shared(quotas: Sequence[Quota], by: int) -> tuple[Quota, ...]:
    """What one of so many may reckon with, where all of them spend from *quotas*."""
    return tuple(replace(each, limit=max(1, each.limit // by)) for each in quotas)


def _waits_of(limiter: Gate) -> Waits | None:
    """How a run hears of waits for a place, if *limiter* is one that tells."""
    if not isinstance(limiter, RateLimiter):
        return None

    def listening(tell: Callable[[float, str], None]) -> AbstractContextManager[None]:
        def hear(_: Lane, wait: Wait) -> None:
            tell(wait.seconds, wait.why)

        return limiter.listening(hear)

    return listening
