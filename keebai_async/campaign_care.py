"""Looking after campaigns: what a person may do with one that no run of it does."""

import os
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable

from msgspec.structs import replace

from keebai_async.campaign.reconcile import PortalEntry, portal_entries, reconcile
from keebai_async.campaign.repetition import refuse_reached, refuse_repetition
from keebai_async.campaign.timetable import daily_room
from keebai_async.campaign_host import CampaignHost
from keebai_async.campaign_looks import CampaignLooks
from keebai_async.deciding import decider
from keebai_async.errors import CampaignBusy, InvalidInput, SamePerson
from keebai_async.journal.parts import load_parts, load_with_siblings
from keebai_async.model.campaign import StoredCampaign, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.decided import Act, decided_by, nameless_beside, same_person
from keebai_async.model.fates import FateGroup
from keebai_async.model.part import part_ids, whole_of
from keebai_async.model.plan import DAY, Plan
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Rejection
from keebai_async.model.report import Report
from keebai_async.planning.opt_outs import opted_out_since
from keebai_async.planning.reached_people import reached_before
from keebai_async.planning.retry_people import refuse_retry
from keebai_async.planning.told_people import ToldPeople, told_people


class CampaignCare(CampaignLooks):
    """What may be done with campaigns beside planning and running them."""

    def __init__(self, keebai: CampaignHost) -> None:
        super().__init__(keebai)
        self._keebai = keebai

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

    async def as_of_now(self, plan: Plan) -> Plan:
        """A *plan* with what the journal says of it now: its `reached_before` and its `daily_room`.

        Raises:
            CampaignNotFound: there is no such campaign.
            JournalUnusable: it cannot be read.
        """
        reached, room = await self.reached_before(plan.campaign_id), None
        if plan.daily_limit is not None:
            now = self._keebai.clock.wall()
            room = daily_room(plan, await self._keebai.journal.left_since(now - DAY), now)
        return replace(plan, reached_before=reached, daily_room=room)

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

    async def check_two_people(self, campaign_id: str, *, by: str | None = None) -> None:
        """Refuse that who planned a campaign launches it; *by* is who would, as for `start`.

        People are told apart by the names that they give, or by their logins; who gives no name at the login
        of the other one is not told apart. A test may be launched by anybody, and so may what was launched
        before.

        Raises:
            CampaignNotFound: there is no such campaign.
            SamePerson: it was planned by the same person, or one of the two is not known.
        """
        launching = decider(by, os.environ)
        for each in await load_parts(self._keebai.journal, campaign_id):
            plan, who = each.plan, each.plan.planned_by
            launched = each.facts.launched_at is not None or any(chunk.step for chunk in each.chunks)
            if plan.test or launched:
                continue
            if who is None or not who.name or not launching.name:
                whom = "who would launch" if who is not None and who.name else "who planned"
                raise SamePerson(
                    f"two people are demanded, and {whom} campaign {campaign_id} is not known",
                    campaign_id=campaign_id,
                )
            if same_person(who.name, launching.name):
                raise SamePerson(
                    f"campaign {campaign_id} was planned by {who.name}, and two people are demanded:"
                    " let somebody else launch it",
                    campaign_id=campaign_id,
                )
            if nameless_beside(who, launching):
                raise SamePerson(
                    f"campaign {campaign_id} was planned by {who.name} with your login, and two people are"
                    f" demanded: {launching.name} may be the same person, as one of the two gave no name",
                    campaign_id=campaign_id,
                )

    async def unwant(self, campaign_id: str) -> bool:
        """Let no supervisor take a campaign up (again); one that runs it goes on. False if none was to."""
        return await self._each(campaign_id, self._keebai.journal.unwant)

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
            there = {each.plan.campaign_id for each in await journal.campaigns()}
            ids = tuple(each for each in ids if each in there)
        await journal.remove(*(ids or (campaign_id,)))

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

    async def told(self, campaign_id: str, group: FateGroup) -> AsyncIterator[ToldPeople]:
        """The people of a campaign who are in *group* by what webhooks told, with what it was, by chunk.

        Raises:
            CampaignNotFound: there is no such campaign, or its people were purged.
        """
        for campaign in await load_parts(self._keebai.journal, campaign_id):
            async for people in told_people(campaign, self._keebai.journal, group.has):
                yield people

    async def pause(self, campaign_id: str, *, by: str | None = None) -> bool:
        """Ask the process that runs a campaign to submit nothing more; False if none runs it.

        *by* is who asks, as for `start`.
        """
        return await self._asked(campaign_id, Wish.PAUSE, Act.PAUSED, by)

    async def unpause(self, campaign_id: str, *, by: str | None = None) -> bool:
        """Ask the process that runs a paused campaign to go on; False if none runs it. *by*: see `pause`."""
        return await self._asked(campaign_id, Wish.RESUME, Act.UNPAUSED, by)

    async def take_wish_back(self, campaign_id: str) -> bool:
        """Take back what was asked of the process that runs a campaign; False if it has heard it already."""
        return await self._each(campaign_id, lambda each: self._keebai.journal.ask(each, None))

    async def stop(self, campaign_id: str, *, by: str | None = None) -> bool:
        """Ask the process that runs a campaign to stop in good order; False if none runs it.

        *by* is who asks, as for `start`.
        """
        return await self._asked(campaign_id, Wish.STOP, Act.STOPPED, by)

    async def _asked(self, campaign_id: str, wish: Wish, act: Act, by: str | None) -> bool:
        """Ask it of every part, and keep who did; whether any of them is asked now."""
        journal, who = self._keebai.journal, decider(by, os.environ)

        async def ask(each: str) -> bool:
            heard = await journal.ask(each, wish)
            if heard:
                await journal.decide(each, decided_by(who, act, at=self._keebai.clock.wall()))
            return heard

        return await self._each(campaign_id, ask)

    async def _each(self, campaign_id: str, do: Callable[[str], Awaitable[bool]]) -> bool:
        """Do something with every part; whether it was true of any."""
        return any([await do(each) for each in part_ids(campaign_id) or (campaign_id,)])

    async def purge(self, campaign_id: str, *, unfinished: bool = False, hashes: bool = True) -> None:
        """Remove the people of a campaign from the journal for good, and keep its counts.

        With *hashes* a keyed hash of each stays for 90 days, for plans with `not_within`; without, none.

        Raises:
            CampaignBusy: it runs; or people in it are unsent or unknown, and *unfinished* does not say that
                they may go too. It can never be resumed then.
        """
        ids = part_ids(campaign_id) or (campaign_id,)
        await self._keebai.journal.purge(*ids, unfinished=unfinished, hashes=hashes)

    async def purge_finished(self, *, hashes: bool = True) -> tuple[str, ...]:
        """Purge every campaign in which everyone is settled; gives the ids of those purged now.

        *hashes* is as for `purge`.
        """
        return tuple(await self._keebai.journal.purge_finished(hashes=hashes))

    async def forget_hashes(self) -> None:
        """Remove the hashes that all purges left: plans do not know these people any more."""
        await self._keebai.journal.forget_hashes()

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
        by: str | None = None,
    ) -> Report:
        """Settle a chunk whose outcome is unknown, by a person's word; exactly one of the four.

        *accepted* is the broadcast id that the person found at the service: it is read there first.
        *resend* says that nothing arrived, so that the next run submits the chunk again. *abandon* gives
        its people up. *take_back* takes *resend* back, as long as no run has submitted the chunk. *by* is
        whose word it is, as for `start`.

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
            who=decider(by, os.environ),
            observer=self._keebai.observer,
        )
