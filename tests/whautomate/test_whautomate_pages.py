"""A log or list comes whole, whatever manners its server has about pages."""

import tracemalloc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async import NotFound, RequestInvalid, Whautomate
from keebai_async.clock import ManualClock
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import WhautomateSandbox
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxOptions as Options
from keebai_async.whautomate.log_summary import summarize
from keebai_async.whautomate.paging import WhautomatePages
from tests.transport.wire_server import answers, message, serving

MANNERS: list[Options] = [
    manners | Options(max_limit=cap, reordered=reordered, wrapped=wrapped)
    for manners in (
        Options(first_page=0),
        Options(first_page=1, before_first="first"),
        Options(first_page=1, before_first="empty"),
        Options(first_page=1, before_first="refuse"),
        Options(first_page=1, before_first="fail"),
    )
    for cap in (30, 100)
    for reordered, wrapped in ((False, False), (True, True))
]


def said(manners: Options) -> str:
    return "-".join(str(value) for value in manners.values())


@pytest.mark.parametrize("manners", MANNERS, ids=said)
@pytest.mark.parametrize("people", [0, 1, 99, 100, 101, 250])
async def test_every_row_comes_once_whatever_the_pages(
    clock: ManualClock, manners: Options, people: int
) -> None:
    options = Options(crowds={"everyone": people}, contacts=(), unsubscribed_every=0) | manners
    async with (
        WhautomateSandbox(clock=clock, **options) as box,
        Whautomate(box.key, host=box.url, clock=clock, limiter=OpenGate()) as client,
    ):
        box.stage("B1", starts_in=-3_600)
        box.settings.windows = ()
        for _ in range(2):  # the second time, what was found out of pages is known
            rows = [row async for row in client.broadcasts.logs("B1")]
            assert sorted(row.recipient_name for row in rows) == sorted(
                f"Person {number + 1}" for number in range(people)
            )
            assert [one.id async for one in client.broadcasts.list()] == ["B1"]


@pytest.mark.parametrize("people", [50, 100, 500])
async def test_a_server_that_ignores_the_page_ends_after_a_few_requests(
    clock: ManualClock, people: int
) -> None:
    async with (
        WhautomateSandbox(
            clock=clock, crowds={"everyone": people}, contacts=(), unsubscribed_every=0, ignores_page=True
        ) as box,
        Whautomate(box.key, host=box.url, clock=clock) as client,
    ):
        box.stage("B1", starts_in=-3_600)
        rows = [row async for row in client.broadcasts.logs("B1")]
        assert len(rows) == min(people, 100)
        assert client.requests.polls <= 5


async def test_a_limit_that_is_refused_is_an_error_and_a_smaller_one_works(clock: ManualClock) -> None:
    async with (
        WhautomateSandbox(clock=clock, max_limit=50, over_limit="refuse") as box,
        Whautomate(box.key, host=box.url, clock=clock) as client,
    ):
        box.stage("B1", starts_in=-3_600)
        with pytest.raises(RequestInvalid, match="limit is out of range"):
            _ = [row async for row in client.broadcasts.logs("B1")]
        assert len([row async for row in client.broadcasts.logs("B1", page_size=50)]) == 983


async def test_a_broadcast_that_is_deleted_while_its_log_is_read_is_not_a_short_log(
    clock: ManualClock,
) -> None:
    async with (
        WhautomateSandbox(clock=clock) as box,
        Whautomate(box.key, host=box.url, clock=clock) as client,
    ):
        box.stage("B1", starts_in=-3_600)
        rows = client.broadcasts.logs("B1")
        for _ in range(100):
            await anext(rows)
        await client.broadcasts.delete("B1")
        with pytest.raises(NotFound):
            _ = [row async for row in rows]


async def test_rows_change_in_place_while_the_broadcast_goes_on(clock: ManualClock) -> None:
    async with (
        WhautomateSandbox(clock=clock, crowds={"everyone": 50}, contacts=()) as box,
        Whautomate(box.key, host=box.url, clock=clock) as client,
    ):
        box.stage("B1")
        await clock.advance(1.0)
        early = [row async for row in client.broadcasts.logs("B1")]
        await clock.advance(120.0)
        late = [row async for row in client.broadcasts.logs("B1")]
    assert [row.phone for row in early] == [row.phone for row in late]
    assert {row.status for row in early} <= {"sent", "failed"}
    assert {row.status for row in late} == {"delivered", "read", "replied", "failed"}


async def test_a_hundred_thousand_rows_come_one_page_at_a_time(clock: ManualClock) -> None:
    async with (
        WhautomateSandbox(
            clock=clock,
            crowds={"everyone": 100_000},
            contacts=(),
            unsubscribed_every=0,
            max_limit=1_000,
            windows=(),
        ) as box,
        Whautomate(box.key, host=box.url, clock=clock, limiter=OpenGate()) as client,
    ):
        box.stage("B1", starts_in=-36_000)
        rows = client.broadcasts.logs("B1", page_size=1_000)
        await anext(rows)
        assert client.requests.polls == 2  # page 1, and page 0 to see whether there is one
        summary = await summarize(rows)
    assert summary.rows == 99_999
    assert client.requests.polls == 102


def test_what_is_remembered_of_pages_does_not_grow_with_them() -> None:
    def peak(count: int) -> int:
        pages: WhautomatePages[int] = WhautomatePages(1)
        tracemalloc.start()
        try:
            for page in range(count):
                items = list(range(page * 100, page * 100 + 100))
                assert pages.take(items, items) == items
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak(2_000) < 2 * peak(200)  # ten times the items


@given(
    total=st.integers(0, 60),
    cap=st.integers(1, 12),
    first=st.sampled_from([0, 1]),
    before=st.sampled_from(["first", "empty", "refuse"]),
    known=st.booleans(),
)
def test_pages_of_any_size_from_any_start_give_everything_in_order(
    total: int, cap: int, first: int, before: str, known: bool
) -> None:
    pages: WhautomatePages[int] = WhautomatePages(first if known else None)
    taken: list[int] = []
    requests = 0
    while not pages.done:
        requests += 1
        place = pages.page - first
        if place < 0 and before == "refuse":
            taken += pages.no_such_page()
            continue
        if place < 0:
            place = 0 if before == "first" else total
        items = list(range(place * cap, min(total, (place + 1) * cap)))
        taken += pages.take(items, items)
    assert taken == list(range(total))
    assert requests <= -(-total // cap) + 4


def test_an_item_that_moves_to_the_next_page_comes_once() -> None:
    pages: WhautomatePages[str] = WhautomatePages(1)
    taken = pages.take(["b", "a"], ["b", "a"])
    taken += pages.take(["a", "z"], ["a", "z"])  # somebody made a new one at the top
    taken += pages.take(["a", "z"], ["a", "z"])  # one repeated page does not end it
    taken += pages.take(["y"], ["y"])
    taken += pages.take([], [])
    assert pages.done
    assert taken == ["b", "a", "z", "y"]


def test_rows_that_look_alike_on_one_page_are_as_many_as_they_are() -> None:
    pages: WhautomatePages[str] = WhautomatePages(1)
    assert pages.take(["a", "a", "b"], ["a", "a", "b"]) == ["a", "a", "b"]
    assert pages.take(["b", "c", "c"], ["b", "c", "c"]) == ["c", "c"]


@pytest.mark.parametrize(("refuses", "polls"), [(False, 11), (True, 12)])
async def test_a_thousand_rows_are_asked_for_and_fewer_if_that_is_refused(
    clock: ManualClock, refuses: bool, polls: int
) -> None:
    async with (
        WhautomateSandbox(clock=clock, over_limit="refuse" if refuses else "cap") as box,
        Whautomate(box.key, host=box.url, clock=clock, first_page=1) as client,
    ):
        box.stage("B1", starts_in=-3_600)
        assert len([row async for row in client.broadcasts.logs("B1")]) == 983
        assert client.requests.polls == polls


@pytest.mark.parametrize("status", [400, 404])
async def test_a_page_behind_the_last_may_be_refused(clock: ManualClock, status: int) -> None:
    rows = b'[{"recepientName":"a","phone":"1","createdAt":"x"}]'
    first, refusal = message(200, rows), message(status, b'{"message":"no such page"}')
    async with (
        serving(answers(first, refusal, refusal, first)) as server,
        Whautomate("a-key-of-mine", host=server.url, clock=clock) as client,
    ):
        assert [row.recipient_name async for row in client.broadcasts.logs("B1")] == ["a"]
