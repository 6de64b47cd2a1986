import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.sandbox.keebai.delivery import Desk, Order, Work, open_desk


def desk(order: Order, rate: float = 80.0) -> Desk:
    return open_desk(order, rate, random.Random(1))


def add(to: Desk, total: int, at: float, failing: tuple[int, ...] = ()) -> Work:
    work = Work(total, failing, at)
    to.add(work)
    return work


def test_one_broadcast_advances_at_eighty_a_second() -> None:
    line = desk(Order.LINE)
    work = add(line, 400, at=100.0)

    assert line.look(work, 100.0).sent == 0
    assert line.look(work, 101.0).sent == 80
    assert line.look(work, 104.9).ended is None
    assert (line.look(work, 105.0).sent, line.look(work, 105.0).ended) == (400, 105.0)


def test_in_a_line_the_second_waits_for_the_first() -> None:
    line = desk(Order.LINE)
    first, second = add(line, 80, at=0.0), add(line, 80, at=0.5)

    assert line.look(second, 0.9).started is None
    assert (line.look(second, 1.5).started, line.look(second, 1.5).sent) == (1.0, 40)
    assert line.look(first, 1.5).ended == 1.0


def test_a_desk_that_was_idle_starts_when_work_comes() -> None:
    line = desk(Order.LINE)
    add(line, 80, at=0.0)
    late = add(line, 80, at=50.0)

    assert line.look(late, 50.5).started == 50.0


def test_shared_gives_each_broadcast_the_same_share() -> None:
    shared = desk(Order.SHARED)
    long, short = add(shared, 160, at=0.0), add(shared, 40, at=0.0)

    assert (shared.look(long, 0.5).sent, shared.look(short, 0.5).sent) == (20, 20)
    assert shared.look(short, 1.0).ended == pytest.approx(1.0)
    assert shared.look(long, 2.0).sent == 120
    assert shared.look(long, 3.0).ended == pytest.approx(2.5)


def test_an_order_of_its_own_is_not_the_line_but_does_all_the_work() -> None:
    own = desk(Order.OWN)
    works = [add(own, 80, at=0.0) for _ in range(10)]

    ends = [own.look(work, 10.0).ended for work in works]

    assert sorted(end for end in ends if end is not None) == pytest.approx(list(range(1, 11)))
    assert ends != sorted(end for end in ends if end is not None)


def test_those_who_fail_fail_in_their_turn() -> None:
    line = desk(Order.LINE, rate=1.0)
    work = add(line, 4, at=0.0, failing=(1, 3))

    seen = [line.look(work, now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)]

    assert [(one.sent, one.failed, one.pending) for one in seen] == [
        (0, 0, 4),
        (1, 0, 3),
        (1, 1, 2),
        (2, 1, 1),
        (2, 2, 0),
    ]


@given(
    st.sampled_from(Order),
    st.lists(st.tuples(st.floats(0, 20), st.integers(0, 300), st.integers(0, 5)), min_size=1, max_size=20),
    st.lists(st.floats(0, 30), min_size=1, max_size=20),
)
def test_it_adds_up_at_every_instant_and_never_goes_back(
    order: Order, arrivals: list[tuple[float, int, int]], looks: list[float]
) -> None:
    at_desk, works, now = desk(order), [], 0.0
    for gap, total, failing in arrivals:
        now += gap
        works.append(add(at_desk, total, now, tuple(range(min(failing, total)))))
    before = {id(work): 0 for work in works}
    for gap in looks:
        now += gap
        for work in works:
            seen = at_desk.look(work, now)
            done = seen.sent + seen.failed
            assert before[id(work)] <= done <= seen.total
            assert seen.sent + seen.failed + seen.pending == seen.total
            assert seen.ended is None or done == seen.total
            before[id(work)] = done


@given(st.sampled_from(Order), st.lists(st.integers(1, 5_000), min_size=1, max_size=30))
def test_the_order_changes_who_waits_but_not_when_all_is_done(order: Order, totals: list[int]) -> None:
    at_desk = desk(order)
    works = [add(at_desk, total, at=0.0) for total in totals]

    ends = [at_desk.look(work, 1e9).ended for work in works]

    assert max(end or 0.0 for end in ends) == pytest.approx(sum(totals) / 80.0)
