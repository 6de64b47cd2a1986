"""What is wanted is kept by every journal alike, and follows what becomes of the campaign."""

import math

from msgspec.structs import replace

from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import CampaignState, Wish
from keebai_async.model.lifecycle import Abandon, Accept, Lose, Resend, Submit
from keebai_async.model.reached import Reached
from keebai_async.model.stop import Cause
from keebai_async.model.want import Want
from tests.journal.journal_kit import keep, plan_of

FAR = 5_000_000_000.0
"""A time that comes later than now on the clock of every journal."""
LATER = FAR + 2_000.0


async def kept(journal: Journal, *campaigns: str, at: float = FAR + 1) -> None:
    for campaign in campaigns:
        await keep(journal, plan_of(campaign, chunks=(2,)))
        await journal.want(Want(campaign_id=campaign, at=at, account="a", salt="s"))


async def test_what_is_wanted_is_listed_by_its_time_and_by_its_name(journal: Journal) -> None:
    await kept(journal, "b", "a")
    await kept(journal, "c", at=FAR)
    await kept(journal, "d", at=LATER)
    assert [want.campaign_id for want in await journal.wanted(by=LATER - 1)] == ["c", "a", "b"]
    assert len(await journal.wanted(by=LATER)) == 4
    assert await journal.want_of("c") == Want(campaign_id="c", at=FAR, account="a", salt="s")
    assert await journal.want_of("nobody wants this") is None


async def test_what_was_agreed_to_is_kept_with_what_is_wanted(journal: Journal) -> None:
    await keep(journal, plan_of("a"))
    seen = Reached(campaign_id="b", name="B", template="promo", language="es", people=7, repeated=3, at=9.0)

    await journal.want(Want(campaign_id="a", at=FAR, agreed=(seen,)))

    want = await journal.want_of("a")
    assert want is not None
    assert want.agreed == (seen,)


async def test_who_runs_it_is_said_of_one_and_of_all(journal: Journal) -> None:
    await kept(journal, "a", "b")
    async with journal.lease("b"):
        one, other = await journal.wanted(by=LATER)
        assert one.holder is None
        assert other.holder is not None
        assert await journal.want_of("b") == other
    assert [want.holder for want in await journal.wanted(by=LATER)] == [None, None]


async def test_a_time_that_has_passed_is_now_and_now_is_the_same_for_all(journal: Journal) -> None:
    await kept(journal, "a", at=0.0)
    await kept(journal, "b")
    (want,) = await journal.wanted()
    assert (want.campaign_id, 0.0 < want.at < FAR) == ("a", True)


async def test_what_is_put_off_is_wanted_later_and_never_earlier(journal: Journal) -> None:
    await kept(journal, "a", at=0.0)
    (before,) = await journal.wanted()
    await journal.put_off("a", seconds=FAR, tries=1)
    (want,) = await journal.wanted(by=math.inf)
    assert (want.at >= before.at + FAR, want.tries) == (True, 1)
    await journal.put_off("a", seconds=1.0, tries=2)
    assert await journal.wanted(by=math.inf) == [replace(want, tries=2)]
    assert await journal.wanted() == []
    await journal.want(Want(campaign_id="a", at=0.0))  # what was wanted before is forgotten
    assert [want.tries for want in await journal.wanted()] == [0]
    assert await journal.unwant("a")
    await journal.put_off("a", seconds=1.0, tries=1)
    assert await journal.wanted(by=math.inf) == []


async def test_what_is_finished_is_not_wanted_whoever_finished_it_and_also_if_it_was_held(
    journal: Journal,
) -> None:
    await kept(journal, "a", "b")
    await journal.ask("a", Wish.PAUSE)
    await journal.set_state("a", CampaignState.FINISHED)
    await journal.set_state("b", CampaignState.STOPPED, stopped_by=Cause.QUOTA)
    assert [want.campaign_id for want in await journal.wanted(by=LATER)] == ["b"]


async def test_it_waits_as_long_as_nothing_is_left_but_what_is_unknown(journal: Journal) -> None:
    await kept(journal, "a")
    async with journal.lease("a"):
        await journal.record("a", Submit(number=1, step=1, at=1.0))
        await journal.record("a", Lose(number=1, step=2, reason="no answer"))
        await journal.set_state("a", CampaignState.STOPPED, stopped_by=Cause.UNKNOWN)
    (want,) = await journal.wanted(by=LATER)
    assert want.waits
    async with journal.lease("a"):
        await journal.record("a", Resend(number=1, step=3))
        await journal.set_state("a", CampaignState.STOPPED, stopped_by=Cause.SETTLED)
    (want,) = await journal.wanted(by=LATER)
    assert not want.waits


async def test_one_that_is_wanted_while_it_waits_goes_on_waiting(journal: Journal) -> None:
    await keep(journal, plan_of("a", chunks=(2,)))
    async with journal.lease("a"):
        await journal.record("a", Submit(number=1, step=1, at=1.0))
        await journal.record("a", Lose(number=1, step=2, reason="no answer"))
        await journal.set_state("a", CampaignState.STOPPED, stopped_by=Cause.UNKNOWN)
    await journal.want(Want(campaign_id="a", at=1.0))
    assert [want.waits for want in await journal.wanted(by=LATER)] == [True]
    async with journal.lease("a"):
        await journal.record("a", Abandon(number=1, step=3))
        await journal.set_state("a", CampaignState.FINISHED)
    assert await journal.wanted(by=LATER) == []


async def test_an_answer_that_comes_late_ends_the_wait(journal: Journal) -> None:
    await kept(journal, "a")
    submit = Submit(number=1, step=1, at=1.0)
    async with journal.lease("a"):
        await journal.record("a", submit)
        await journal.record("a", Lose(number=1, step=2, reason="no answer"))
        await journal.set_state("a", CampaignState.STOPPED, stopped_by=Cause.UNKNOWN)
    answer = Accept(number=1, step=2, accepted=2, broadcast_id="66aa00112233445566778899")
    assert await journal.testify("a", submit, answer) is not None
    (want,) = await journal.wanted(by=LATER)
    assert not want.waits  # its delivery is to be followed
