"""The life of a chunk: what the table holds happens, and nothing else does."""

from collections.abc import Callable
from typing import Final

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import ForbiddenMove
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import (
    TABLE,
    Abandon,
    Accept,
    HandOn,
    LateAccept,
    LateTakeBack,
    Lose,
    Move,
    Prove,
    Refuse,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    Withdraw,
    apply,
    replay,
)

S = ChunkState

MAKERS: Final[dict[type[Move], Callable[[int, int], Move]]] = {
    Submit: lambda number, step: Submit(number=number, step=step, at=5.0),
    TakeBack: lambda number, step: TakeBack(number=number, step=step, reason="429"),
    Accept: lambda number, step: Accept(number=number, step=step, accepted=7, broadcast_id="b"),
    Refuse: lambda number, step: Refuse(number=number, step=step, reason="400", recipients=2),
    HandOn: lambda number, step: HandOn(number=number, step=step, reason="cut again"),
    Lose: lambda number, step: Lose(number=number, step=step, reason="reset"),
    Vouch: lambda number, step: Vouch(number=number, step=step, accepted=9, broadcast_id="v"),
    Prove: lambda number, step: Prove(number=number, step=step, at=6.0, broadcast_id="p"),
    Resend: lambda number, step: Resend(number=number, step=step),
    Withdraw: lambda number, step: Withdraw(number=number, step=step),
    Abandon: lambda number, step: Abandon(number=number, step=step),
    LateAccept: lambda number, step: LateAccept(number=number, step=step, accepted=7, broadcast_id="b"),
    LateTakeBack: lambda number, step: LateTakeBack(number=number, step=step, reason="429"),
}

# Written out a second time on purpose: a change of the table has to be meant.
ALLOWED: Final[dict[tuple[ChunkState, type[Move]], ChunkState]] = {
    (S.PLANNED, Submit): S.SUBMITTING,
    (S.PLANNED, HandOn): S.REFUSED,
    (S.PLANNED, Refuse): S.REFUSED,
    (S.SUBMITTING, TakeBack): S.PLANNED,
    (S.SUBMITTING, Accept): S.ACCEPTED,
    (S.SUBMITTING, Refuse): S.REFUSED,
    (S.SUBMITTING, Lose): S.UNKNOWN,
    (S.UNKNOWN, Vouch): S.ACCEPTED,
    (S.UNKNOWN, Prove): S.ACCEPTED,
    (S.UNKNOWN, Resend): S.PLANNED,
    (S.UNKNOWN, Abandon): S.ABANDONED,
    (S.PLANNED, Withdraw): S.UNKNOWN,
    (S.PLANNED, Prove): S.ACCEPTED,
    (S.UNKNOWN, LateAccept): S.ACCEPTED,
    (S.UNKNOWN, LateTakeBack): S.PLANNED,
    (S.PLANNED, LateAccept): S.ACCEPTED,
}
PAIRS: Final = [(state, kind) for state in S for kind in MAKERS]


def chunk_in(state: ChunkState) -> Chunk:
    return Chunk(
        number=3,
        recipients=8,
        state=state,
        step=4,
        attempts=2,
        submitted_at=1.0,
        reason="before",
        parent=1,
        resent=state is S.PLANNED,
    )


def test_the_table_is_what_was_agreed_and_every_move_is_in_these_tests() -> None:
    assert dict(TABLE) == ALLOWED
    assert set(MAKERS) == set(Move.__args__)


@pytest.mark.parametrize(("state", "kind"), [pair for pair in PAIRS if pair not in ALLOWED])
def test_what_the_table_does_not_hold_is_forbidden(state: ChunkState, kind: type[Move]) -> None:
    chunk, before = chunk_in(state), chunk_in(state)
    with pytest.raises(ForbiddenMove, match=f"chunk 3 is {state.value} after 4 moves"):
        apply(chunk, MAKERS[kind](3, 5))
    assert chunk == before


@pytest.mark.parametrize(("state", "kind"), list(ALLOWED))
def test_what_the_table_holds_is_one_step_into_its_state(state: ChunkState, kind: type[Move]) -> None:
    chunk, before = chunk_in(state), chunk_in(state)
    after = apply(chunk, MAKERS[kind](3, 5))
    assert (after.state, after.step) == (ALLOWED[state, kind], 5)
    assert (after.number, after.parent) == (3, 1)
    assert chunk == before


@pytest.mark.parametrize(("state", "kind"), list(ALLOWED))
@pytest.mark.parametrize(("number", "step"), [(3, 4), (3, 6), (3, 0), (2, 5)])
def test_a_move_of_another_chunk_or_another_step_is_forbidden(
    state: ChunkState, kind: type[Move], number: int, step: int
) -> None:
    with pytest.raises(ForbiddenMove):
        apply(chunk_in(state), MAKERS[kind](number, step))


def test_there_is_nothing_to_take_back_of_a_chunk_that_nobody_had_submitted_again() -> None:
    planned = Chunk(number=3, recipients=8, step=2, attempts=1, reason="429")
    with pytest.raises(ForbiddenMove):
        apply(planned, Withdraw(number=3, step=3))


def test_a_word_is_taken_back_until_it_is_obeyed() -> None:
    unknown = Chunk(number=3, recipients=8, state=S.UNKNOWN, step=2, attempts=1, reason="reset")
    resent = apply(unknown, Resend(number=3, step=3))
    back = apply(resent, Withdraw(number=3, step=4))
    gone = apply(resent, Submit(number=3, step=4, at=9.0))
    handed_on = apply(resent, HandOn(number=3, step=4, reason="cut with another"))

    assert (resent.resent, back.resent, gone.resent, handed_on.resent) == (True, False, False, False)
    assert (back.state, back.reason) == (S.UNKNOWN, "reset")


def test_only_a_person_a_proof_or_its_own_answer_leads_out_of_unknown() -> None:
    own_answer = {LateAccept, LateTakeBack}
    out = {kind for state, kind in TABLE if state is S.UNKNOWN}
    assert out == {Vouch, Prove, Resend, Abandon} | own_answer
    assert {kind for (state, kind), after in TABLE.items() if (state, after) == (S.UNKNOWN, S.PLANNED)} == {
        Resend,
        LateTakeBack,
    }


def test_a_proof_is_of_all_its_people_and_says_when_and_by_which_name() -> None:
    proven = apply(chunk_in(S.UNKNOWN), Prove(number=3, step=5, at=6.0, broadcast_id="p"))
    unnamed = apply(chunk_in(S.UNKNOWN), Prove(number=3, step=5, at=6.0))

    assert (proven.accepted, proven.proven_at, proven.broadcast_id, proven.reason) == (8, 6.0, "p", None)
    assert (proven.tracked, proven.settled) == (True, False)
    assert (unnamed.tracked, unnamed.settled) == (False, True)


def test_what_never_left_cannot_be_proven() -> None:
    with pytest.raises(ForbiddenMove):
        apply(Chunk(number=3, recipients=8), Prove(number=3, step=1, at=6.0))


@pytest.mark.parametrize(
    ("state", "kind"), [(S.UNKNOWN, Resend), (S.PLANNED, Submit)], ids=["a person's word", "a submit"]
)
def test_what_a_notice_proves_is_not_sent_again(state: ChunkState, kind: type[Move]) -> None:
    noticed = msgspec.structs.replace(chunk_in(state), noticed_at=6.0)
    with pytest.raises(ForbiddenMove):
        apply(noticed, MAKERS[kind](3, 5))
    assert apply(noticed, MAKERS[Prove](3, 5)).state is S.ACCEPTED


def test_an_answer_counts_whatever_was_noticed_before_it_came() -> None:
    noticed = msgspec.structs.replace(chunk_in(S.SUBMITTING), noticed_at=6.0)
    assert apply(noticed, MAKERS[Accept](3, 5)).proven_at is None
    assert apply(noticed, MAKERS[TakeBack](3, 5)).state is S.PLANNED
    with pytest.raises(ForbiddenMove):
        apply(noticed, MAKERS[Prove](3, 5))


def test_an_acceptance_that_comes_late_is_only_of_a_chunk_that_somebody_had_submitted_again() -> None:
    planned = Chunk(number=3, recipients=8, step=2, attempts=1, reason="429")
    late = LateAccept(number=3, step=3, accepted=8, broadcast_id="b")
    with pytest.raises(ForbiddenMove):
        apply(planned, late)
    accepted = apply(msgspec.structs.replace(planned, resent=True), late)
    assert (accepted.state, accepted.accepted, accepted.resent) == (S.ACCEPTED, 8, False)


def test_nothing_leads_on_from_an_end() -> None:
    assert not {state for state, _ in TABLE} & {S.ACCEPTED, S.REFUSED, S.ABANDONED}


def test_each_submit_counts_and_says_when() -> None:
    chunk = apply(chunk_in(S.PLANNED), Submit(number=3, step=5, at=77.0))
    assert (chunk.attempts, chunk.submitted_at, chunk.reason) == (3, 77.0, None)


def test_more_accepted_than_there_are_people_is_all_of_them() -> None:
    assert apply(chunk_in(S.SUBMITTING), Accept(number=3, step=5, accepted=9)).accepted == 8
    assert apply(chunk_in(S.UNKNOWN), Vouch(number=3, step=5, accepted=9, broadcast_id="b")).accepted == 8
    assert apply(chunk_in(S.SUBMITTING), Accept(number=3, step=5, accepted=6)).accepted == 6


def test_refused_people_stay_and_handed_on_people_go() -> None:
    refused = apply(chunk_in(S.SUBMITTING), Refuse(number=3, step=5, reason="400", recipients=2))
    handed_on = apply(chunk_in(S.PLANNED), HandOn(number=3, step=5, reason="cut again"))
    assert (refused.recipients, refused.reason) == (2, "400")
    assert (handed_on.recipients, handed_on.reason) == (0, "cut again")


@st.composite
def lives(draw: st.DrawFn) -> list[Move]:
    """Any life that the table allows."""
    state, moves = S.PLANNED, list[Move]()
    for step in range(1, draw(st.integers(0, 12)) + 1):
        resent = bool(moves) and isinstance(moves[-1], Resend)
        left = any(isinstance(each, Submit) for each in moves)
        no = {Withdraw: not resent, Prove: not left, LateAccept: state is S.PLANNED and not resent}
        kinds = [kind for before, kind in ALLOWED if before is state and not no.get(kind)]
        if not kinds:
            break
        kind = draw(st.sampled_from(kinds))
        moves.append(MAKERS[kind](3, step))
        state = ALLOWED[state, kind]
    return moves


@given(lives(), st.data())
def test_replaying_twice_or_from_any_point_is_replaying_once(moves: list[Move], data: st.DataObject) -> None:
    born = Chunk(number=3, recipients=8)
    once = replay(born, moves)
    cut = data.draw(st.integers(0, len(moves)))

    assert once.step == len(moves)
    assert replay(once, moves) == once
    assert replay(replay(born, moves[:cut]), moves) == once
    assert once.attempts == sum(isinstance(move, Submit) for move in moves)


@given(lives().filter(lambda moves: len(moves) > 1), st.data())
def test_a_life_with_a_gap_is_not_replayed(moves: list[Move], data: st.DataObject) -> None:
    gap = data.draw(st.integers(0, len(moves) - 2))
    with pytest.raises(ForbiddenMove):
        replay(Chunk(number=3, recipients=8), moves[:gap] + moves[gap + 1 :])
