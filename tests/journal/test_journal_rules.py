"""What every journal checks before it keeps something, without a journal: nobody is lost or added."""

from collections.abc import Sequence

import pytest
from msgspec.structs import replace

from keebai_async.errors import CampaignBusy, ForbiddenMove, Misused
from keebai_async.journal import rules
from keebai_async.model.campaign import CampaignState, Holder
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import HandOn, Lose, Move, Refuse, Resend, Submit, TakeBack
from keebai_async.model.lost import NO_ANSWER_WRITTEN, NOT_SEEN_TO_END
from keebai_async.model.plan import Plan, Preview, ReasonCount
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.model.sender import Sender

REFUSED = Chunk(number=3, recipients=10, state=ChunkState.SUBMITTING, step=1)
REST = Chunk(number=5, recipients=4)
CHUNKS = {1: Chunk(number=1, recipients=7), 3: REFUSED, 5: REST}


def plan(ready: int, *chunks: int) -> Plan:
    return Plan(
        campaign_id="promo",
        name="Promo",
        template="promo",
        language="es",
        sender=Sender(phone_number_id="100000000000009"),
        created_at=1.0,
        read=ready,
        ready=ready,
        duplicates=0,
        rejected=0,
        suppressed=0,
        chunks=chunks,
    )


def refuse(keep: int, *, number: int = 3) -> Refuse:
    return Refuse(number=number, step=2, reason="bad", recipients=keep)


def hand_on(number: int = 5) -> HandOn:
    return HandOn(number=number, step=CHUNKS[number].step + 1, reason="with chunk 3")


def children(*people: int) -> list[tuple[int, bytes]]:
    return [(each, b"[]") for each in people]


@pytest.mark.parametrize("kept", [{1: 5, 2: 3}, {2: 5, 1: 3}, {1: 5}, {0: 5, 1: 3}, {1: 5, 2: 3, 3: 1}, {}])
def test_a_plan_is_frozen_only_over_the_chunks_that_were_kept_for_it(kept: dict[int, int]) -> None:
    if kept == {1: 5, 2: 3}:
        rules.check_plan(plan(8, 5, 3), kept)
        return
    with pytest.raises(
        Misused, match=f"names 2 chunks with 8 people, but {len(kept)} with {sum(kept.values())}"
    ):
        rules.check_plan(plan(8, 5, 3), kept)


def test_a_plan_is_ready_for_as_many_as_its_chunks_hold() -> None:
    with pytest.raises(Misused, match="is ready for 9 people and holds 8"):
        rules.check_plan(plan(9, 5, 3), {1: 5, 2: 3})


def test_a_move_that_stands_by_itself_may_lose_nobody() -> None:
    assert rules.moved(REFUSED, refuse(10)).state is ChunkState.REFUSED
    for move in (refuse(9), refuse(0), refuse(11)):
        with pytest.raises(ForbiddenMove, match=f"keeps {move.recipients} of its 10 people"):
            rules.moved(REFUSED, move)


def test_a_cut_hands_everybody_on_to_chunks_with_new_numbers() -> None:
    parents, born = rules.recut(CHUNKS, [refuse(2), hand_on()], children(1, 11))

    assert [(each.number, each.recipients, each.state) for each in parents] == [
        (3, 2, ChunkState.REFUSED),
        (5, 0, ChunkState.REFUSED),
    ]
    assert born == [Chunk(number=6, recipients=1, parent=3), Chunk(number=7, recipients=11, parent=3)]


@pytest.mark.parametrize(
    ("moves", "people"),
    [
        ([], []),  # no move
        ([hand_on(), refuse(10)], [4]),  # what is refused comes first
        ([refuse(2), hand_on(), refuse(2, number=1)], [12, 5]),
        ([refuse(2)], [7]),  # somebody would be lost
        ([refuse(2)], [9]),  # or added
        ([refuse(2)], []),
        ([refuse(2)], [8, 0]),  # a chunk without people
        ([refuse(2)], [9, -1]),
    ],
)
def test_a_cut_that_would_lose_or_add_somebody_is_none(
    moves: Sequence[Refuse | HandOn], people: list[int]
) -> None:
    with pytest.raises(ValueError, match="a recut"):
        rules.recut(CHUNKS, moves, children(*people))


def test_a_cut_moves_each_chunk_once() -> None:
    with pytest.raises(ForbiddenMove, match="moves each chunk once"):
        rules.recut(CHUNKS, [hand_on(), hand_on()], children(8))


def test_no_counter_goes_back_and_only_news_has_a_time() -> None:
    chunk = Chunk(
        number=1,
        recipients=9,
        state=ChunkState.ACCEPTED,
        accepted=9,
        sent=5,
        failed=2,
        final=True,
        seen_at=10.0,
    )

    after = rules.further(chunk, sent=4, failed=3, final=False, at=20.0)
    assert (after.sent, after.failed, after.final, after.seen_at) == (5, 3, True, 20.0)
    after = rules.further(chunk, sent=6, failed=1, final=True, at=20.0)
    assert (after.sent, after.failed, after.final, after.seen_at) == (6, 2, True, 20.0)
    assert rules.further(chunk, sent=5, failed=1, final=False, at=20.0) == chunk


@pytest.mark.parametrize("state", CampaignState)
@pytest.mark.parametrize("step", [0, 1])
def test_only_a_plan_of_which_nothing_ever_left_is_removed(state: CampaignState, step: int) -> None:
    chunks = [Chunk(number=1, recipients=7), Chunk(number=2, recipients=7, step=step)]
    if state is CampaignState.PLANNED and not step:
        rules.check_removable("promo", state, chunks)
    else:
        with pytest.raises(CampaignBusy, match="campaign promo was launched"):
            rules.check_removable("promo", state, chunks)


def test_a_chunk_on_its_way_is_lost_with_the_reason_that_says_whether_its_process_may_wake() -> None:
    dead, silent = (rules.lost(REFUSED, seen_dead=seen, at=9.0) for seen in (True, False))

    assert dead == Lose(number=3, step=2, reason=NO_ANSWER_WRITTEN, at=9.0)
    assert silent == Lose(number=3, step=2, reason=NOT_SEEN_TO_END, at=9.0)


@pytest.mark.parametrize("state", ChunkState)
def test_who_may_still_have_to_be_submitted_is_not_forgotten(state: ChunkState) -> None:
    chunks = [Chunk(number=1, recipients=7, state=state), Chunk(number=2, recipients=0)]
    if state in {ChunkState.PLANNED, ChunkState.SUBMITTING, ChunkState.UNKNOWN}:
        with pytest.raises(CampaignBusy, match="campaign promo has 7 people who are unsent or unknown"):
            rules.check_purgeable("promo", chunks)
    else:
        rules.check_purgeable("promo", chunks)


def test_who_runs_a_campaign_is_named_with_the_time_since_when() -> None:
    error = rules.busy("promo", Holder(pid=7, host="web-1", since=1_790_000_000.0))

    assert str(error).startswith("campaign promo is being run by process 7 on web-1 since 2026-09-2")
    assert str(error).endswith(": wait until it ends, or stop it")


def test_half_a_character_is_kept_as_one_that_cannot_be_read() -> None:
    columns = {"na\ud83dme": "Ana \ude00", "city": "Córdoba 😀"}
    damaged = Rejection(
        row=2, reason=Reason.BAD_ROW, detail="\ud800", columns=columns, nested=("\udfff", "b")
    )

    kept = rules.storable(damaged)

    assert (kept.detail, kept.nested, kept.row) == ("\ufffd", ("\ufffd", "b"), 2)
    assert kept.columns == {"na\ufffdme": "Ana \ufffd", "city": "Córdoba 😀"}
    assert rules.storable(kept) is kept


NUMBER = "+5491155550101"


@pytest.mark.parametrize(
    "move",
    [
        TakeBack(number=1, step=2, reason=f"{NUMBER} is bad"),
        Refuse(number=1, step=2, reason=f"{NUMBER} is bad", recipients=3),
        HandOn(number=1, step=2, reason=f"{NUMBER} is bad"),
        Lose(number=1, step=2, reason=f"{NUMBER} is bad"),
    ],
)
def test_nothing_of_a_number_stays_in_the_reason_of_a_move(move: TakeBack | Refuse | HandOn | Lose) -> None:
    after = rules.anonymous_move(move)

    assert isinstance(after, TakeBack | Refuse | HandOn | Lose)
    assert (after.reason, type(after), after.step) == ("… is bad", type(move), 2)
    other: Move
    for other in (Submit(number=1, step=1, at=1.0), Resend(number=1, step=3)):
        assert rules.anonymous_move(other) is other


def test_nobody_is_left_in_what_stays_of_a_purged_campaign() -> None:
    example = Rejection(
        row=2,
        reason=Reason.BAD_NUMBER,
        detail="too short",
        to=NUMBER,
        columns={"to": NUMBER},
        number=NUMBER,
        cells={"to": NUMBER},
    )
    reasons = (ReasonCount(reason=Reason.BAD_NUMBER, count=3, examples=(example,)),)
    longest = Preview(why="the longest", text="Hello Maximiliana", row=7)
    full = replace(plan(8, 8), reasons=reasons, preview=f"Hello {NUMBER}", previews=(longest,))

    after = rules.without_people(full)

    assert after == replace(plan(8, 8), reasons=(ReasonCount(reason=Reason.BAD_NUMBER, count=3),))
    assert rules.anonymous(example) == Rejection(row=2, reason=Reason.BAD_NUMBER, detail="too short")
    chunk = Chunk(number=1, recipients=3, state=ChunkState.UNKNOWN, reason=f"{NUMBER} is bad")
    assert rules.anonymous_chunk(chunk).reason == "… is bad"
    assert rules.anonymous_chunk(REST).reason is None
