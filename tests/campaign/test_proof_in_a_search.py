"""A search for culprits that meets people who left before, as a webhook proves in the middle of it."""

from collections import deque

import anyio
from msgspec.structs import replace

from keebai_async.campaign.bisect import Bisection, Evidence, refuse_held
from keebai_async.campaign.chunks import Chunks
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.events import ChunkAccepted, ChunkRefused
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.lifecycle import Accept, Lose, Resend, Submit
from keebai_async.model.stop import Cause
from keebai_async.observe.chunk_records import ChunkMoved
from keebai_async.observe.records import Record
from tests.campaign.planning import number
from tests.campaign.submitting import Campaign
from tests.campaign.test_proof_of_the_cut import MarkedJournal

WORDS = "Bad Request"


class ToldAtTheCut(MarkedJournal):
    """Hears that somebody of the chunk *told_of* has it, just before that chunk is cut."""

    campaign: Campaign
    told_of = 0

    async def recut(self, *given: object, **named: object) -> tuple[object, ...]:  # type: ignore[override]
        if self.told_of in {move.number for move in given[1]}:  # type: ignore[attr-defined]
            await self.tell([news_of(self.campaign, self.told_of)])
        return await super().recut(*given, **named)


def news_of(campaign: Campaign, chunk: int) -> PersonNews:
    """The first person of a chunk has it, as a webhook tells."""
    return PersonNews(
        campaign_id=campaign.plan.campaign_id,
        chunk=chunk,
        place=0,
        fate=Fate.SENT,
        at=campaign.clock.wall(),
        number=number((chunk - 1) * campaign.size),
    )


async def sent_again(
    chunks: int, *, size: int, which: int, journal: type[ToldAtTheCut] = ToldAtTheCut
) -> Campaign:
    """The first chunk was accepted; *which* had no answer, and somebody said that it did not arrive."""
    campaign = Campaign(chunks * size, size=size, journal=journal)
    await campaign.begin(campaign.service())
    kept, campaign_id, at = campaign.journal, campaign.plan.campaign_id, campaign.clock.wall()
    assert isinstance(kept, ToldAtTheCut)
    kept.campaign = campaign
    for move in (
        Submit(number=1, step=1, at=at),
        Accept(number=1, step=2, accepted=size, broadcast_id="b0"),
        Submit(number=which, step=1, at=at),
        Lose(number=which, step=2, reason="no answer in time"),
        Resend(number=which, step=3),
    ):
        await kept.record(campaign_id, move)
    return campaign


async def test_a_chunk_that_is_proven_when_somebody_is_picked_from_it_is_accepted_and_another_is_asked() -> (
    None
):
    """The run ended with an error of ours: the chunk could not be cut."""
    campaign = await sent_again(12, size=20, which=12)
    journal = campaign.journal
    assert isinstance(journal, ToldAtTheCut)
    journal.told_of = 12
    suspended, back = campaign.service(), campaign.service()
    suspended.suspended_after = 0

    async with journal.lease(campaign.plan.campaign_id):
        stopped = await campaign.submit(suspended)

    assert campaign.stopped is Cause.REFUSED
    assert suspended.requests.submits == 29
    assert (stopped.accepted, stopped.refused, stopped.unsent) == (40, 0, 200)
    assert [event.number for event in campaign.events if isinstance(event, ChunkAccepted)] == [12]
    async with journal.lease(campaign.plan.campaign_id):
        report = await campaign.submit(back)
    assert (report.accepted, report.refused, report.errors()) == (240, 0, ())
    assert dict(back.messaged) == {number(person): 1 for person in range(20, 220)}


async def test_where_the_only_chunk_that_waits_is_proven_somebody_else_of_the_refused_one_is_asked() -> None:
    campaign = await sent_again(3, size=20, which=3)
    journal = campaign.journal
    assert isinstance(journal, ToldAtTheCut)
    journal.told_of = 3
    suspended = campaign.service()
    suspended.suspended_after = 0
    await campaign.begin(suspended)
    evidence = Evidence(good=True)

    search = Bisection(
        2, chunks=campaign.book, submitter=campaign.submitter, evidence=evidence, waiting=deque([3])
    )
    async with journal.lease(campaign.plan.campaign_id), campaign.clock.running():
        await search.submit()

    assert campaign.stopped is Cause.REFUSED
    assert [held.picked for held in evidence.held] == [False, True, True]
    assert len({held.number for held in evidence.held}) == 3, "nobody is asked twice"
    assert suspended.requests.submits == 5 + 2 + 2


class ToldOfTheRest(ToldAtTheCut):
    """Hears that the last of the twelfth chunk has it, when the rest behind a refused piece is cut, too."""

    async def recut(self, *given: object, **named: object) -> tuple[object, ...]:  # type: ignore[override]
        if len(given[1]) > 1:  # type: ignore[arg-type]
            news = replace(news_of(self.campaign, 12), place=19, number=number(239))
            await self.tell([news])
        return await super().recut(*given, **named)


async def test_the_rest_that_is_proven_as_a_piece_before_it_is_cut_stays_whole() -> None:
    campaign = await sent_again(12, size=20, which=12, journal=ToldOfTheRest)
    service = campaign.service()
    service.malformed = frozenset({number(223)})

    async with campaign.journal.lease(campaign.plan.campaign_id):
        report = await campaign.submit(service)

    assert (report.accepted, report.refused, report.unknown, report.errors()) == (239, 1, 0, ())
    assert not any(number(person) in service.messaged for person in range(230, 240)), "they had it before"


async def test_a_chunk_that_was_accepted_before_says_nothing_of_who_is_refused_now() -> None:
    """Who was held was refused for good by it, although everybody may be refused by now."""
    campaign = await sent_again(3, size=1, which=3)
    service = campaign.service()
    await campaign.begin(service)
    await campaign.journal.tell([news_of(campaign, 3)])
    evidence = Evidence(good=False)
    evidence.hold(2, WORDS, picked=False)

    search = Bisection(
        3, chunks=campaign.book, submitter=campaign.submitter, evidence=evidence, waiting=deque()
    )
    async with campaign.clock.running():
        await search.submit()

    assert [held.number for held in evidence.held] == [2]
    assert (evidence.good, evidence.accepted) == (True, 0)
    assert [each.state for each in await campaign.chunks()][1:] == [ChunkState.PLANNED, ChunkState.ACCEPTED]
    assert service.requests.submits == 0


async def test_who_is_to_blame_is_not_refused_if_a_webhook_told_a_moment_ago_that_they_have_it() -> None:
    campaign = await sent_again(2, size=1, which=2)
    await campaign.begin(campaign.service())
    await campaign.journal.tell([news_of(campaign, 2)])
    evidence = Evidence(good=True)
    evidence.hold(2, WORDS, picked=False)

    await refuse_held(campaign.book, campaign.submitter, evidence.held)

    assert [each.state for each in await campaign.chunks()] == [ChunkState.ACCEPTED] * 2
    assert [event.number for event in campaign.events if isinstance(event, ChunkAccepted)] == [2]
    assert not [event for event in campaign.events if isinstance(event, ChunkRefused)]


async def test_of_those_to_blame_who_has_it_by_now_is_passed_over_and_the_others_are_refused_and_told() -> (
    None
):
    campaign = await sent_again(3, size=1, which=2)
    await campaign.begin(campaign.service())
    await campaign.journal.tell([news_of(campaign, 2)])
    campaign.submitter.proven(await campaign.book.hear())
    evidence = Evidence(good=True)
    for chunk in (2, 3):
        evidence.hold(chunk, WORDS, picked=False)

    await refuse_held(campaign.book, campaign.submitter, evidence.held)

    assert [each.state for each in await campaign.chunks()][1:] == [ChunkState.ACCEPTED, ChunkState.REFUSED]
    told = [event for event in campaign.events if isinstance(event, ChunkRefused)]
    assert told == [ChunkRefused(number=3, recipients=1, reason=WORDS)]


class SlowToAnswer(MarkedJournal):
    """What a proof moves is on disk a while before the one who asked hears of it."""

    async def prove(self, campaign_id: str) -> tuple[Chunk, ...]:
        moved = await super().prove(campaign_id)
        await self._clock.sleep(1.0)
        return moved


async def test_a_proof_that_two_hear_of_at_once_is_taken_and_told_once() -> None:
    """The second one took it for the word of somebody who had the campaign before."""
    campaign = Campaign(2, size=1, journal=SlowToAnswer)
    await campaign.begin(campaign.service())
    journal, campaign_id = campaign.journal, campaign.plan.campaign_id
    told: list[Record] = []
    heard: list[Chunk] = []

    async def hear(after: float) -> None:
        await campaign.clock.sleep(after)
        heard.extend(await book.hear())

    async with journal.lease(campaign_id):
        await journal.record(campaign_id, Submit(number=1, step=1, at=campaign.clock.wall()))
        await journal.record(campaign_id, Lose(number=1, step=2, reason="no answer in time"))
        loaded = await journal.load(campaign_id)
        book = Chunks(loaded, journal=journal, clock=campaign.clock, observer=told.append)
        await journal.tell([news_of(campaign, 1)])
        async with campaign.clock.running(), anyio.create_task_group() as tasks:
            tasks.start_soon(hear, 0.0)
            tasks.start_soon(hear, 0.5)

    assert [(each.number, each.state) for each in heard] == [(1, ChunkState.ACCEPTED)]
    assert [(each.chunk, each.move) for each in told if isinstance(each, ChunkMoved)] == [(1, "prove")]


async def test_a_chunk_that_is_just_submitted_again_is_not_taken_for_one_that_another_process_moved() -> None:
    """Its intent is on disk, and who wrote it has not heard of that yet."""
    campaign = await sent_again(2, size=1, which=2)
    await campaign.begin(campaign.service())
    journal, campaign_id = campaign.journal, campaign.plan.campaign_id
    told: list[Record] = []
    loaded = await journal.load(campaign_id)
    book = Chunks(loaded, journal=journal, clock=campaign.clock, observer=told.append)
    await journal.record(campaign_id, Submit(number=2, step=4, at=campaign.clock.wall()))

    assert await book.hear() == ()

    assert book[2].state is ChunkState.PLANNED
    assert told == []
