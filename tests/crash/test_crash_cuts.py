"""Killed while people are cut from a chunk that is about to leave: they get nothing, the others get it once.

There are two reasons to cut: somebody opted out after the plan was made, and somebody whom a retry was to
reach has the message by now, as webhooks told.
"""

from collections.abc import Iterable
from pathlib import Path

import pytest

from keebai_async.model.chunk import ChunkState
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.planning.plan import PlanOptions
from tests.crash.nursery import Nursery
from tests.crash.people import number
from tests.crash.truth import Account, accounts, found_in_portal
from tests.crash.world import SIZE, World, take_time, world

LATER = 131056
"""The code of a failure after which a person may be sent to again."""

DAY = 86_400.0
"""Seconds; time runs fast here, by a clock of each process: what is so old is due by all of them."""

ON_THE_WAY = [
    ("leased", 1),
    ("before a place", 2),
    ("before submit", 1),
    ("inside submit", 2),
    ("after submit", 1),
    ("under way", 1),
    ("verdict seen", 1),
    ("verdict seen", 2),
    ("before accept", 2),
    ("inside accept", 1),
    ("after accept", 1),
]

AT_THE_CUT = [
    ("before recut", 1),
    ("before recut", 2),
    ("inside refuse", 1),
    ("inside refuse", 2),
    ("after recut", 1),
    ("after recut", 2),
]

OF_A_WHOLE_CHUNK = [("before refuse", 1), ("after refuse", 1)]


@pytest.mark.parametrize(("point", "nth"), [*AT_THE_CUT, *OF_A_WHOLE_CHUNK, *ON_THE_WAY])
async def test_who_opted_out_after_the_plan_gets_nothing_and_the_others_get_it_once(
    nursery: Nursery, path: Path, point: str, nth: int
) -> None:
    """In two chunks some opted out, in a third one everybody; and somebody else does when it is killed."""
    out = {3, 4, 27, *range(2 * SIZE, 3 * SIZE)}
    late = 8
    async with world(nursery, path, people=4 * SIZE, failing=0.0) as here:
        here.sandbox.malformed.clear()
        take_time(here)
        async with here.client() as keebai:
            await here.campaign(keebai)
            await keebai.opt_outs.add(*map(number, out))

        killed = await here.live(point=point, nth=nth)

        assert killed.killed, "the point was not reached"
        left = await here.account()
        assert left is not None
        async with here.client() as keebai:
            await keebai.opt_outs.add(number(late))
        await here.end()
        account = await here.settle_all()

    times = here.sandbox.ledger.times_messaged()
    refused = refused_of(account)
    assert times == dict.fromkeys(numbers(range(4 * SIZE)) - refused, 1)
    assert numbers(out) <= refused <= numbers({*out, late})
    if chunk_of(left, late) is ChunkState.PLANNED:
        assert number(late) in refused


@pytest.mark.parametrize(("point", "nth"), [*AT_THE_CUT, *ON_THE_WAY])
async def test_a_retry_reaches_each_of_its_people_once_more_and_nobody_who_has_it_by_now(
    nursery: Nursery, path: Path, point: str, nth: int
) -> None:
    """One of them has it, as is told before it leaves, and another opts out; at the kill a third has it."""
    again = range(0, 2 * SIZE, 2)
    has_it, opted_out, late = 4, 18, 26
    async with world(nursery, path, people=2 * SIZE, failing=0.0) as here:
        here.sandbox.malformed.clear()
        first = (await here.run_here()).plan.campaign_id
        await tell(here, first, again, Fate.FAILED, ago=DAY)
        async with here.client() as keebai:
            plan = await keebai.campaigns.retry(first, options=PlanOptions(chunk_size=5))
            await keebai.opt_outs.add(number(opted_out))
        await tell(here, first, [has_it], Fate.DELIVERED)
        take_time(here)

        async with nursery.life(here.task(plan.campaign_id, point, nth)) as life:
            await life.end()

        assert life.killed, "the point was not reached"
        killed = await here_now(here, plan.campaign_id)
        await tell(here, first, [late], Fate.DELIVERED)
        async with nursery.life(here.task(plan.campaign_id)) as life:
            await life.end()
        assert (life.gone, life.error) == (0, None)
        ended = await here_now(here, plan.campaign_id)
        assert len(ended.chunks(ChunkState.UNKNOWN)) <= len(killed.chunks(ChunkState.SUBMITTING))
        await settle(here, ended)
        account = await here_now(here, plan.campaign_id)

    refused = refused_of(account)
    assert (account.report.state, account.report.unknown, account.report.unsent) == ("finished", 0, 0)
    assert numbers([has_it, opted_out]) <= refused <= numbers([has_it, opted_out, late])
    once, twice = dict.fromkeys(numbers(range(2 * SIZE)), 1), dict.fromkeys(numbers(again) - refused, 2)
    assert here.sandbox.ledger.times_messaged() == once | twice
    if chunk_of(killed, late) is ChunkState.PLANNED:
        assert number(late) in refused


async def here_now(here: World, campaign_id: str) -> Account:
    """What the journal says of a retry, after a comparison with the ledger."""
    account = next(each for each in await accounts(here.path) if each.plan.campaign_id == campaign_id)
    assert account.report.errors() == ()
    times = here.sandbox.ledger.times_messaged()
    for chunk in account.started.chunks:
        allowed = {ChunkState.ACCEPTED: {2}, ChunkState.PLANNED: {1}, ChunkState.REFUSED: {1}}
        found = {times[to] for to in account.people[chunk.number]}
        assert found <= allowed.get(chunk.state, {1, 2})
    return account


async def settle(here: World, account: Account) -> None:
    """Reconcile every unknown chunk by a look into the portal, and send what is left."""
    async with here.client() as keebai:
        for chunk in account.chunks(ChunkState.UNKNOWN):
            found = found_in_portal(account, chunk, here.sandbox)
            await keebai.campaigns.reconcile(
                account.plan.campaign_id,
                chunk.number,
                accepted=None if found is None else found.broadcast_id,
                resend=found is None,
            )
        async with keebai.campaigns.resume(account.plan.campaign_id) as run:
            await run.report()


async def tell(here: World, campaign_id: str, people: Iterable[int], fate: Fate, *, ago: float = 0.0) -> None:
    """Let webhooks have told so much of *people* of the first campaign."""
    async with here.client() as keebai:
        news = [
            PersonNews(
                campaign_id=campaign_id,
                chunk=person // SIZE + 1,
                place=person % SIZE,
                fate=fate,
                code=LATER if fate is Fate.FAILED else 0,
                at=keebai.clock.wall() - ago,
            )
            for person in people
        ]
        assert await keebai.journal.tell(news) == len(news)


def chunk_of(account: Account, person: int) -> ChunkState:
    """The state of the chunk that answers for *person*."""
    (found,) = [chunk for chunk in account.started.chunks if number(person) in account.people[chunk.number]]
    return found.state


def refused_of(account: Account) -> set[str]:
    return {to for chunk in account.chunks(ChunkState.REFUSED) for to in account.people[chunk.number]}


def numbers(people: Iterable[int]) -> set[str]:
    return set(map(number, people))
