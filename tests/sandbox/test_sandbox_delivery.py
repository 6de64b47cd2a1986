import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.sandbox.keebai.delivery import BroadcastInLine, DeliveryQueue, Order, delivery_queue


def queue(order: Order, rate: float = 80.0) -> DeliveryQueue:
    return delivery_queue(order, rate, random.Random(1))


def add(to: DeliveryQueue, total: int, at: float, failing: tuple[int, ...] = ()) -> BroadcastInLine:
    broadcast = BroadcastInLine(total, failing, at)
    to.add(broadcast)
    return broadcast


def test_one_broadcast_advances_at_eighty_a_second() -> None:
    line = queue(Order.LINE)
    broadcast = add(line, 400, at=100.0)

    assert line.counters_of(broadcast, 100.0).sent == 0
    assert line.counters_of(broadcast, 101.0).sent == 80
    assert line.counters_of(broadcast, 104.9).ended is None
    assert (line.counters_of(broadcast, 105.0).sent, line.counters_of(broadcast, 105.0).ended) == (400, 105.0)


def test_in_a_line_the_second_waits_for_the_first() -> None:
    line = queue(Order.LINE)
    first, second = add(line, 80, at=0.0), add(line, 80, at=0.5)

    assert line.counters_of(second, 0.9).started is None
    assert (line.counters_of(second, 1.5).started, line.counters_of(second, 1.5).sent) == (1.0, 40)
    assert line.counters_of(first, 1.5).ended == 1.0


def test_an_idle_queue_starts_when_a_broadcast_comes() -> None:
    line = queue(Order.LINE)
    add(line, 80, at=0.0)
    late = add(line, 80, at=50.0)

    assert line.counters_of(late, 50.5).started == 50.0


def test_shared_gives_each_broadcast_the_same_share() -> None:
    shared = queue(Order.SHARED)
    long, short = add(shared, 160, at=0.0), add(shared, 40, at=0.0)

    assert (shared.counters_of(long, 0.5).sent, shared.counters_of(short, 0.5).sent) == (20, 20)
    assert shared.counters_of(short, 1.0).ended == pytest.approx(1.0)
    assert shared.counters_of(long, 2.0).sent == 120
    assert shared.counters_of(long, 3.0).ended == pytest.approx(2.5)


def test_an_order_of_its_own_is_not_the_line_but_does_all_of_it() -> None:
    own = queue(Order.OWN)
    broadcasts = [add(own, 80, at=0.0) for _ in range(10)]

    ends = [own.counters_of(broadcast, 10.0).ended for broadcast in broadcasts]

    assert sorted(end for end in ends if end is not None) == pytest.approx(list(range(1, 11)))
    assert ends != sorted(end for end in ends if end is not None)


def test_those_who_fail_fail_in_their_turn() -> None:
    line = queue(Order.LINE, rate=1.0)
    broadcast = add(line, 4, at=0.0, failing=(1, 3))

    seen = [line.counters_of(broadcast, now) for now in (0.0, 1.0, 2.0, 3.0, 4.0)]

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
    one_queue, broadcasts, now = queue(order), [], 0.0
    for gap, total, failing in arrivals:
        now += gap
        broadcasts.append(add(one_queue, total, now, tuple(range(min(failing, total)))))
    before = {id(broadcast): 0 for broadcast in broadcasts}
    for gap in looks:
        now += gap
        for broadcast in broadcasts:
            seen = one_queue.counters_of(broadcast, now)
            done = seen.sent + seen.failed
            assert before[id(broadcast)] <= done <= seen.total
            assert seen.sent + seen.failed + seen.pending == seen.total
            assert seen.ended is None or done == seen.total
            before[id(broadcast)] = done


@given(st.sampled_from(Order), st.lists(st.integers(1, 5_000), min_size=1, max_size=30))
def test_the_order_changes_who_waits_but_not_when_all_is_done(order: Order, totals: list[int]) -> None:
    one_queue = queue(order)
    broadcasts = [add(one_queue, total, at=0.0) for total in totals]

    ends = [one_queue.counters_of(broadcast, 1e9).ended for broadcast in broadcasts]

    assert max(end or 0.0 for end in ends) == pytest.approx(sum(totals) / 80.0)
