"""The caller's own limits: how many may fail, and what the canary says."""

import pytest
from msgspec.structs import replace

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.guard import LEAST, canary_failed, canary_of, canary_unnamed, exceeded
from keebai_async.model.plan import Guards

S = ChunkState


def chunk(
    number: int,
    *,
    sent: int = 0,
    failed: int = 0,
    state: ChunkState = S.ACCEPTED,
    final: bool = True,
    parent: int | None = None,
    recipients: int = 1_000,
    broadcast_id: str | None = "b",
) -> Chunk:
    return Chunk(
        number=number,
        recipients=recipients,
        state=state,
        accepted=recipients if state is S.ACCEPTED else 0,
        broadcast_id=broadcast_id if state is S.ACCEPTED else None,
        sent=sent,
        failed=failed,
        final=final,
        parent=parent,
    )


@pytest.mark.parametrize(
    ("sent", "failed", "stops"),
    [
        (160, 40, False),  # exactly the share that is allowed
        (159, 41, True),
        (158, 41, False),  # one fewer than tells anything
        (0, LEAST, True),
        (10_000, 2_501, True),
        (10_000, 2_500, False),
        (0, 0, False),
    ],
)
def test_a_share_above_the_limit_stops_once_it_means_something(sent: int, failed: int, stops: bool) -> None:
    chunks = [chunk(1, sent=sent, failed=failed, recipients=20_000)]
    assert (exceeded(Guards(stop_above=0.2), chunks) is not None) is stops
    assert exceeded(Guards(), chunks) is None


def test_the_share_is_of_all_accepted_chunks_together_and_said_in_words() -> None:
    chunks = [
        chunk(1, sent=100, failed=0),
        chunk(2, sent=0, failed=100, final=False),
        chunk(3, sent=900, state=S.UNKNOWN),
    ]
    assert exceeded(Guards(stop_above=0.4), chunks) == (
        "100 of 200 delivered so far failed, more than the 40% allowed"
    )
    assert exceeded(Guards(stop_above=0.5), chunks) is None


def test_a_limit_of_nobody_stops_at_the_first_failure_that_counts() -> None:
    assert exceeded(Guards(stop_above=0.0), [chunk(1, sent=LEAST - 1, failed=1)]) is not None
    assert exceeded(Guards(stop_above=0.0), [chunk(1, sent=LEAST)]) is None


def test_the_canary_is_the_first_chunk_and_all_that_it_was_cut_into() -> None:
    family = [
        chunk(5, parent=4),
        chunk(1, state=S.REFUSED),
        chunk(2),
        chunk(4, parent=1),
        chunk(6, parent=2),
        chunk(3),
    ]
    assert sorted(each.number for each in canary_of(family)) == [1, 4, 5]


@pytest.mark.parametrize(
    ("canary", "dies"),
    [
        ([chunk(1, sent=8, failed=2, recipients=10)], False),  # 20% is what may fail by default
        ([chunk(1, sent=7, failed=3, recipients=10)], True),
        ([chunk(1, state=S.UNKNOWN)], True),
        ([chunk(1, state=S.PLANNED)], True),
        ([chunk(1, sent=10, final=False)], True),
        ([chunk(1, broadcast_id=None)], True),  # accepted, and nobody can say what became of it
        ([chunk(1, state=S.REFUSED)], True),
        ([chunk(1, state=S.REFUSED, recipients=1), chunk(2, parent=1, sent=999, recipients=999)], False),
        ([chunk(1, state=S.REFUSED, recipients=0), chunk(2, parent=1, sent=999)], False),
        ([chunk(1, state=S.REFUSED), chunk(2, parent=1, state=S.UNKNOWN)], True),
        (
            [
                chunk(1, state=S.REFUSED, recipients=0),
                chunk(2, parent=1),
                chunk(3, parent=1, state=S.UNKNOWN),
            ],
            True,
        ),
        ([chunk(1, sent=1_000), chunk(2, state=S.UNKNOWN)], False),  # 2 is no part of it
        ([chunk(1, recipients=10)], True),  # its broadcast has ended, and nobody of it was sent anything
        ([chunk(1, sent=7, recipients=10)], True),  # of three nobody knows
        ([chunk(1, sent=8, recipients=10)], False),
        ([chunk(1, sent=7, failed=1, recipients=10)], True),
        ([chunk(1, sent=12, recipients=10)], False),
    ],
)
def test_the_others_follow_a_canary_only_if_what_became_of_it_is_known_and_good(
    canary: list[Chunk], dies: bool
) -> None:
    assert (canary_failed(Guards(canary=10), canary) is not None) is dies


def test_a_canary_is_held_to_the_share_that_was_named() -> None:
    canary = [chunk(1, sent=95, failed=5, recipients=100)]
    assert canary_failed(Guards(canary=10, stop_above=0.05), canary) is None
    assert canary_failed(Guards(canary=10, stop_above=0.04), canary) == (
        "of the canary, 5 of 100 delivered so far failed, more than the 4% allowed"
    )


def test_a_canary_whose_broadcast_ended_without_a_word_of_its_people_says_so() -> None:
    cancelled = chunk(1, sent=40, failed=10, recipients=100)
    assert canary_failed(Guards(canary=100), [cancelled]) == (
        "of the canary, 50 of 100 people were neither sent nor failed when its broadcast ended, and 10"
        " failed: see what became of them in the portal"
    )


def test_a_canary_of_which_the_service_took_nobody_proves_nothing() -> None:
    none = replace(chunk(1, recipients=10), accepted=0)
    assert canary_failed(Guards(canary=10), [none]) == "the service took nobody of the canary"


def test_a_canary_that_nobody_can_follow_says_so() -> None:
    assert "names no broadcast" in str(canary_failed(Guards(canary=10), [chunk(1, broadcast_id=None)]))
    halved = [chunk(1, state=S.REFUSED, recipients=0)]
    halved += [chunk(number, broadcast_id=None, parent=1) for number in (5, 6)]
    assert "names no broadcast" in str(canary_failed(Guards(canary=10), halved))
    assert canary_unnamed([chunk(1, broadcast_id=None), chunk(2)])
    assert not canary_unnamed([chunk(1, state=S.UNKNOWN)])
    assert not canary_unnamed([*halved, chunk(7, state=S.UNKNOWN, parent=1)])
    assert not canary_unnamed([chunk(1), chunk(2, broadcast_id=None, parent=1)])
