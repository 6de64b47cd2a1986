"""Planning campaigns: of a list, of a list over several senders, and of those whom another one failed."""

import os
import secrets
from collections.abc import (
    AsyncIterable,
    AsyncIterator,
    Callable,
    Collection,
    Iterable,
    Iterator,
    Mapping,
    Sequence,
)
from typing import Final

import anyio.to_thread

from keebai_async.campaign.service import CampaignService, check_service
from keebai_async.campaign_care import CampaignCare
from keebai_async.campaign_host import AnySender, CampaignHost, hosts_of
from keebai_async.deciding import decider
from keebai_async.errors import AnotherToken, InvalidInput, UnusableSource
from keebai_async.journal.parts import load_parts
from keebai_async.model.campaign import CampaignState, StoredCampaign
from keebai_async.model.decided import Decider
from keebai_async.model.part import part_ids, whole_id, whole_of
from keebai_async.model.plan import Plan, slug
from keebai_async.model.recipient import Recipient
from keebai_async.model.requests import Requests
from keebai_async.model.retry import RetryAccount, RetryChoice
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.template import Template
from keebai_async.model.whole import whole_retry
from keebai_async.observe.campaign_records import CampaignMoved
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.plan import PlanOptions, PlanProgress, make_plan
from keebai_async.planning.retry_people import RetrySource, family_of, refuse_without_people
from keebai_async.planning.shares import DealtSender
from keebai_async.planning.template import check_alike
from keebai_async.planning.written_before import written_by
from keebai_async.sources import Source, open_source
from keebai_async.sources.handed import HandedFile
from keebai_async.sources.objects import AsyncItems

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


class CampaignPlanning(CampaignCare):
    """Makes plans, each for the client whose token is to send it."""

    def __init__(self, keebai: CampaignHost) -> None:
        super().__init__(keebai)
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

    def _host_of(self, campaign: StoredCampaign) -> CampaignHost:
        """The client whose token sends a part; this one where none is known to (its run then says so)."""
        return self._known_host(campaign) or self._keebai

    def _known_host(self, campaign: StoredCampaign) -> CampaignHost | None:
        """The client of the token that was dealt a part, or went on with it as a new one; None if unknown."""
        part, facts = campaign.plan.part, campaign.facts
        if part is None or not part.account:
            return self._keebai
        marks = [(part.salt, part.account)]
        if facts.token_mark:  # perhaps somebody said that it is a new one of the same account
            marks.insert(0, (facts.token_salt, facts.token_mark))
        known = (self._keebai, *self.clients)
        found = (each for salt, mark in marks for each in known if each.token_mark(salt) == mark)
        return next(found, None)

    def _retry_host(self, campaign: StoredCampaign, whole: str | None) -> CampaignHost:
        """The client of the token that sends, or sent last, what is to be retried.

        Raises:
            AnotherToken: it is a part of the list *whole*, and its client is not known; or it is to be
                retried alone, and that is not this client, which would run it.
        """
        plan, part, host = campaign.plan, campaign.plan.part, self._known_host(campaign)
        if part is None or (host is not None and (whole is not None or host is self._keebai)):
            return host or self._keebai
        sent = f"from sender {plan.sender.id}, was sent with another token"
        raise AnotherToken(
            f"campaign {plan.campaign_id}, {sent}: retry it with that one, or retry"
            f" {whole_of(plan.campaign_id)}, of which it is a part"
            if whole is None
            else f"part {part.number}/{part.of} of campaign {whole}, {sent}, which no client here has:"
            " give its client with add_client",
            campaign_id=plan.campaign_id,
        )

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
        by: str | None = None,
        progress: Callable[[PlanProgress], None] | None = None,
    ) -> Plan:
        """Read *people*, check everyone against the template, and freeze the chunks in the journal.

        Nothing is sent. *name* is the campaign's name (default: the template's), *columns* says which
        column of the source holds what (`{"to": "phone"}`) or, of rows that are tuples, what their values are
        (`["to", "nombre"]`), *delimiter* is that of a CSV (default: found),
        *encoding* that of a text (default: UTF-8, or UTF-16 if it begins with the mark of that), *sheet* one
        of a workbook (default: the one that is shown when it is opened), *hidden_rows* reads also its rows
        that are hidden or filtered out, *progress* is called now and then while reading. *by* is who plans
        it, as for `start`.

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
        who = decider(by, os.environ)
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
            hosts=hosts_of(senders or (self._keebai.sender_or(sender),), self._keebai),
            dealt=bool(senders),
            options=options,
            who=who,
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
        who: Decider,
        people: object = None,
        retry: RetryAccount | None = None,
        retries: Sequence[RetryAccount] = (),
        written: Sequence[KeySet] | None = None,
        family: Collection[str] = (),
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
            senders = [share.sender for share in shares]
            written = await written_by(senders, keebai.journal, service=service.name, now=keebai.clock.wall())
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
            planned_by=who,
            shares=shares if dealt else (),
            written=written or (),
            family=family,
            progress=progress,
        )
        planned, requests = CampaignState.PLANNED, service.requests
        for each in plan.parts or (plan,):
            await keebai.journal.set_state(each.campaign_id, planned, requests=requests)
            keebai.observer(CampaignMoved(campaign=each.campaign_id, before=planned, state=planned))
            requests = Requests()  # all of them were for the whole list
        return await self.as_of_now(plan)

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
        by: str | None = None,
        progress: Callable[[PlanProgress], None] | None = None,
    ) -> Plan:
        """Plan a campaign to those of another one whose failure says "later", and whose wait is over.

        They get the same template with the same variables from the same sender. Left out is, by what webhooks
        told, who has it, who may have it, whose code says never or asks for a fix, and, unless *again*, who
        had a retry already. Of whom nothing was told is left out: silence proves nothing. Before each chunk
        is submitted, everybody in it is looked at once more. The retry of a list over several senders is over
        the same senders.

        *at* is Unix time (default now): who is due by then is in it, and it cannot be sent before. *name* is
        the new campaign's name (default: that of the other, with "(retry)" behind it). *options* and *by*
        are as for `plan`.

        Raises what `plan` raises, and:
            CampaignNotFound: there is no such campaign, or people of it or of a retry of it were purged.
            InvalidInput: it was not launched.
            UnusableSource: nobody may be sent to again then.
            AnotherToken: a part of it is of another token, and its client was not given by `add_client`.
        """
        who = decider(by, os.environ)
        sources, now = await self._retry_sources(campaign_id, at=at, again=again)
        before, dealt = sources[0][0].plan, bool(part_ids(campaign_id))
        check_service(before, self._keebai.campaign_service().name)
        whole = campaign_id if dealt else None
        hosts = [(campaign.plan.sender, self._retry_host(campaign, whole)) for campaign, _ in sources]
        accounts = [await source.account() for _, source in sources]
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
            hosts=hosts,
            dealt=dealt,
            options=options,
            who=who,
            retry=None if dealt else accounts[0],
            retries=accounts if dealt else (),
            written=[await source.people() for _, source in sources] if dealt else (),
            family=await self._family([campaign for campaign, _ in sources]),
            not_before=None if at is None or at <= now else at,
            progress=progress,
        )

    async def _family(self, campaigns: Sequence[StoredCampaign]) -> frozenset[str]:
        """The ids of *campaigns* and of all that are retries of the same."""
        every = await self._keebai.journal.campaigns()
        others = (other for each in campaigns for other in family_of(each, every))
        return frozenset(each.plan.campaign_id for each in (*campaigns, *others))

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
