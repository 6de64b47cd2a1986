"""`keebai.campaigns`: plan a campaign, run it, and look after those that were."""

import os
import secrets
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Awaitable,
    Callable,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from contextlib import AbstractContextManager
from datetime import datetime
from functools import partial
from typing import Final, Protocol

import anyio.to_thread
from msgspec.structs import replace

from keebai_async.campaign.lead import lead_for
from keebai_async.campaign.opted_out import LastLook
from keebai_async.campaign.reconcile import PortalEntry, portal_entries, reconcile
from keebai_async.campaign.repetition import refuse_reached, refuse_repetition
from keebai_async.campaign.run import CampaignRun, Waits
from keebai_async.campaign.service import CampaignService, check_service
from keebai_async.campaign.terms import NewTerms, changed, dealt_terms
from keebai_async.campaign.whole_run import WholeRun
from keebai_async.campaign_looks import CampaignLooks, LooksHost
from keebai_async.draining import drain_of
from keebai_async.errors import AlreadyLaunched, CampaignBusy, InvalidInput, PeoplePurged, UnusableSource
from keebai_async.journal.parts import load_parts, load_with_siblings
from keebai_async.model.campaign import CampaignState, StoredCampaign, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import FateGroup
from keebai_async.model.hours import Hours
from keebai_async.model.moments import unix
from keebai_async.model.part import MOST_SENDERS, part_ids, whole_id, whole_of
from keebai_async.model.plan import Guards, Pace, Plan, slug
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Recipient, Rejection
from keebai_async.model.report import Report
from keebai_async.model.requests import Requests
from keebai_async.model.retry import RetryAccount, RetryChoice
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.template import Template
from keebai_async.model.want import Want
from keebai_async.model.whole import (
    whole_retry,
)
from keebai_async.observe import Observer
from keebai_async.observe.campaign_records import CampaignMoved
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.opt_outs import OptOutWatch, opted_out_since
from keebai_async.planning.plan import PlanOptions, PlanProgress, make_plan
from keebai_async.planning.reached_people import reached_before
from keebai_async.planning.retry_people import (
    RetryCheck,
    RetrySource,
    refuse_retry,
    refuse_without_people,
)
from keebai_async.planning.shares import DealtSender
from keebai_async.planning.template import check_alike
from keebai_async.planning.told_people import ToldPeople, told_people
from keebai_async.planning.written_before import written_by
from keebai_async.polling.planner import PollPlanner, pace_of
from keebai_async.quota.gate import Gate, Lane
from keebai_async.quota.limiter import RateLimiter
from keebai_async.quota.window import Quota, Wait
from keebai_async.sources import Source, open_source
from keebai_async.sources.handed import HandedFile
from keebai_async.sources.objects import AsyncItems
from keebai_async.taking_up import is_due, take_up

RETRY_NAME: Final = " (retry)"
"""What stands behind the name of a campaign that is a retry."""

People = (
    str
    | os.PathLike[str]
    | Iterable[Mapping[str, object] | Recipient]
    | AsyncIterable[Mapping[str, object] | Recipient]
    | Iterable[Sequence[object]]
    | AsyncIterable[Sequence[object]]
    | HandedFile
)
"""A path, bytes, a file that is open, an upload; or people one by one: rows in the flat form, in the
service's own shape, Recipients, or tuples that *columns* names."""


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


AnySender = Sender | CampaignHost | tuple[Sender, CampaignHost]
"""A sender of the client's own token; another client, for its own sender with its own token; or both."""


class Campaigns(CampaignLooks):
    """Campaigns of one client, as its journal keeps them. Made by `Keebai`, used as `keebai.campaigns`.

    Where a campaign's id is asked for, the id of a list over several senders means all its parts; and that of
    a part means it alone.
    """

    def __init__(self, keebai: CampaignHost) -> None:
        super().__init__(keebai)
        self._keebai = keebai
        self._clients: list[CampaignHost] = []

    @property
    def clients(self) -> tuple[CampaignHost, ...]:
        """Those of other tokens, with which the parts of lists run that those tokens send."""
        return tuple(self._clients)

    def add_client(self, client: CampaignHost) -> None:
        """Let the parts of lists that the token of *client* sends run with it, in this journal.

        `plan` does so by itself; it is for those who go on with such a list. *client* stays open as long.
        """
        if client is not self._keebai and not any(client is each for each in self._clients):
            self._clients.append(client)

    async def plan(
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
        progress: Callable[[PlanProgress], None] | None = None,
    ) -> Plan:
        """Read *people*, check everyone against the template, and freeze the chunks in the journal.

        Nothing is sent. *name* is the campaign's name (default: the template's), *columns* says which
        column of the source holds what (`{"to": "phone"}`) or, of rows that are tuples, what their values are
        (`["to", "nombre"]`), *delimiter* is that of a CSV (default: found),
        *encoding* that of a text (default: UTF-8, or UTF-16 if it begins with the mark of that), *sheet* one
        of a workbook (default: the one that is shown when it is opened), *hidden_rows* reads also its rows
        that are hidden or filtered out, *progress* is called now and then while reading.

        With *senders* the list is dealt to them, each person to one: who was written to by one of them in the
        last 90 days stays with it, and of the others each always belongs to the same one. What is left out,
        by whatever rule, is left out of the whole list. Another client among them stands for its own sender
        with its own token. The Plan is of the whole, with an id of its own, and its *parts* are campaigns.

        Raises:
            UnusableSource: the list as a whole cannot be read, or nobody in it can be messaged.
            PlanTooLarge: a limit of *options* on people or cost.
            TemplateUnusable: no such template in that language, not approved, or a variable without column.
            InvalidInput: no sender, one that the token cannot send from, one that comes twice, or an option
                that makes no sense.
            RequestError: the template could not be fetched, or the token is rejected.
        """
        if sender is not None and senders:
            raise InvalidInput("give sender or senders, not both", field="senders")
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
            hosts=_hosts_of(senders or (self._keebai.sender_or(sender),), self._keebai),
            dealt=bool(senders),
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
        hosts: Sequence[tuple[Sender, CampaignHost]],
        dealt: bool = False,
        options: PlanOptions | None,
        people: object = None,
        retry: RetryAccount | None = None,
        retries: Sequence[RetryAccount] = (),
        written: Sequence[KeySet] | None = None,
        not_before: float | None = None,
        progress: Callable[[PlanProgress], None] | None,
    ) -> Plan:
        keebai = self._keebai
        service = keebai.campaign_service()
        options = options or PlanOptions()
        options.chunk_size_for(service.largest_chunk)  # what cannot be is refused before a request is spent
        fetched = await service.template(template, language)
        shares, notes = await self._shares(hosts, fetched, service, retries)
        if dealt and written is None:
            who = [share.sender for share in shares]
            written = await written_by(who, keebai.journal, service=service.name, now=keebai.clock.wall())
        campaign_id = f"{slug(name)}-{secrets.token_hex(4)}"
        plan = await make_plan(
            source,
            campaign_id=whole_id(campaign_id, len(shares)) if dealt else campaign_id,
            name=name,
            template=fetched,
            sender=shares[0].sender,
            sender_number=shares[0].number,
            sender_notes=notes,
            journal=keebai.journal,
            service=service.name,
            largest_chunk=service.largest_chunk,
            created_at=keebai.clock.wall(),
            options=options,
            count_rest=await anyio.to_thread.run_sync(_is_file, people),
            retry=retry,
            not_before=not_before,
            shares=shares if dealt else (),
            written=written or (),
            progress=progress,
        )
        planned, requests = CampaignState.PLANNED, service.requests
        for each in plan.parts or (plan,):
            await keebai.journal.set_state(each.campaign_id, planned, requests=requests)
            keebai.observer(CampaignMoved(campaign=each.campaign_id, before=planned, state=planned))
            requests = Requests()  # all of them were for the whole list
        return replace(plan, reached_before=await self.reached_before(plan.campaign_id))

    async def _shares(
        self,
        hosts: Sequence[tuple[Sender, CampaignHost]],
        template: Template,
        service: CampaignService,
        retries: Sequence[RetryAccount],
    ) -> tuple[list[DealtSender], tuple[str, ...]]:
        """Each sender as its token lists it, and what a person should know of them.

        Raises TemplateUnusable if another token has another template of that name.
        """
        several = any(host is not self._keebai for _, host in hosts)
        shares: list[DealtSender] = []
        notes: list[str] = []
        services = {id(self._keebai): service}
        for place, (sender, host) in enumerate(hosts):
            if id(host) not in services:
                services[id(host)] = host.campaign_service()
                theirs = await services[id(host)].template(template.name, template.language)
                check_alike(template, theirs, sender.id)
                self.add_client(host)
            listed = await services[id(host)].listed(sender)
            notes += _notes_on(sender, listed)
            salt = secrets.token_hex(8) if several else ""
            shares.append(
                DealtSender(
                    sender=sender,
                    number="" if listed is None else listed.number,
                    account=host.token_mark(salt) if several else "",
                    salt=salt,
                    retry=retries[place] if retries else None,
                )
            )
        return shares, tuple(notes)

    async def retryable(
        self, campaign_id: str, *, at: float | None = None, again: bool = False
    ) -> RetryAccount:
        """What `retry` would do with whom, at the time *at* (Unix time, default now). Nothing is made.

        Raises:
            CampaignNotFound: there is no such campaign, or people of it or of a retry of it were purged.
            InvalidInput: it was not launched.
        """
        sources, _ = await self._retry_sources(campaign_id, at=at, again=again)
        accounts = [await source.account() for _, source in sources]
        return whole_retry(accounts) if part_ids(campaign_id) else accounts[0]

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
        is submitted, everybody in it is looked at once more. The retry of a list over several senders is over
        the same senders.

        *at* is Unix time (default now): who is due by then is in it, and it cannot be sent before. *name* is
        the new campaign's name (default: that of the other, with "(retry)" behind it). *options* are as for
        `plan`.

        Raises what `plan` raises, and:
            CampaignNotFound: there is no such campaign, or people of it or of a retry of it were purged.
            InvalidInput: it was not launched.
            UnusableSource: nobody may be sent to again then.
        """
        sources, now = await self._retry_sources(campaign_id, at=at, again=again)
        accounts = [await source.account() for _, source in sources]
        before, dealt = sources[0][0].plan, bool(part_ids(campaign_id))
        check_service(before, self._keebai.campaign_service().name)
        if not any(account.people(RetryChoice.NOW) for account in accounts):
            raise UnusableSource(
                f"nobody of campaign {campaign_id} may be sent to again at that time, by what webhooks told"
            )
        people = AsyncItems(_rows_of_all([source for _, source in sources]), columns={})
        people.description = f"those of campaign {campaign_id} who failed"
        own = before.part.name if dealt and before.part is not None else before.name
        return await self._plan(
            people,
            template=before.template,
            language=before.language,
            name=name or f"{own.removesuffix(RETRY_NAME)}{RETRY_NAME}",
            hosts=[(campaign.plan.sender, self._host_of(campaign)) for campaign, _ in sources],
            dealt=dealt,
            options=options,
            retry=None if dealt else accounts[0],
            retries=accounts if dealt else (),
            written=[await source.people() for _, source in sources] if dealt else (),
            not_before=None if at is None or at <= now else at,
            progress=progress,
        )

    async def _retry_sources(
        self, campaign_id: str, *, at: float | None, again: bool
    ) -> tuple[list[tuple[StoredCampaign, RetrySource]], float]:
        journal, now = self._keebai.journal, self._keebai.clock.wall()
        parts = [each for each in await load_parts(journal, campaign_id) if each.plan.ready]
        every = await journal.campaigns()
        for each in parts:
            refuse_without_people(each, every)
        begun = [each for each in parts if any(chunk.attempts for chunk in each.chunks)] or parts
        sources = [(each, RetrySource(each, journal, at=max(now, at or now), again=again)) for each in begun]
        return sources, now

    async def check_retry(self, campaign_id: str) -> None:
        """Refuse what `start` would refuse of a retry, before anybody is asked for a yes.

        Raises:
            CampaignNotFound: there is no such campaign.
            CampaignBusy: it is not to be sent yet, another retry to the same people runs, or people of them
                were purged, so that nobody can say who has it by now.
        """
        journal = self._keebai.journal
        every = await journal.campaigns()
        for each in await load_parts(journal, campaign_id):
            refuse_retry(each, every, now=self._keebai.clock.wall())

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
        return await self._reached_before((await load_parts(self._keebai.journal, campaign_id))[0])

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
        journal = self._keebai.journal
        return sum([await opted_out_since(each, journal) for each in await load_parts(journal, campaign_id)])

    async def check_repetition(self, campaign_id: str, *, agreed: Iterable[Reached] = ()) -> None:
        """Refuse what `start` would refuse as a repetition, before anybody is asked for a yes.

        *agreed* is as for `start`.

        Raises:
            CampaignNotFound: there is no such campaign.
            CampaignBusy: the same list was launched before under the same name, or too many of the people got
                the same template a short time ago.
        """
        journal = self._keebai.journal
        parts = await load_parts(journal, campaign_id)
        for each in parts:
            await refuse_repetition(each, journal)
        reached, beside = await self._repeated_before(parts[0]), await load_with_siblings(journal, parts[0])
        refuse_reached(parts[0], reached, agreed=agreed, parts=beside)

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

        def waits(kept: Plan) -> bool:
            return kept.retry is not None or at is None  # a retry refuses to begin earlier; others wait

        for each in await load_parts(self._keebai.journal, campaign_id):
            part, salt = each.plan.part, secrets.token_hex(8)
            named = (self._keebai.token_mark(salt), salt)
            if part is not None and part.account:
                named = (part.account, part.salt)  # those who have that token run it
            wanted = Want(
                campaign_id=each.plan.campaign_id,
                at=max(since, each.plan.not_before or 0.0) if waits(each.plan) else since,
                again=again or bool(seen),
                account=named[0],
                salt=named[1],
            )
            await self._keebai.journal.want(wanted)

    async def unwant(self, campaign_id: str) -> bool:
        """Let no supervisor take a campaign up (again); one that runs it goes on. False if none was to."""
        return await self._each(campaign_id, self._keebai.journal.unwant)

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
        senders: Sequence[AnySender] = (),
        columns: Mapping[str, str] | Sequence[str] | None = None,
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
            senders=senders,
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

        A list over several senders is a WholeRun, in which each part runs with the client that has its token:
        this one, one that `plan` was given, or one of `add_client`. All terms are of the whole list.
        """
        campaign_id = plan if isinstance(plan, str) else plan.campaign_id
        seen = tuple(agreed)
        run = partial(self._run_of, track=track, again=again, agreed=seen, new_token=new_token)
        terms = NewTerms(
            guards=guards,
            pace=pace,
            at=at,
            hours=hours,
            per_hour=per_hour,
            per_day=per_day,
            ignore_opt_outs=ignore_opt_outs,
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
                await self.check_repetition(campaign_id, agreed=seen)

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
            terms=terms,
            token_mark=host.token_mark,
            new_token=new_token,
            opt_outs=OptOutWatch(journal),
            drains=(drain_of(host), drain_of(self._keebai), drain_of(journal)),
            longest_submit=host.longest_submit,
            observer=host.observer,
        )

    def _host_of(self, campaign: StoredCampaign) -> CampaignHost:
        """The client whose token sends a part; this one where none is known to (its run then says so)."""
        part = campaign.plan.part
        if part is None or not part.account:
            return self._keebai
        known = (self._keebai, *self.clients)
        return next((each for each in known if each.token_mark(part.salt) == part.account), self._keebai)

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
        senders: Sequence[AnySender] = (),
        columns: Mapping[str, str] | Sequence[str] | None = None,
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
            senders=senders,
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
            CampaignBusy: it was launched, so what became of its people stays known; or it is a part of a list
                over several senders, which is removed as a whole.
        """
        journal = self._keebai.journal
        if (whole := whole_of(campaign_id)) is not None and (await journal.load(campaign_id)).plan.part:
            raise CampaignBusy(
                f"campaign {campaign_id} is a part of {whole}: remove that one, with all its parts",
                campaign_id=campaign_id,
            )
        ids = part_ids(campaign_id)
        if ids:
            there = [each for each in await journal.campaigns() if each.plan.campaign_id in ids]
            launched = [each for each in there if any(chunk.step for chunk in each.chunks) or each.holder]
            if launched or not there:
                await journal.remove(launched[0].plan.campaign_id if launched else campaign_id)  # it says why
            ids = tuple(each.plan.campaign_id for each in there)
        for each in ids or (campaign_id,):
            await journal.remove(each)

    async def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        """The rows of a campaign's list that were not ready, in the order of the list."""
        for each in part_ids(campaign_id) or (campaign_id,):
            async for rejection in self._keebai.journal.rejections(each):
                yield rejection

    async def people(self, campaign_id: str, *states: ChunkState) -> AsyncIterator[tuple[Chunk, bytes]]:
        """The chunks in one of *states* that answer for somebody, with the JSON array of those people."""
        journal = self._keebai.journal
        for campaign in await load_parts(journal, campaign_id):
            for chunk in campaign.chunks:
                if chunk.state in states and chunk.recipients:
                    yield chunk, await journal.items(campaign.plan.campaign_id, chunk.number)

    async def pause(self, campaign_id: str) -> bool:
        """Ask the process that runs a campaign to submit nothing more; False if none runs it."""
        return await self._each(campaign_id, lambda each: self._keebai.journal.ask(each, Wish.PAUSE))

    async def unpause(self, campaign_id: str) -> bool:
        """Ask the process that runs a paused campaign to go on; False if none runs it."""
        return await self._each(campaign_id, lambda each: self._keebai.journal.ask(each, Wish.RESUME))

    async def take_wish_back(self, campaign_id: str) -> bool:
        """Take back what was asked of the process that runs a campaign; False if it has heard it already."""
        return await self._each(campaign_id, lambda each: self._keebai.journal.ask(each, None))

    async def stop(self, campaign_id: str) -> bool:
        """Ask the process that runs a campaign to stop in good order; False if none runs it."""
        return await self._each(campaign_id, lambda each: self._keebai.journal.ask(each, Wish.STOP))

    async def _each(self, campaign_id: str, do: Callable[[str], Awaitable[bool]]) -> bool:
        """Do something with every part; whether it was true of any."""
        return any([await do(each) for each in part_ids(campaign_id) or (campaign_id,)])

    async def told(self, campaign_id: str, group: FateGroup) -> AsyncIterator[ToldPeople]:
        """The people of a campaign who are in *group* by what webhooks told, with what it was, by chunk.

        Raises:
            CampaignNotFound: there is no such campaign, or its people were purged.
        """
        for campaign in await load_parts(self._keebai.journal, campaign_id):
            async for people in told_people(campaign, self._keebai.journal, group.has):
                yield people

    async def purge(self, campaign_id: str, *, unfinished: bool = False) -> None:
        """Remove the people of a campaign from the journal for good, and keep its counts.

        Raises:
            CampaignBusy: it runs; or people in it are unsent or unknown, and *unfinished* does not say that
                they may go too. It can never be resumed then.
        """
        for each in part_ids(campaign_id) or (campaign_id,):
            await self._keebai.journal.purge(each, unfinished=unfinished)

    async def purge_finished(self) -> tuple[str, ...]:
        """Purge every campaign in which everyone is settled; gives the ids of those purged now."""
        return tuple(await self._keebai.journal.purge_finished())

    async def unknown(self, campaign_id: str) -> tuple[PortalEntry, ...]:
        """The chunks whose outcome a person has to settle, each with what to look for in the portal."""
        journal, clock = self._keebai.journal, self._keebai.clock
        parts = await load_parts(journal, campaign_id)
        return tuple([entry for each in parts for entry in await portal_entries(each, journal, clock=clock)])

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
            InvalidInput: the campaign is a list over several senders, whose parts have chunks of their own;
                not exactly one word is given, the chunk does not exist or is not unknown, or
                the broadcast has another number of recipients or is another chunk already; or the campaign
                was planned for another service than this client's.
            NotFound: the service does not know that broadcast.
            CampaignBusy: a process runs the campaign now; or it is too early for *resend*, because what left
                before its process ended may still arrive. The message says how long to wait.
        """
        if ids := part_ids(campaign_id):
            raise InvalidInput(
                f"chunk {chunk} of {campaign_id} may be that of any part: name the part, such as {ids[0]}",
                field="campaign_id",
                value=campaign_id,
            )
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


def _hosts_of(senders: Sequence[AnySender], keebai: CampaignHost) -> "list[tuple[Sender, CampaignHost]]":
    """Each sender with the client that sends from it. Raises InvalidInput for one that comes twice."""
    hosts = [_host_for(each, keebai) for each in senders]
    if len({sender for sender, _ in hosts}) < len(hosts):
        raise InvalidInput("a sender is named twice: each of them has one part", field="senders")
    if len(hosts) > MOST_SENDERS:
        raise InvalidInput(f"a list is dealt to {MOST_SENDERS} senders at most", field="senders")
    return hosts


def _host_for(sender: AnySender, keebai: CampaignHost) -> tuple[Sender, CampaignHost]:
    match sender:
        case Sender():
            return sender, keebai
        case (Sender() as one, host):
            return one, host
        case host:
            return host.sender_or(), host


def _shared(quotas: Sequence[Quota], by: int) -> tuple[Quota, ...]:
    """What one of so many may reckon with, where all of them spend from *quotas*."""
    return tuple(replace(each, limit=max(1, each.limit // by)) for each in quotas)


async def _rows_of_all(sources: "Sequence[RetrySource]") -> AsyncIterator[dict[str, object]]:
    for source in sources:
        async for row in source.rows():
            yield row


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
