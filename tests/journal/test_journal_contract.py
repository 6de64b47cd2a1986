"""What every journal promises, whatever its database."""

import itertools
from collections.abc import Awaitable, Callable
from contextlib import nullcontext

import anyio
import msgspec
import pytest

from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy, CampaignNotFound, ForbiddenMove, Misused
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import CampaignState, Wish
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.identity import identity
from keebai_async.model.lifecycle import (
    Abandon,
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    Withdraw,
    replay,
)
from keebai_async.model.plan import Pace
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause
from tests.journal.journal_kit import keep, number_of, people, plan_of, rejection

Use = Callable[[], Awaitable[object]]


def submit(number: int, step: int = 1) -> Submit:
    return Submit(number=number, step=step, at=1_700_000_000.5)


async def test_a_frozen_plan_comes_back_as_it_was(journal: Journal) -> None:
    plan = plan_of(chunks=(2, 3, 1))
    await keep(journal, plan)

    started = await journal.load("promo")

    assert started.plan == plan
    assert started.state is CampaignState.PLANNED
    assert started.chunks == tuple(Chunk(number=n, recipients=r) for n, r in ((1, 2), (2, 3), (3, 1)))
    assert (started.requests, started.seconds, started.holder) == (Requests(), 0.0, None)


async def test_several_plans_are_frozen_together_or_none_of_them_is(journal: Journal) -> None:
    one = plan_of(chunks=(2,))
    other = msgspec.structs.replace(plan_of(chunks=(3,)), campaign_id="other")
    for plan in (one, other):
        for number, recipients in enumerate(plan.chunks, start=1):
            await journal.add_chunk(plan.campaign_id, number, recipients, people(number, recipients))

    with pytest.raises(Misused):
        await journal.freeze(one, msgspec.structs.replace(other, chunks=(4,), ready=4))
    nothing = await journal.campaigns()
    await journal.freeze(one, other)

    assert nothing == []
    assert {each.plan.campaign_id for each in await journal.campaigns()} == {"promo", "other"}


async def test_the_people_of_a_chunk_are_the_same_bytes(journal: Journal) -> None:
    plan = plan_of(chunks=(2, 2))
    odd = '[{"to":"+5491155555555","variables":{"nombre":"\u00d1and\u00fa \U0001f389"}}, 2 ]'.encode()
    await journal.add_chunk("promo", 1, 2, odd)
    await journal.add_chunk("promo", 2, 2, people(2, 2))
    await journal.freeze(plan)

    assert await journal.items("promo", 1) == odd
    assert await journal.items("promo", 2) == people(2, 2)


async def test_a_plan_in_the_making_is_no_campaign(journal: Journal) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))

    assert await journal.campaigns() == []
    uses: tuple[Use, ...] = (
        lambda: journal.load("promo"),
        lambda: journal.items("promo", 1),
        lambda: journal.record("promo", submit(1)),
        lambda: journal.set_state("promo", CampaignState.RUNNING),
        lambda: journal.ask("promo", Wish.PAUSE),
        lambda: journal.purge("promo"),
    )
    for use in uses:
        with pytest.raises(CampaignNotFound):
            await use()


async def test_a_discarded_plan_leaves_room_for_another_of_its_name(journal: Journal) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.add_rejections("promo", [rejection(1)])
    await journal.discard("promo")
    await journal.discard("promo")

    await journal.add_chunk("promo", 1, 1, people(7, 1))
    await journal.freeze(plan_of(chunks=(1,)))

    assert await journal.items("promo", 1) == people(7, 1)
    assert [each async for each in journal.rejections("promo")] == []


async def test_a_frozen_plan_cannot_be_changed(journal: Journal) -> None:
    plan = plan_of()
    await keep(journal, plan)

    changes: tuple[Use, ...] = (
        lambda: journal.add_chunk("promo", 3, 1, b"[]"),
        lambda: journal.add_rejections("promo", [rejection(1)]),
        lambda: journal.freeze(plan),
        lambda: journal.discard("promo"),
    )
    for change in changes:
        with pytest.raises(Misused, match="frozen"):
            await change()
    assert (await journal.load("promo")).plan == plan


@pytest.mark.parametrize("chunks", [(2,), (2, 3, 4), (3, 2), (2, 4)])
async def test_a_plan_that_is_not_what_was_kept_is_not_frozen(
    journal: Journal, chunks: tuple[int, ...]
) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.add_chunk("promo", 2, 3, people(2, 3))

    with pytest.raises(Misused):
        await journal.freeze(plan_of(chunks=chunks))

    assert await journal.campaigns() == []
    await journal.freeze(plan_of(chunks=(2, 3)))


async def test_a_plan_whose_counts_do_not_add_up_is_not_frozen(journal: Journal) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    with pytest.raises(Misused, match="ready for 5"):
        await journal.freeze(msgspec.structs.replace(plan_of(chunks=(2,)), ready=5))


async def test_the_same_chunk_is_kept_once(journal: Journal) -> None:
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    with pytest.raises(Misused, match="chunk 1"):
        await journal.add_chunk("promo", 1, 9, people(1, 9))
    await journal.freeze(plan_of(chunks=(2,)))
    assert await journal.items("promo", 1) == people(1, 2)


@pytest.mark.parametrize("batch", [1, 400, 5_000])
async def test_rejections_come_back_in_the_order_they_were_read(journal: Journal, batch: int) -> None:
    rejected = [rejection(row) for row in range(2_501)]
    for first in range(0, len(rejected), batch):
        await journal.add_rejections("promo", rejected[first : first + batch])
    await journal.freeze(plan_of(chunks=(), rejected=len(rejected)))

    assert [each async for each in journal.rejections("promo")] == rejected


async def test_half_a_character_in_a_row_or_a_file_name_is_kept_with_a_mark(journal: Journal) -> None:
    """A journal on disk once ended a plan with a UnicodeEncodeError for it."""
    odd = msgspec.structs.replace(rejection(1), to="+54\ud800", columns={"n\udcf1": "Jos\udce9", "b": "Ana"})
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.add_rejections("promo", [odd, rejection(2)])
    plan = plan_of(chunks=(2,), rejected=2)
    await journal.freeze(msgspec.structs.replace(plan, source="espa\udcf1a.csv"))

    kept, other = [each async for each in journal.rejections("promo")]
    assert (kept.to, kept.columns) == ("+54\ufffd", {"n\ufffd": "Jos\ufffd", "b": "Ana"})
    assert other == rejection(2)
    assert (await journal.load("promo")).plan == msgspec.structs.replace(plan, source="espa\ufffda.csv")


async def test_campaigns_are_listed_newest_first(journal: Journal) -> None:
    for campaign_id, created_at in (("b", 20.0), ("c", 30.0), ("a", 10.0)):
        await keep(journal, plan_of(campaign_id, created_at=created_at))
    assert [each.plan.campaign_id for each in await journal.campaigns()] == ["c", "b", "a"]


async def test_the_same_plan_under_the_same_name_is_found(journal: Journal) -> None:
    await keep(journal, plan_of("first", created_at=1.0))
    await keep(journal, plan_of("again", created_at=2.0))
    await keep(journal, plan_of("renamed", name="Otra"))
    await keep(journal, plan_of("other-people", fingerprint="f2"))
    await journal.add_chunk("in-the-making", 1, 1, people(1, 1))

    assert [each.plan.campaign_id for each in await journal.find("Promo", "f1")] == ["again", "first"]
    assert await journal.find("Promo", "f3") == []
    assert await journal.find("", "") == []


async def test_every_move_of_a_life_is_kept_in_order(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(5, 5)))
    lives: list[Move] = [
        submit(1),
        submit(2),
        TakeBack(number=1, step=2, reason="429"),
        Accept(number=2, step=2, accepted=5, broadcast_id="b2"),
        submit(1, 3),
        Lose(number=1, step=4, reason="reset"),
        Resend(number=1, step=5),
        submit(1, 6),
        Lose(number=1, step=7, reason="504"),
        Vouch(number=1, step=8, accepted=4, broadcast_id="b1"),
    ]
    for move in lives:
        chunk = await journal.record("promo", move)
        assert chunk.step == move.step

    first, second = (await journal.load("promo")).chunks
    assert (first.state, first.accepted, first.broadcast_id, first.attempts) == (
        ChunkState.ACCEPTED,
        4,
        "b1",
        3,
    )
    assert (second.state, second.accepted, second.broadcast_id) == (ChunkState.ACCEPTED, 5, "b2")
    kept = await journal.moves("promo")
    assert kept == tuple(lives)
    born = Chunk(number=1, recipients=5)
    once = replay(born, [move for move in kept if move.number == 1])
    assert once == msgspec.structs.replace(first, event_id=0)
    assert replay(once, [move for move in kept if move.number == 1]) == once


@pytest.mark.parametrize(
    "move",
    [
        Accept(number=1, step=1, accepted=2),
        Resend(number=1, step=1),
        Abandon(number=1, step=1),
        Submit(number=1, step=2, at=1.0),
        Submit(number=1, step=0, at=1.0),
        HandOn(number=1, step=1, reason="alone it would lose everybody"),
    ],
)
async def test_a_forbidden_move_leaves_no_trace(journal: Journal, move: Move) -> None:
    await keep(journal, plan_of())
    before = await journal.load("promo")

    with pytest.raises(ForbiddenMove):
        await journal.record("promo", move)

    assert await journal.load("promo") == before
    assert await journal.moves("promo") == ()


async def test_of_two_writers_with_the_same_picture_only_the_first_writes(journal: Journal) -> None:
    await keep(journal, plan_of())
    await journal.record("promo", submit(1))
    with pytest.raises(ForbiddenMove):
        await journal.record("promo", submit(1))


async def test_a_refusal_keeps_all_its_people_or_is_a_recut(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(5,)))
    await journal.record("promo", submit(1))
    with pytest.raises(ForbiddenMove, match="people"):
        await journal.record("promo", Refuse(number=1, step=2, reason="400", recipients=3))
    refused = await journal.record("promo", Refuse(number=1, step=2, reason="400", recipients=5))
    assert (refused.state, refused.recipients) == (ChunkState.REFUSED, 5)


async def test_an_unknown_chunk_or_campaign_is_not_found(journal: Journal) -> None:
    await keep(journal, plan_of())
    uses: tuple[Use, ...] = (
        lambda: journal.record("promo", submit(9)),
        lambda: journal.items("promo", 9),
        lambda: journal.progress("promo", 9, sent=0, failed=0, final=False),
        lambda: journal.recut(
            "promo", [Refuse(number=9, step=1, reason="", recipients=1)], keep=b"[1]", children=[]
        ),
        lambda: journal.load("nobody"),
        lambda: journal.moves("nobody"),
        lambda: journal.recover("nobody"),
        lambda: journal.asked("nobody"),
    )
    for use in uses:
        with pytest.raises(CampaignNotFound):
            await use()
    with pytest.raises(CampaignNotFound):
        [each async for each in journal.rejections("nobody")]
    with pytest.raises(CampaignNotFound):
        async with journal.lease("nobody"):
            pass


async def test_a_refused_chunk_is_cut_again_with_an_untested_one(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(5, 4, 3)))
    await journal.record("promo", submit(1))

    parent, handed_on, *children = await journal.recut(
        "promo",
        [
            Refuse(number=1, step=2, reason="malformed", recipients=1),
            HandOn(number=2, step=1, reason="cut again"),
        ],
        keep=b"[1]",
        children=[(6, people(4, 6)), (2, people(5, 2))],
    )

    assert (parent.state, parent.recipients, parent.reason) == (ChunkState.REFUSED, 1, "malformed")
    assert (handed_on.state, handed_on.recipients) == (ChunkState.REFUSED, 0)
    assert children == [
        Chunk(number=4, recipients=6, parent=1),
        Chunk(number=5, recipients=2, parent=1),
    ]
    started = await journal.load("promo")
    assert started.chunks == (parent, handed_on, Chunk(number=3, recipients=3), *children)
    assert sum(chunk.recipients for chunk in started.chunks) == started.plan.ready
    kept = [await journal.items("promo", number) for number in range(1, 6)]
    assert kept == [b"[1]", b"[]", people(3, 3), people(4, 6), people(5, 2)]
    assert (await journal.record("promo", submit(4))).state is ChunkState.SUBMITTING


async def test_waiting_chunks_are_cut_again_without_a_refusal(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(2, 3)))
    moves = [HandOn(number=number, step=1, reason="cut again") for number in (1, 2)]

    *gone, child = await journal.recut("promo", moves, keep=b"[]", children=[(5, people(3, 5))])

    assert [(chunk.state, chunk.recipients) for chunk in gone] == [(ChunkState.REFUSED, 0)] * 2
    assert child == Chunk(number=3, recipients=5, parent=1)
    assert await journal.items("promo", 3) == people(3, 5)


_REFUSE = Refuse(number=1, step=2, reason="400", recipients=1)
_HAND_ON = HandOn(number=2, step=1, reason="cut again")


@pytest.mark.parametrize(
    ("moves", "children", "error"),
    [
        ([_REFUSE], [(3, b"[]")], ValueError),  # one of five is lost
        ([_REFUSE], [(5, b"[]")], ValueError),  # one is there twice
        ([_REFUSE, _HAND_ON], [(4, b"[]")], ValueError),  # those of the second are lost
        ([_REFUSE], [(4, b"[]"), (0, b"[]")], ValueError),
        ([_HAND_ON], [(3, b"[]")], ValueError),
        ([_HAND_ON, _REFUSE], [(8, b"[]")], ValueError),
        ([_REFUSE, _REFUSE], [(8, b"[]")], ValueError),
        ([_REFUSE, _HAND_ON, _HAND_ON], [(12, b"[]")], ForbiddenMove),
        (
            [Refuse(number=3, step=1, reason="", recipients=0)],
            [(3, b"[]")],
            ForbiddenMove,
        ),  # has made that step
        ([_REFUSE, HandOn(number=3, step=2, reason="")], [(7, b"[]")], ForbiddenMove),  # is on its way
        ([], [], ValueError),
    ],
)
async def test_a_recut_that_is_not_allowed_changes_nothing(
    journal: Journal,
    moves: list[Refuse | HandOn],
    children: list[tuple[int, bytes]],
    error: type[Exception],
) -> None:
    await keep(journal, plan_of(chunks=(5, 4, 3)))
    await journal.record("promo", submit(1))
    await journal.record("promo", submit(3))
    before = await journal.load("promo")

    with pytest.raises(error):
        await journal.recut("promo", moves, keep=b"[1]", children=children)

    assert await journal.load("promo") == before
    assert await journal.items("promo", 1) == people(1, 5)
    assert len(await journal.moves("promo")) == 2


async def test_counters_and_spending_are_kept(journal: Journal) -> None:
    await keep(journal, plan_of())
    await journal.progress("promo", 2, sent=1, failed=2, final=True)
    spent = Requests(submits=3, polls=4, other=1, throttled=1)
    await journal.set_state("promo", CampaignState.RUNNING, requests=spent, seconds=12.5)
    spent.submits = 99
    await journal.set_state(
        "promo", CampaignState.STOPPED, reason="the token is gone", stopped_by=Cause.TOKEN
    )

    started = await journal.load("promo")
    seen = started.chunks[1]
    assert seen.seen_at is not None
    assert seen == Chunk(
        number=2, recipients=3, sent=1, failed=2, final=True, seen_at=seen.seen_at, event_id=1
    )
    assert (started.state, started.reason, started.stopped_by) == (
        CampaignState.STOPPED,
        "the token is gone",
        "token",
    )
    assert started.requests == Requests(submits=3, polls=4, other=1, throttled=1)
    assert started.seconds == 12.5

    await journal.set_state("promo", CampaignState.RUNNING)
    again = await journal.load("promo")
    assert (again.reason, again.stopped_by) == (None, None)


COUNTERS = ((1, 0, False), (3, 1, False), (2, 4, False), (5, 2, True))


@pytest.mark.parametrize("order", list(itertools.permutations(COUNTERS)))
async def test_counters_told_in_any_order_and_twice_never_go_back(
    journal: Journal, order: tuple[tuple[int, int, bool], ...]
) -> None:
    await keep(journal, plan_of(chunks=(9,)))
    await journal.record("promo", submit(1))
    await journal.record("promo", Accept(number=1, step=2, accepted=9, broadcast_id="b"))

    before = (0, 0, False)
    for sent, failed, final in (*order, *order):
        chunk = await journal.progress("promo", 1, sent=sent, failed=failed, final=final)
        now = (chunk.sent, chunk.failed, chunk.final)
        assert now == (max(before[0], sent), max(before[1], failed), before[2] or final)
        before = now

    (chunk,) = (await journal.load("promo")).chunks
    assert (chunk.sent, chunk.failed, chunk.final) == (5, 4, True)
    assert (chunk.state, chunk.step, chunk.broadcast_id) == (ChunkState.ACCEPTED, 2, "b")


async def test_counters_that_came_before_the_answer_are_kept_by_it(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(9,)))
    await journal.record("promo", submit(1))
    await journal.progress("promo", 1, sent=4, failed=1, final=False)

    accepted = await journal.record("promo", Accept(number=1, step=2, accepted=9, broadcast_id="b"))

    assert (accepted.sent, accepted.failed, accepted.final) == (4, 1, False)


async def test_one_campaign_has_one_lease(journal: Journal, clock: ManualClock) -> None:
    await keep(journal, plan_of("one"))
    await keep(journal, plan_of("two"))

    async with journal.lease("one"), journal.lease("two"):
        holder = (await journal.load("one")).holder
        assert holder is not None
        assert holder.since == clock.wall()
        with pytest.raises(CampaignBusy, match=f"process {holder.pid} on {holder.host} since 20"):
            async with journal.lease("one"):
                pytest.fail("two have the lease")
        assert (await journal.load("one")).holder is not None
    async with journal.lease("one"):
        pass
    assert (await journal.load("one")).holder is None


async def test_of_leases_taken_at_the_same_instant_the_order_is_seen_from_their_times(
    journal: Journal, clock: ManualClock
) -> None:
    for each in ("first", "second", "third"):
        await keep(journal, plan_of(each, fingerprint=each))

    async with journal.lease("first"), journal.lease("second"), journal.lease("third"):
        stored = [await journal.load(each) for each in ("first", "second", "third")]
    async with journal.lease("second"):
        alone = await journal.load("second")

    times = [each.holder.since for each in stored if each.holder is not None]
    assert len(set(times)) == 3
    assert times == sorted(times)
    assert alone.holder is not None
    assert alone.holder.since == clock.wall()


async def test_a_lease_is_given_back_by_a_failing_or_cancelled_run(journal: Journal) -> None:
    await keep(journal, plan_of())
    with pytest.raises(RuntimeError, match="boom"):
        async with journal.lease("promo"):
            raise RuntimeError("boom")
    with anyio.CancelScope() as scope:
        async with journal.lease("promo"):
            scope.cancel()
            await anyio.sleep_forever()
    async with journal.lease("promo"):
        pass


async def test_what_was_on_its_way_when_the_process_died_is_unknown(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(1, 1, 1)))
    await journal.record("promo", submit(1))
    await journal.record("promo", submit(2))
    await journal.record("promo", Accept(number=2, step=2, accepted=1, broadcast_id="b"))

    with pytest.raises(Misused, match="lease"):
        await journal.recover("promo")
    async with journal.lease("promo"):
        (lost,) = await journal.recover("promo")
        assert (lost.number, lost.state) == (1, ChunkState.UNKNOWN)
        assert await journal.recover("promo") == ()

    states = [chunk.state for chunk in (await journal.load("promo")).chunks]
    assert states == [ChunkState.UNKNOWN, ChunkState.ACCEPTED, ChunkState.PLANNED]


async def test_a_wish_reaches_the_one_who_runs_it_once(journal: Journal) -> None:
    await keep(journal, plan_of())
    assert not await journal.ask("promo", Wish.PAUSE)

    async with journal.lease("promo"):
        assert await journal.asked("promo") is None
        assert await journal.ask("promo", Wish.PAUSE)
        assert await journal.ask("promo", Wish.STOP)
        assert await journal.asked("promo") is Wish.STOP
        assert await journal.asked("promo") is None
        assert await journal.ask("promo", Wish.RESUME)
    async with journal.lease("promo"):
        assert await journal.asked("promo") is None


async def test_a_purge_removes_people_and_keeps_counts(journal: Journal, clock: ManualClock) -> None:
    await journal.add_rejections("promo", [rejection(row) for row in range(3)])
    await journal.add_chunk("promo", 1, 2, people(1, 2))
    await journal.freeze(plan_of(chunks=(2,), rejected=3))
    await journal.record("promo", submit(1))
    accepted = await journal.record("promo", Accept(number=1, step=2, accepted=2, broadcast_id="b"))

    await journal.purge("promo")
    await journal.purge("promo")

    started = await journal.load("promo")
    assert started.chunks == (accepted,)
    assert started.purged_at == clock.wall()
    assert (started.plan.ready, started.plan.reasons[0].count) == (2, 1)
    assert started.plan.preview is None
    assert started.plan.reasons[0].examples == ()
    left = [each async for each in journal.rejections("promo")]
    assert [(each.row, each.to, each.columns) for each in left] == [(row, "", {}) for row in range(3)]
    with pytest.raises(CampaignNotFound, match="purged"):
        await journal.items("promo", 1)


async def test_a_purge_hides_numbers_that_the_service_named(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(2,)))
    await journal.record("promo", submit(1))
    words = "recipients.17.to +5491155555555 (or 011 15-5555-1111) is malformed, see 400"
    await journal.record("promo", Refuse(number=1, step=2, reason=words, recipients=2))
    await journal.set_state("promo", CampaignState.STOPPED, reason=words)

    await journal.purge("promo")

    started = await journal.load("promo")
    hidden = "recipients.17.to … (or …) is malformed, see 400"
    assert (started.reason, started.chunks[0].reason) == (hidden, hidden)
    submitted, refused = await journal.moves("promo")
    assert submitted == submit(1)
    assert isinstance(refused, Refuse)
    assert refused.reason == hidden


@pytest.mark.parametrize("life", [[], [submit(1)], [submit(1), Lose(number=1, step=2, reason="reset")]])
async def test_people_who_may_have_to_be_sent_are_not_purged_by_the_way(
    journal: Journal, life: list[Move]
) -> None:
    await keep(journal, plan_of(chunks=(2,)))
    for move in life:
        await journal.record("promo", move)

    with pytest.raises(CampaignBusy, match="2 people"):
        await journal.purge("promo")
    assert await journal.items("promo", 1) == people(1, 2)
    assert await journal.purge_finished() == []

    await journal.purge("promo", unfinished=True)
    with pytest.raises(CampaignNotFound):
        await journal.items("promo", 1)


async def test_a_running_campaign_is_not_purged(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=()))
    async with journal.lease("promo"):
        with pytest.raises(CampaignBusy, match="run by process"):
            await journal.purge("promo", unfinished=True)
        assert await journal.purge_finished() == []
    assert await journal.purge_finished() == ["promo"]
    assert await journal.purge_finished() == []


async def test_only_finished_campaigns_are_purged_together(journal: Journal) -> None:
    for campaign_id in ("settled", "followed", "unsent"):
        await keep(journal, plan_of(campaign_id, chunks=(2,)))
    for campaign_id in ("settled", "followed"):
        await journal.record(campaign_id, submit(1))
        await journal.record(campaign_id, Accept(number=1, step=2, accepted=2, broadcast_id="b"))
    await journal.progress("settled", 1, sent=2, failed=0, final=True)

    assert await journal.purge_finished() == ["settled"]
    assert await journal.items("followed", 1) == people(1, 2, "followed")


async def test_closing_twice_is_closing_once(journal: Journal) -> None:
    await keep(journal, plan_of())
    await journal.aclose()
    await journal.aclose()


async def test_moves_made_at_once_do_not_interleave(journal: Journal) -> None:
    chunks = 40
    await keep(journal, plan_of(chunks=(1,) * chunks))

    async def live(number: int) -> None:
        await journal.record("promo", submit(number))
        await journal.record("promo", Accept(number=number, step=2, accepted=1, broadcast_id=str(number)))

    async with anyio.create_task_group() as tasks:
        for number in range(1, chunks + 1):
            tasks.start_soon(live, number)

    started = await journal.load("promo")
    assert [chunk.broadcast_id for chunk in started.chunks] == [str(n) for n in range(1, chunks + 1)]
    assert len(await journal.moves("promo")) == 2 * chunks


# What somebody knows of a campaign that is not theirs any more


ACCEPT = Accept(number=1, step=2, accepted=2, broadcast_id="b")
TAKE_BACK = TakeBack(number=1, step=2, reason="429")
LOSE = Lose(number=1, step=2, reason="its process fell silent")


@pytest.mark.parametrize(
    ("after", "answer", "state", "by"),
    [
        ([], ACCEPT, ChunkState.ACCEPTED, Accept),
        ([], TAKE_BACK, ChunkState.PLANNED, TakeBack),
        ([LOSE], ACCEPT, ChunkState.ACCEPTED, LateAccept),
        ([LOSE], TAKE_BACK, ChunkState.PLANNED, LateTakeBack),
        ([LOSE, Resend(number=1, step=3)], ACCEPT, ChunkState.ACCEPTED, LateAccept),
        (
            [LOSE, Resend(number=1, step=3), Withdraw(number=1, step=4)],
            ACCEPT,
            ChunkState.ACCEPTED,
            LateAccept,
        ),
    ],
)
async def test_the_answer_to_the_last_submit_is_kept_whoever_runs_the_campaign_now(
    journal: Journal, after: list[Move], answer: Accept | TakeBack, state: ChunkState, by: type[Move]
) -> None:
    await keep(journal, plan_of())
    for move in (submit(1), *after):
        await journal.record("promo", move)

    async with journal.lease("promo"):
        chunk = await journal.testify("promo", submit(1), answer)
        assert chunk is not None
        assert (chunk.state, chunk.step, chunk.resent) == (state, 2 + len(after), False)

    assert (await journal.load("promo")).chunks[0] == chunk == (await journal.chunks("promo"))[0]
    assert type((await journal.moves("promo"))[-1]) is by


@pytest.mark.parametrize(
    ("after", "answer"),
    [
        ([ACCEPT], ACCEPT),
        ([LOSE, Vouch(number=1, step=3, accepted=2, broadcast_id="v")], TAKE_BACK),
        ([LOSE, Abandon(number=1, step=3)], ACCEPT),
        ([LOSE, Resend(number=1, step=3)], TAKE_BACK),
        ([TAKE_BACK, submit(1, step=3)], ACCEPT),
        ([TAKE_BACK, submit(1, step=3), Lose(number=1, step=4, reason="reset")], ACCEPT),
        ([TAKE_BACK], ACCEPT),
    ],
)
async def test_an_answer_that_proves_nothing_any_more_changes_nothing(
    journal: Journal, after: list[Move], answer: Accept | TakeBack
) -> None:
    await keep(journal, plan_of())
    for move in (submit(1), *after):
        await journal.record("promo", move)
    before = await journal.load("promo")

    assert await journal.testify("promo", submit(1), answer) is None

    assert await journal.load("promo") == before


RESENT: list[Move] = [LOSE, Resend(number=1, step=3), submit(1, step=4)]
REFUSED_AGAIN = Refuse(number=1, step=5, reason="bad", recipients=2)
AGAIN_TAKEN_BACK: list[Move] = [*RESENT, TakeBack(number=1, step=5, reason="429")]


@pytest.mark.parametrize("held", [True, False])
async def test_who_is_to_be_submitted_a_third_time_is_not_once_the_first_answer_is_known(
    journal: Journal, held: bool
) -> None:
    """Its process fell silent, a person had it sent again, that was answered 429, and the first one woke."""
    await keep(journal, plan_of())
    for move in (submit(1), *AGAIN_TAKEN_BACK):
        await journal.record("promo", move)
    async with journal.lease("promo") if held else nullcontext():
        await journal.testify("promo", submit(1), ACCEPT)
        with pytest.raises(ForbiddenMove):
            await journal.record("promo", submit(1, step=6))
        await journal.prove("promo")

    chunk = (await journal.load("promo")).chunks[0]
    assert (chunk.state, chunk.accepted, chunk.twice_at) == (ChunkState.ACCEPTED, 2, None)


@pytest.mark.parametrize(
    "after",
    [
        [],
        [Accept(number=1, step=5, accepted=2, broadcast_id="c")],
        [Lose(number=1, step=5, reason="reset")],
    ],
)
async def test_who_was_submitted_again_is_perhaps_there_twice_once_the_first_answer_is_known(
    journal: Journal, after: list[Move]
) -> None:
    await keep(journal, plan_of())
    for move in (submit(1), *RESENT, *after):
        await journal.record("promo", move)
    async with journal.lease("promo"):
        await journal.testify("promo", submit(1), ACCEPT)

        chunk = (await journal.load("promo")).chunks[0]
        assert chunk.twice_at is not None
        if not after:
            await journal.record("promo", TakeBack(number=1, step=5, reason="429"))
            with pytest.raises(ForbiddenMove):
                await journal.record("promo", submit(1, step=6))


async def test_who_is_refused_when_submitted_again_has_it_once_the_first_answer_is_known(
    journal: Journal,
) -> None:
    await keep(journal, plan_of())
    for move in (submit(1), *RESENT, REFUSED_AGAIN):
        await journal.record("promo", move)

    await journal.testify("promo", submit(1), ACCEPT)

    chunk = (await journal.load("promo")).chunks[0]
    assert (chunk.state, chunk.noticed_at is not None, chunk.twice_at) == (ChunkState.REFUSED, True, None)


async def test_an_answer_to_a_submit_that_is_not_in_the_journal_changes_nothing(journal: Journal) -> None:
    await keep(journal, plan_of())
    assert await journal.testify("promo", submit(1), ACCEPT) is None
    await journal.record("promo", submit(1))
    another = Submit(number=1, step=1, at=2.0)

    assert await journal.testify("promo", another, ACCEPT) is None

    assert (await journal.load("promo")).chunks[0].state is ChunkState.SUBMITTING


async def test_the_answer_of_a_chunk_that_was_cut_since_holds_back_who_was_cut_from_it(
    journal: Journal,
) -> None:
    await keep(journal, plan_of(chunks=(5, 3)))
    for move in (submit(1), LOSE, Resend(number=1, step=3)):
        await journal.record("promo", move)
    refuse = Refuse(number=1, step=4, reason="opted out", recipients=1)
    await journal.recut("promo", [refuse], keep=b"[1]", children=[(4, people(2, 4))])

    await journal.testify("promo", submit(1), ACCEPT)

    _, other, child = (await journal.load("promo")).chunks
    assert (other.state, other.noticed_at) == (ChunkState.PLANNED, None)
    assert (child.state, child.accepted) == (ChunkState.ACCEPTED, 4)
    with pytest.raises(ForbiddenMove):
        await journal.record("promo", Submit(number=3, step=child.step + 1, at=9.0))


async def test_where_who_was_cut_has_left_again_the_answer_says_perhaps_twice(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(5,)))
    for move in (submit(1), LOSE, Resend(number=1, step=3)):
        await journal.record("promo", move)
    refuse = Refuse(number=1, step=4, reason="opted out", recipients=1)
    await journal.recut("promo", [refuse], keep=b"[1]", children=[(4, people(2, 4))])
    await journal.record("promo", submit(2))

    await journal.testify("promo", submit(1), ACCEPT)

    child = (await journal.load("promo")).chunks[-1]
    assert child.twice_at is not None


async def test_who_is_held_back_is_not_submitted_by_who_runs_the_campaign_now(journal: Journal) -> None:
    await keep(journal, plan_of(chunks=(5,)))
    for move in (submit(1), LOSE, Resend(number=1, step=3)):
        await journal.record("promo", move)
    refuse = Refuse(number=1, step=4, reason="opted out", recipients=1)
    async with journal.lease("promo"):  # so that nobody else makes the move
        await journal.recut("promo", [refuse], keep=b"[1]", children=[(4, people(2, 4))])
        await journal.testify("promo", submit(1), ACCEPT)
        assert (await journal.load("promo")).chunks[-1].state is ChunkState.PLANNED
        with pytest.raises(ForbiddenMove):
            await journal.record("promo", submit(2))


async def test_a_broadcast_that_is_another_chunk_s_is_no_name_for_this_one(journal: Journal) -> None:
    await keep(journal, plan_of())
    await journal.record("promo", submit(2))
    await journal.record("promo", Accept(number=2, step=2, accepted=3, broadcast_id="b"))
    await journal.record("promo", submit(1))

    chunk = await journal.testify("promo", submit(1), ACCEPT)

    assert chunk is not None
    assert (chunk.state, chunk.accepted, chunk.broadcast_id) == (ChunkState.ACCEPTED, 2, None)


@pytest.mark.parametrize("move", [LateAccept, LateTakeBack])
async def test_nobody_writes_a_late_answer_as_a_move_of_theirs(journal: Journal, move: type[Move]) -> None:
    await keep(journal, plan_of())
    await journal.record("promo", submit(1))
    await journal.record("promo", LOSE)
    given = {"accepted": 2} if move is LateAccept else {"reason": "429"}

    with pytest.raises(ForbiddenMove, match="only an answer to its last submit"):
        await journal.record("promo", move(number=1, step=3, **given))


async def test_what_was_left_because_of_an_unknown_chunk_is_left_for_another_reason_then(
    journal: Journal,
) -> None:
    await keep(journal, plan_of(chunks=(2,)))
    await journal.record("promo", submit(1))
    await journal.record("promo", LOSE)
    await journal.set_state("promo", CampaignState.STOPPED, reason="unknown", stopped_by=Cause.UNKNOWN)

    await journal.testify("promo", submit(1), ACCEPT)

    campaign = await journal.load("promo")
    assert (campaign.state, campaign.stopped_by) == (CampaignState.STOPPED, Cause.SETTLED)
    assert "still to be followed" in (campaign.reason or "")


async def test_what_left_is_known_across_campaigns_and_what_was_taken_back_is_not_among_it(
    journal: Journal,
) -> None:
    for name in ("promo", "other"):
        await keep(journal, plan_of(name, chunks=(2, 3, 4)))
    await journal.record("promo", Submit(number=1, step=1, at=100.0))
    await journal.record("other", Submit(number=2, step=1, at=90.0))
    await journal.record("other", Accept(number=2, step=2, accepted=3, broadcast_id="b"))
    await journal.record("promo", Submit(number=3, step=1, at=110.0))
    await journal.record("promo", TakeBack(number=3, step=2, reason="429"))
    await journal.record("other", Submit(number=1, step=1, at=120.0))
    await journal.record("other", Refuse(number=1, step=2, reason="bad", recipients=2))

    assert await journal.left_since(80.0) == [(90.0, 3), (100.0, 2)]
    assert await journal.left_since(90.0) == [(100.0, 2)]


async def test_a_submit_within_a_pace_is_kept_only_while_there_is_room_for_it(journal: Journal) -> None:
    for name in ("promo", "other"):
        await keep(journal, plan_of(name, chunks=(2, 3, 4)))
    day = Pace(people=5, per=100.0)

    first = await journal.submit_within("promo", Submit(number=1, step=1, at=10.0), day)
    full = await journal.submit_within("other", Submit(number=3, step=1, at=20.0), day)
    fits = await journal.submit_within("other", Submit(number=2, step=1, at=20.0), day)
    later = await journal.submit_within("other", Submit(number=3, step=1, at=120.0), day)

    assert first is not None
    assert first.state is ChunkState.SUBMITTING
    assert full is None
    assert fits is not None
    assert later is not None
    states = [each.state.value for each in await journal.chunks("promo")]
    assert states == ["submitting", "planned", "planned"]
    assert len(await journal.moves("other")) == 2


async def test_a_purge_leaves_hashes_of_who_was_sent_to_and_they_can_be_forgotten(
    journal: Journal, clock: ManualClock
) -> None:
    now = clock.wall()
    await keep(journal, plan_of("promo", chunks=(2, 3)))
    await keep(journal, plan_of("other", chunks=(1,)))
    for name in ("promo", "other"):
        await journal.record(name, Submit(number=1, step=1, at=now - 10.0))
        await journal.record(name, Accept(number=1, step=2, accepted=1, broadcast_id=name))
    await journal.purge("promo", unfinished=True)
    await journal.purge("other", hashes=False)

    kept = await journal.purged_people(now - 100.0)
    later = await journal.purged_people(now + 4_000.0)
    sent = {kept.hash_of(identity(number_of(1, place))) for place in range(2)}
    unsent = {kept.hash_of(identity(number_of(2, place))) for place in range(3)}
    await journal.forget_hashes()
    forgotten = await journal.purged_people(0.0)

    found = {each for page in kept.pages for each in page}
    assert found == sent
    assert found.isdisjoint(unsent)
    assert (len(kept.secret), later.packed) == (32, ())
    assert (forgotten.secret, forgotten.packed) == (b"", ())
    with pytest.raises(CampaignNotFound):
        await journal.items("promo", 1)
