"""People who were cut from a chunk that had left before: what proves that it left holds for all of them."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.campaign.service import ChunkVerdict
from keebai_async.client import Keebai
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import AnyEvent, ChunkSubmitting
from keebai_async.model.fates import Fate as PersonFate
from keebai_async.model.fates import PersonNews
from keebai_async.model.lifecycle import Resend
from keebai_async.model.lost import LATE_ARRIVAL
from keebai_async.model.marks import Mark, tag_of
from keebai_async.model.plan import Plan
from keebai_async.sandbox import faults
from tests.campaign.planning import number
from tests.campaign.scripted_service import Body, Fate, ScriptedService
from tests.campaign.submitting import Campaign
from tests.campaign.test_opted_out import OptedOut
from tests.campaign.test_proof import SIZE, ended, notice, planned, run_and_answer
from tests.campaign.test_sandbox_campaigns import BULK, people, world


async def resent_with_opt_outs(keebai: Keebai, plan: Plan, *places: int) -> None:
    """Somebody says of the chunk without an answer that it did not arrive, and some of its people opt out."""
    await keebai.clock.sleep(LATE_ARRIVAL)
    await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)
    await keebai.opt_outs.add(*(people(SIZE)[place]["to"] for place in places))


@pytest.mark.parametrize("when", ["before the cut", "behind the cut"])
@pytest.mark.parametrize("who", ["one who goes on", "one who opted out"])
async def test_a_proof_at_the_cut_keeps_the_others_from_being_sent_again(when: str, who: str) -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        news = await notice(keebai, plan.campaign_id, 1, 7 if who == "one who goes on" else 3)
        await resent_with_opt_outs(keebai, plan, 3)
        journal, recut = keebai.journal, keebai.journal.recut

        async def told(*given: object, **named: object) -> object:
            if when == "before the cut":
                await journal.tell([news])
            made = await recut(*given, **named)  # type: ignore[arg-type]
            await journal.tell([news])
            return made

        journal.recut = told  # type: ignore[method-assign,assignment]
        report = await ended(keebai, plan)

    assert (report.errors(), sandbox.ledger.repeated()) == ((), {})
    assert sandbox.traffic.requests[BULK] == 1
    assert (report.unknown, report.unsent, report.state) == (0, 0, "finished")


async def test_a_run_that_was_stopped_behind_the_cut_goes_on_from_the_proof() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        news = await notice(keebai, plan.campaign_id, 1, 7)
        await resent_with_opt_outs(keebai, plan, 3)
        recut = keebai.journal.recut
        async with keebai.campaigns.start(plan) as run:

            async def stopped(*given: object, **named: object) -> object:
                run.stop()
                return await recut(*given, **named)  # type: ignore[arg-type]

            keebai.journal.recut = stopped  # type: ignore[method-assign,assignment]
            before = await run.report()
        await keebai.journal.tell([news])
        after = await keebai.campaigns.status(plan.campaign_id)
        report = await ended(keebai, plan)

    assert (before.unsent, after.unsent, after.accepted) == (SIZE - 1, 0, SIZE - 1)
    assert (report.errors(), sandbox.ledger.repeated()) == ((), {})
    assert sandbox.traffic.requests[BULK] == 1
    assert (report.accepted, report.refused, report.state) == (SIZE - 1, 1, "finished")


async def test_without_a_proof_the_others_are_sent_again_and_a_late_one_is_said_loudly() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        news = await notice(keebai, plan.campaign_id, 1, 7)
        await resent_with_opt_outs(keebai, plan, 3)
        meant = await ended(keebai, plan)
        await keebai.journal.tell([news])
        late = await keebai.campaigns.status(plan.campaign_id)

    assert (meant.accepted, meant.refused, sandbox.traffic.requests[BULK]) == (SIZE - 1, 1, 2)
    assert [chunk.number for chunk in late.chunks if chunk.twice_at is not None] == [2]


async def test_a_chunk_that_was_cut_before_it_ever_left_is_proven_by_its_own_people_alone() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await keebai.opt_outs.add(people(SIZE)[3]["to"])
        of_the_one, of_another = [await notice(keebai, plan.campaign_id, 1, place) for place in (3, 7)]
        report = await ended(keebai, plan)
        await keebai.journal.tell([of_the_one])
        before = await keebai.campaigns.status(plan.campaign_id)
        await keebai.journal.tell([of_another])
        after = await keebai.campaigns.status(plan.campaign_id)

    assert (report.refused, report.unknown) == (1, SIZE - 1)
    assert (before.unknown, after.unknown, after.accepted) == (SIZE - 1, 0, SIZE - 1)


async def test_a_chunk_that_is_refused_when_it_is_sent_again_keeps_what_may_be_proven_of_it() -> None:
    """It arrived the first time; the second time somebody in it is refused, and the rest is cut."""
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        news = await notice(keebai, plan.campaign_id, 1, SIZE - 1)
        await keebai.clock.sleep(LATE_ARRIVAL)
        await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)
        sandbox.malformed.add(people(3)[2]["to"])

        async def told(event: AnyEvent) -> None:
            if isinstance(event, ChunkSubmitting):
                await keebai.journal.tell([news])

        report, _ = await run_and_answer(keebai, plan, told)

    assert (report.errors(), sandbox.ledger.repeated()) == ((), {})
    assert (report.unknown, report.unsent) == (0, 0)


class MarkedJournal(MemoryJournal):
    """Gives each person of a plan a mark. At a cut it may hear a notice first."""

    hear: Callable[[], Awaitable[None]] | None = None

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        people = msgspec.json.decode(items, type=list[dict[str, object]])
        for place, person in enumerate(people):
            person["meta_data"] = {"_kb": str(Mark(tag_of(campaign_id), number, place))}
        await super().add_chunk(campaign_id, number, recipients, msgspec.json.encode(people))

    async def recut(self, *given: object, **named: object) -> tuple[object, ...]:  # type: ignore[override]
        if self.hear is not None:
            await self.hear()
        made = await super().recut(*given, **named)  # type: ignore[arg-type]
        if self.hear is not None:
            await self.hear()
        return made


class Telling(ScriptedService):
    """Tells of people whom it has messaged, in whatever instants *says* says; it keeps count of requests.

    *proven* are those who were in a request of which it has told.
    """

    campaign: Campaign
    says: list[int | None]

    def set_up(self, campaign: Campaign, says: list[int | None]) -> None:
        self.campaign, self.says = campaign, says
        self.taken: list[list[str]] = []
        self.proven: set[str] = set()
        self.against: set[str] = set()

    async def place(self) -> None:
        await self.hear()

    async def hear(self) -> None:
        which = self.says.pop() if self.says else None
        if which is None or not self.taken:
            return
        request = self.taken[which % len(self.taken)]
        person = int(request[which % len(request)][-9:]) - int(number(0)[-9:])
        chunk, place = divmod(person, self.campaign.size)
        news = PersonNews(
            campaign_id=self.campaign.plan.campaign_id,
            chunk=chunk + 1,
            place=place,
            fate=PersonFate.SENT,
            at=self.clock.wall(),
            number=number(person),
        )
        if sum(number(person) in each for each in self.taken) == 1:  # else it may be of either of them
            self.proven |= set(request)
        await self.campaign.journal.tell([news])

    async def submit(self, body: bytes) -> ChunkVerdict:
        people = {item.to for item in msgspec.json.decode(body, type=Body).recipients}
        self.against |= people & self.proven
        return await super().submit(body)

    def _accept(self, body: Body, fate: Fate) -> ChunkVerdict:
        self.taken.append([item.to for item in body.recipients])
        return super()._accept(body, fate)


@given(
    people=st.integers(1, 10),
    size=st.integers(1, 6),
    out=st.lists(st.sets(st.integers(0, 9), max_size=3), max_size=3),
    malformed=st.lists(st.sets(st.integers(0, 9), max_size=2), min_size=1, max_size=3),
    names=st.booleans(),
    script=st.lists(st.sampled_from([Fate.FINE, Fate.LOST, Fate.LOST, Fate.DROPPED]), max_size=6),
    says=st.lists(st.none() | st.integers(0, 99), max_size=30),
)
@settings(max_examples=150, deadline=None)
async def test_whatever_is_cut_lost_and_sent_again_what_is_proven_is_not_and_nobody_else_is_proven(
    people: int,
    size: int,
    out: list[set[int]],
    malformed: list[set[int]],
    names: bool,
    script: list[Fate],
    says: list[int | None],
) -> None:
    campaign = Campaign(people, size=size, journal=MarkedJournal)
    service = Telling(campaign.clock, script=script, names=names)
    service.set_up(campaign, says)
    gone: set[int] = set()
    for turn in range(4):
        gone |= out[turn] if turn < len(out) else set()
        campaign.opt_outs = OptedOut(*gone)
        service.malformed = frozenset(map(number, malformed[turn] if turn < len(malformed) else set()))
        await campaign.begin(service)
        assert isinstance(campaign.journal, MarkedJournal)
        campaign.journal.hear = service.hear
        async with campaign.journal.lease(campaign.plan.campaign_id):
            campaign.submitter.proven(await campaign.book.hear())
            report = await campaign.finish()
        assert report.errors() == ()
        for chunk in await campaign.chunks():
            if chunk.state is ChunkState.UNKNOWN and chunk.noticed_at is None:
                resend = Resend(number=chunk.number, step=chunk.step + 1)
                await campaign.journal.record(campaign.plan.campaign_id, resend)
        await campaign.clock.advance(60.0)

    assert service.against == set()
    for chunk in await campaign.chunks():
        if chunk.state is ChunkState.ACCEPTED:
            items = await campaign.journal.items(campaign.plan.campaign_id, chunk.number)
            assert {each["to"] for each in msgspec.json.decode(items)} <= service.messaged.keys()
