"""`keebai.campaigns`: plan a campaign, run it, and look after those that were."""

import os
import secrets
from collections.abc import AsyncIterable, AsyncIterator, Callable, Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Final, Protocol

import anyio.to_thread
from msgspec.structs import replace

from keebai_async.campaign.lead import lead_for
from keebai_async.campaign.opted_out import LastLook
from keebai_async.campaign.reconcile import PortalEntry, portal_entries, reconcile
from keebai_async.campaign.repetition import refuse_reached, refuse_repetition
from keebai_async.campaign.run import CampaignRun, Waits
from keebai_async.campaign.service import CampaignService, check_service
from keebai_async.campaign.terms import NewTerms
from keebai_async.campaign_looks import CampaignLooks, LooksHost
from keebai_async.draining import drain_of
from keebai_async.errors import AlreadyLaunched, CampaignBusy, PeoplePurged, UnusableSource
from keebai_async.model.campaign import CampaignState, StoredCampaign, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import FateGroup
from keebai_async.model.hours import Hours
from keebai_async.model.moments import unix
from keebai_async.model.plan import Guards, Pace, Plan, slug
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Recipient, Rejection
from keebai_async.model.report import Report
from keebai_async.model.retry import RetryAccount, RetryChoice
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.want import Want
from keebai_async.observe import Observer
from keebai_async.observe.campaign_records import CampaignMoved
from keebai_async.planning.opt_outs import OptOutWatch, opted_out_since
from keebai_async.planning.plan import PlanOptions, PlanProgress, make_plan
from keebai_async.planning.reached_people import reached_before
from keebai_async.planning.retry_people import (
    RetryCheck,
    RetrySource,
    refuse_retry,
    refuse_without_people,
)
from keebai_async.planning.told_people import ToldPeople, told_people
from keebai_async.polling.planner import PollPlanner, pace_of
from keebai_async.quota.gate import Gate, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.window import Quota, Wait
from keebai_async.sources import Source, open_source
from keebai_async.sources.objects import AsyncItems
from keebai_async.taking_up import is_due, take_up

RETRY_NAME: Final = " (retry)"
"""What stands behind the name of a campaign that is a retry."""

People = (
    str
    | os.PathLike[str]
    | Iterable[Mapping[str, object] | Recipient]
    | AsyncIterable[Mapping[str, object] | Recipient]
)
"""A path, or people one by one: rows in the flat form, in the service's own shape, or Recipients."""


class CampaignHost(LooksHost, Protocol):
    """What campaigns use of the client they belong to."""

    @property
    def quotas(self) -> tuple[Quota, ...]: ...

    @property
    def limiter(self) -> Gate: ...

    @property
    def poll_floor(self) -> float: ...

    @property
    def longest_submit(self) -> float: ...

    @property
    def observer(self) -> Observer: ...

    def token_mark(self, salt: str) -> str: ...

    def sender_or(self, sender: Sender | None = None) -> Sender: ...

    def campaign_service(self) -> CampaignService: ...


class Campaigns(CampaignLooks):
    """Campaigns of one client, as its journal keeps them. Made by `Keebai`, used as `keebai.campaigns`."""

    def __init__(self, keebai: CampaignHost) -> None:
        super().__init__(keebai)
        self._keebai = keebai

    async def plan(
        self,
        people: People,
        *,
        template: str,
        language: str,
        name: str | None = None,
        sender: Sender | None = None,
        columns: Mapping[str, str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        hidden_rows: bool = False,
        options: PlanOptions | None = None,
        progress: Callable[[PlanProgress], None] | None = None,
    ) -> Plan:
        """Read *people*, check everyone against the template, and freeze the chunks in the journal.

        Nothing is sent. *name* is the campaign's name (default: the template's), *columns* says which
        column of the source holds what (`{"to": "phone"}`), *delimiter* is that of a CSV (default: found),
        *encoding* that of a text (default: UTF-8, or UTF-16 if it begins with the mark of that), *sheet* one
        of a workbook (default: the one that is shown when it is opened), *hidden_rows* reads also its rows
        that are hidden or filtered out, *progress* is called now and then while reading.

        Raises:
            UnusableSource: the list as a whole cannot be read, or nobody in it can be messaged.
            PlanTooLarge: a limit of *options* on people or cost.
            TemplateUnusable: no such template in that language, not approved, or a variable without column.
            InvalidInput: no sender, one that the token cannot send from, or an option that makes no sense.
            RequestError: the template could not be fetched, or the token is rejected.
        """
        name = name or template
        source = open_source(
            people,
            columns=columns,
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
            hidden_rows=hidden_rows,
        )
        return await self._plan(
            source,
            template=template,
            language=language,
            name=name,
            sender=sender,
            options=options,
            people=people,
            progress=progress,
        )

    async def _plan(
        self,
        source: Source,
        *,
        template: str,
        language: str,
        name: str,
        sender: Sender | None,
        options: PlanOptions | None,
        people: object = None,
        retry: RetryAccount | None = None,
        not_before: float | None = None,
        progress: Callable[[PlanProgress], None] | None,
    ) -> Plan:
        keebai = self._keebai
        service = keebai.campaign_service()
        options = options or PlanOptions()
        options.chunk_size_for(service.largest_chunk)  # what cannot be is refused before a request is spent
        sender = keebai.sender_or(sender)
        fetched = await service.template(template, language)
        listed = await service.listed(sender)
        plan = await make_plan(
            source,
            campaign_id=f"{slug(name)}-{secrets.token_hex(4)}",
            name=name,
            template=fetched,
            sender=sender,
            sender_number="" if listed is None else listed.number,
            sender_notes=tuple(_notes_on(sender, listed)),
            journal=keebai.journal,
            service=service.name,
            largest_chunk=service.largest_chunk,
            created_at=keebai.clock.wall(),
            options=options,
            count_rest=await anyio.to_thread.run_sync(_is_file, people),
            retry=retry,
            not_before=not_before,
            progress=progress,
        )
        await keebai.journal.set_state(plan.campaign_id, CampaignState.PLANNED, requests=service.requests)
        planned = CampaignState.PLANNED
        keebai.observer(CampaignMoved(campaign=plan.campaign_id, before=planned, state=planned))
        return replace(plan, reached_before=await self.reached_before(plan.campaign_id))

    async def retryable(
        self, campaign_id: str, *, at: float | None = None, again: bool = False
    ) -> RetryAccount:
        """What `retry` would do with whom, at the time *at* (Unix time, default now). Nothing is made.

        Raises:
            CampaignNotFound: there is no such campaign, or people of it or of a retry of it were purged.
            InvalidInput: it was not launched.
        """
        source, _ = await self._retry_source(campaign_id, at=at, again=again)
        return await source.account()

    async def retry(
        self,
        campaign_id: str,
        *,
        at: float | None = None,
        again: bool = False,
        name: str | None = None,
        options: PlanOptions | None = None,
        progress: Callable[[PlanProgress], None] | None = None,
    ) -> Plan:
        """Plan a campaign to those of another one whose failure says "later", and whose wait is over.

        They get the same template with the same variables from the same sender. Left out is, by what webhooks
        told, who has it, who may have it, whose code says never or asks for a fix, and, unless *again*, who
        had a retry already. Of whom nothing was told is left out: silence proves nothing. Before each chunk
        is submitted, everybody in it is looked at once more.

        *at* is Unix time (default now): who is due by then is in it, and it cannot be sent before. *name* is
        the new campaign's name (default: that of the other, with "(retry)" behind it). *options* are as for
        `plan`.

        Raises what `plan` raises, and:
            CampaignNotFound: there is no such campaign, or people of it or of a retry of it were purged.
            InvalidInput: it was not launched.
            UnusableSource: nobody may be sent to again then.
        """
        source, now = await self._retry_source(campaign_id, at=at, again=again)
        account = await source.account()
        before = (await self._keebai.journal.load(campaign_id)).plan
        check_service(before, self._keebai.campaign_service().name)
        if not account.people(RetryChoice.NOW):
            raise UnusableSource(
                f"nobody of campaign {campaign_id} may be sent to again at that time, by what webhooks told"
            )
        people = AsyncItems(source.rows(), columns={})
        people.description = f"those of campaign {campaign_id} who failed"
        return await self._plan(
            people,
            template=before.template,
            language=before.language,
            name=name or f"{before.name.removesuffix(RETRY_NAME)}{RETRY_NAME}",
            sender=before.sender,
            options=options,
            retry=account,
            not_before=None if at is None or at <= now else at,
            progress=progress,
        )

    async def _retry_source(
        self, campaign_id: str, *, at: float | None, again: bool
    ) -> tuple[RetrySource, float]:
        journal, now = self._keebai.journal, self._keebai.clock.wall()
        campaign = await journal.load(campaign_id)
        refuse_without_people(campaign, await journal.campaigns())
        return RetrySource(campaign, journal, at=max(now, at or now), again=again), now

    async def check_retry(self, campaign_id: str) -> None:
        """Refuse what `start` would refuse of a retry, before anybody is asked for a yes.

        Raises:
            CampaignNotFound: there is no such campaign.
            CampaignBusy: it is not to be sent yet, another retry to the same people runs, or people of them
                were purged, so that nobody can say who has it by now.
        """
        journal = self._keebai.journal
        every = await journal.campaigns()
        refuse_retry(await journal.load(campaign_id), every, now=self._keebai.clock.wall())

    async def _last_look(self, campaign: StoredCampaign) -> LastLook | None:
        check = await RetryCheck.of(campaign, self._keebai.journal, now=self._keebai.clock.wall)
        return None if check is None else check.look

    async def reached_before(self, campaign_id: str) -> tuple[Reached, ...]:
        """What other campaigns of the journal have to do with the people of this one who are unsent.

        It compares people, whatever the name, the list or the date: see `Reached`. A test has none.

        Raises:
            CampaignNotFound: there is no such campaign.
            JournalUnusable: it cannot be read.
        """
        return await self._reached_before(await self._keebai.journal.load(campaign_id))

    async def _reached_before(self, campaign: StoredCampaign) -> tuple[Reached, ...]:
        return await reached_before(campaign, self._keebai.journal, now=self._keebai.clock.wall())

    async def _repeated_before(self, campaign: StoredCampaign) -> tuple[Reached, ...]:
        now = self._keebai.clock.wall()
        return await reached_before(campaign, self._keebai.journal, now=now, only_repeated=True)

    async def opted_out_since(self, campaign_id: str) -> int:
        """How many of the people who are unsent opted out by now, but for those let in on purpose.

        Raises:
            CampaignNotFound: there is no such campaign.
            JournalUnusable: it cannot be read.
        """
        return await opted_out_since(await self._keebai.journal.load(campaign_id), self._keebai.journal)

    async def check_repetition(self, campaign_id: str, *, agreed: Iterable[Reached] = ()) -> None:
        """Refuse what `start` would refuse as a repetition, before anybody is asked for a yes.

        *agreed* is as for `start`.

        Raises:
            CampaignNotFound: there is no such campaign.
            CampaignBusy: the same list was launched before under the same name, or too many of the people got
                the same template a short time ago.
        """
        campaign = await self._keebai.journal.load(campaign_id)
        await refuse_repetition(campaign, self._keebai.journal)
        refuse_reached(campaign, await self._repeated_before(campaign), agreed=agreed)

    async def want(
        self,
        plan: Plan | str,
        *,
        at: float | datetime | None = None,
        again: bool = False,
        agreed: Iterable[Reached] = (),
    ) -> None:
        """Have a campaign run by a supervisor of this journal (`keebai.supervise`), from *at* on.

        It is taken up again when the process that runs it ends, until it is finished, a person stops it or
        it needs one. *at* is Unix time, or a time with its offset; by default that of the plan, or now.
        *again* and *agreed* are as for `start`.

        Raises:
            CampaignNotFound: there is no such campaign.
            AlreadyLaunched: it is a repetition, and nobody said that this is meant.
            InvalidInput: *at* has no offset.
            JournalUnusable: it cannot be written.
        """
        campaign_id = plan if isinstance(plan, str) else plan.campaign_id
        since = 0.0 if at is None else unix(at)
        seen = tuple(agreed)
        if not again:
            await self.check_repetition(campaign_id, agreed=seen)
        kept = (await self._keebai.journal.load(campaign_id)).plan
        if kept.retry is not None or at is None:  # a retry refuses to begin earlier; others wait in their run
            since = max(since, kept.not_before or 0.0)
        salt = secrets.token_hex(8)
        wanted = Want(
            campaign_id=campaign_id,
            at=since,
            again=again or bool(seen),
            account=self._keebai.token_mark(salt),
            salt=salt,
        )
        await self._keebai.journal.want(wanted)

    async def unwant(self, campaign_id: str) -> bool:
        """Let no supervisor take a campaign up (again); one that runs it goes on. False if none was to."""
        return await self._keebai.journal.unwant(campaign_id)

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
        return self.start(want.campaign_id, again=want.again)

    async def launch(
        self,
        people: People,
        *,
        template: str,
        language: str,
        at: float | datetime | None = None,
        name: str | None = None,
        sender: Sender | None = None,
        columns: Mapping[str, str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        hidden_rows: bool = False,
        options: PlanOptions | None = None,
        again: bool = False,
    ) -> Plan:
        """`plan`, and then `want`: a supervisor of this journal runs it, here or in another process.

        *at* is in the place of that of *options*.

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
            columns=columns,
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
            hidden_rows=hidden_rows,
            options=options,
        )
        await self.want(plan, again=again)
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
        new_token: bool = False,
        ignore_opt_outs: bool = False,
    ) -> CampaignRun:
        """Submit what is planned and follow it to the end, inside `async with`; also after a stop or crash.

        *plan* is a Plan or a campaign's id. With *track* false the run ends when everything is submitted.
        A list that was launched before under the same name is refused (CampaignBusy) unless *again*; and so
        is one of which too many people got the same template from another campaign a short time ago, beyond
        what *agreed* (of the plan's `reached_before`) says that somebody has seen and agreed to. *guards*
        replace those of the plan or of the last run, as for a campaign that goes on although one of them
        stopped it. So do *pace*, a Pace or words such as "5000/10m", *hours*, Hours or words such as
        "09:00-20:00 America/Lima", *per_hour* and *per_day*, people, each with "off" for none, and *at*, the
        time before which nothing leaves, with "now" for at once. A campaign that was launched with another
        token is refused (AnotherToken) unless *new_token*, and a plan that was made for another service
        always (InvalidInput). Who opted out since the plan was made is cut from it before it is submitted,
        and reported as refused, unless *ignore_opt_outs* says otherwise, now or before.
        """
        return CampaignRun(
            plan if isinstance(plan, str) else plan.campaign_id,
            journal=self._keebai.journal,
            service=self._keebai.campaign_service(),
            clock=self._keebai.clock,
            planner=PollPlanner(floor=self._keebai.poll_floor, pace=pace_of(self._keebai.quotas)),
            lead=lead_for(self._keebai.quotas),
            waits=_waits_of(self._keebai.limiter),
            track=track,
            again=again,
            agreed=agreed,
            reached_before=self._repeated_before,
            prepare_look=self._last_look,
            terms=NewTerms(
                guards=guards,
                pace=pace,
                at=at,
                hours=hours,
                per_hour=per_hour,
                per_day=per_day,
                ignore_opt_outs=ignore_opt_outs,
            ),
            token_mark=self._keebai.token_mark,
            new_token=new_token,
            opt_outs=OptOutWatch(self._keebai.journal),
            drains=(drain_of(self._keebai), drain_of(self._keebai.journal)),
            longest_submit=self._keebai.longest_submit,
            observer=self._keebai.observer,
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
        new_token: bool = False,
        ignore_opt_outs: bool = False,
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
            new_token=new_token,
            ignore_opt_outs=ignore_opt_outs,
        )

    async def run(
        self,
        people: People,
        *,
        template: str,
        language: str,
        name: str | None = None,
        sender: Sender | None = None,
        columns: Mapping[str, str] | None = None,
        delimiter: str | None = None,
        encoding: str | None = None,
        sheet: str | None = None,
        hidden_rows: bool = False,
        options: PlanOptions | None = None,
        again: bool = False,
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
            columns=columns,
            delimiter=delimiter,
            encoding=encoding,
            sheet=sheet,
            hidden_rows=hidden_rows,
            options=options,
        )
        async with self.start(plan, again=again) as run:
            return await run.report()

    async def remove(self, campaign_id: str) -> None:
        """Remove a plan that was never launched, as if it had not been made.

        Raises:
            CampaignNotFound: there is none.
            CampaignBusy: it was launched, so what became of its people stays known.
        """
        await self._keebai.journal.remove(campaign_id)

    def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        """The rows of a campaign's list that were not ready, in the order of the list."""
        return self._keebai.journal.rejections(campaign_id)

    async def people(self, campaign_id: str, *states: ChunkState) -> AsyncIterator[tuple[Chunk, bytes]]:
        """The chunks in one of *states* that answer for somebody, with the JSON array of those people."""
        campaign = await self._keebai.journal.load(campaign_id)
        for chunk in campaign.chunks:
            if chunk.state in states and chunk.recipients:
                yield chunk, await self._keebai.journal.items(campaign_id, chunk.number)

    async def pause(self, campaign_id: str) -> bool:
        """Ask the process that runs a campaign to submit nothing more; False if none runs it."""
        return await self._keebai.journal.ask(campaign_id, Wish.PAUSE)

    async def unpause(self, campaign_id: str) -> bool:
        """Ask the process that runs a paused campaign to go on; False if none runs it."""
        return await self._keebai.journal.ask(campaign_id, Wish.RESUME)

    async def take_wish_back(self, campaign_id: str) -> bool:
        """Take back what was asked of the process that runs a campaign; False if it has heard it already."""
        return await self._keebai.journal.ask(campaign_id, None)

    async def stop(self, campaign_id: str) -> bool:
        """Ask the process that runs a campaign to stop in good order; False if none runs it."""
        return await self._keebai.journal.ask(campaign_id, Wish.STOP)

    async def told(self, campaign_id: str, group: FateGroup) -> AsyncIterator[ToldPeople]:
        """The people of a campaign who are in *group* by what webhooks told, with what it was, by chunk.

        Raises:
            CampaignNotFound: there is no such campaign, or its people were purged.
        """
        campaign = await self._keebai.journal.load(campaign_id)
        async for people in told_people(campaign, self._keebai.journal, group.has):
            yield people

    async def purge(self, campaign_id: str, *, unfinished: bool = False) -> None:
        """Remove the people of a campaign from the journal for good, and keep its counts.

        Raises:
            CampaignBusy: it runs; or people in it are unsent or unknown, and *unfinished* does not say that
                they may go too. It can never be resumed then.
        """
        await self._keebai.journal.purge(campaign_id, unfinished=unfinished)

    async def purge_finished(self) -> tuple[str, ...]:
        """Purge every campaign in which everyone is settled; gives the ids of those purged now."""
        return tuple(await self._keebai.journal.purge_finished())

    async def unknown(self, campaign_id: str) -> tuple[PortalEntry, ...]:
        """The chunks whose outcome a person has to settle, each with what to look for in the portal."""
        journal = self._keebai.journal
        return await portal_entries(await journal.load(campaign_id), journal, clock=self._keebai.clock)

    async def reconcile(
        self,
        campaign_id: str,
        chunk: int,
        *,
        accepted: str | None = None,
        resend: bool = False,
        abandon: bool = False,
        take_back: bool = False,
    ) -> Report:
        """Settle a chunk whose outcome is unknown, by a person's word; exactly one of the four.

        *accepted* is the broadcast id that the person found at the service: it is read there first.
        *resend* says that nothing arrived, so that the next run submits the chunk again. *abandon* gives
        its people up. *take_back* takes *resend* back, as long as no run has submitted the chunk.

        Raises:
            InvalidInput: not exactly one word is given, the chunk does not exist or is not unknown, or
                the broadcast has another number of recipients or is another chunk already; or the campaign
                was planned for another service than this client's.
            NotFound: the service does not know that broadcast.
            CampaignBusy: a process runs the campaign now; or it is too early for *resend*, because what left
                before its process ended may still arrive. The message says how long to wait.
        """
        service = self._keebai.campaign_service()
        return await reconcile(
            campaign_id,
            chunk,
            journal=self._keebai.journal,
            service=service.name,
            read=service.progress,
            clock=self._keebai.clock,
            accepted=accepted,
            resend=resend,
            abandon=abandon,
            take_back=take_back,
            observer=self._keebai.observer,
        )


def _is_file(people: object) -> bool:
    """Whether it certainly has an end."""
    return isinstance(people, str | os.PathLike) and os.path.isfile(people)  # noqa: PTH113 - of bytes too


def _notes_on(sender: Sender, listed: ListedSender | None) -> Iterator[str]:
    if listed is None:
        yield f"whether the token can send from {sender.id} is not known: the list of senders cannot be read"
    elif listed.status.lower() not in {"", "active"}:
        yield f"the service says that {sender.id} is {listed.status}: it may refuse to send from it"


def _waits_of(limiter: Gate) -> Waits | None:
    """How a run hears of waits for a place, if *limiter* is one that tells."""
    if not isinstance(limiter, RateLimiter):
        return None

    def listening(tell: Callable[[float, str], None]) -> AbstractContextManager[None]:
        def hear(_: Lane, wait: Wait) -> None:
            tell(wait.seconds, wait.why)

        return limiter.listening(hear)

    return listening
