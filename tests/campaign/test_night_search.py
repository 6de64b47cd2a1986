"""The night comes in the middle of a search: what is left of it leaves in the order of the list, and once."""

import math
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keebai_async.campaign.bisect import Bisection, Evidence
from keebai_async.campaign.dispatch import dispatch
from keebai_async.campaign.service import ChunkVerdict
from keebai_async.clock import Clock
from keebai_async.model.campaign import RunTerms
from keebai_async.model.chunk import ChunkState
from keebai_async.model.hours import Hours, is_inside
from keebai_async.model.stop import Cause, Stop
from tests.campaign.planning import number
from tests.campaign.scripted_service import Body, Item
from tests.campaign.test_timetable import DAY, FROM_NINE, HOUR, MIDNIGHT, Timed, Watched

SECOND: Final = 1.0
"""How long the service takes for one request."""
SIZE: Final = 16
HALF: Final = 8


class Searched(Watched):
    """Notes whom each request was for, and may end the process that makes it."""

    def __init__(self, clock: Clock) -> None:
        super().__init__(clock)
        self.bodies: list[list[str]] = []
        self._stop: Callable[[], None] | None = None
        self._at = math.inf

    def stop_after(self, requests: float, stop: Callable[[], None]) -> None:
        """Call *stop* while the last of so many requests from now on is on its way."""
        self._at, self._stop = len(self.bodies) + requests, stop

    async def submit(self, body: bytes) -> ChunkVerdict:
        self.bodies.append([item.to for item in msgspec.json.decode(body, type=Body).recipients])
        if len(self.bodies) >= self._at and self._stop is not None:
            self._stop()
        return await super().submit(body)


async def people_of(campaign: Timed, numbers: Sequence[int]) -> list[str]:
    """Who is in these chunks, in their order."""
    every = [await campaign.journal.items(campaign.plan.campaign_id, each) for each in numbers]
    return [person.to for items in every for person in msgspec.json.decode(items, type=list[Item])]


async def night_after(requests: int, service: Watched, campaign: Timed) -> list[str]:
    """Submit the first chunk until the hours are over, *requests* later: who waits then, first to last."""
    await campaign.begin(service)
    service.latency = SECOND
    campaign.set.ahead = MIDNIGHT + 20 * HOUR - (requests - 0.5) * SECOND - campaign.clock.wall()
    first, *others = [chunk.number for chunk in campaign.book]
    waiting = deque(others)
    async with campaign.clock.running():
        await Bisection(
            first,
            chunks=campaign.book,
            submitter=campaign.submitter,
            evidence=Evidence.of(campaign.book),
            waiting=waiting,
        ).submit()
    assert service.requests.submits <= requests
    return await people_of(campaign, waiting)


def is_order_of_the_list(found: Sequence[str], service: Watched, people: int) -> bool:
    """Whether *found* are all who are still to get it, as the list has them."""
    gone = service.messaged.keys() | service.malformed
    whole = [number(person) for person in range(people)]
    return [each for each in found if each not in gone] == [each for each in whole if each not in gone]


@pytest.mark.parametrize("requests", range(1, 16))
@pytest.mark.parametrize("largest", [1, 2, 3, 5])
async def test_what_is_too_large_and_halved_again_and_again_waits_in_the_order_of_the_list(
    requests: int, largest: int
) -> None:
    campaign = Timed(3 * SIZE, RunTerms(hours=FROM_NINE), size=SIZE)
    service = Watched(campaign.clock)
    service.largest = largest

    found = await night_after(requests, service, campaign)

    assert is_order_of_the_list(found, service, 3 * SIZE)
    assert len(found) + len(service.messaged) == 3 * SIZE


@settings(deadline=None, max_examples=60)
@given(
    requests=st.integers(1, 14),
    culprits=st.sets(st.integers(0, SIZE - 1), max_size=4),
    names=st.booleans(),
    largest=st.sampled_from([3, 8, 5_000]),
)
@example(requests=4, culprits={9}, names=False, largest=5_000)
@example(requests=6, culprits={3}, names=False, largest=3)
async def test_what_a_search_has_cut_waits_in_the_order_of_the_list_before_all_that_were_not_begun(
    requests: int, culprits: set[int], names: bool, largest: int
) -> None:
    guilty = culprits if names else set(sorted(culprits)[:1])  # of several, others are picked anywhere
    campaign = Timed(3 * SIZE, RunTerms(hours=FROM_NINE), size=SIZE)
    service = Watched(campaign.clock)
    service.malformed = frozenset(number(person) for person in guilty)
    service.names, service.largest = names, largest

    found = await night_after(requests, service, campaign)

    assert is_order_of_the_list(found, service, 3 * SIZE)
    assert found[-2 * SIZE :] == [number(person) for person in range(SIZE, 3 * SIZE)]
    assert len(set(found)) == len(found)
    assert not service.messaged.keys() & set(found)


ENDS: Final = Stop(cause=Cause.INTERRUPTED, reason="the end of a process")
SHORT_NIGHT: Final = ("00:05", "24:00")
"""Of five minutes: a night that is waited for costs a look each half a minute."""


@settings(deadline=None, max_examples=40)
@given(
    by_country=st.booleans(),
    culprits=st.sets(st.integers(0, 3 * HALF - 1), max_size=5),
    names=st.booleans(),
    largest=st.sampled_from([3, 5_000]),
    per_hour=st.none() | st.integers(2 * HALF, 3 * HALF),
    latency=st.sampled_from([20.0, 59.0]),
    ends=st.lists(st.integers(1, 8), max_size=3),
    midnights=st.lists(st.tuples(st.sampled_from([3, 4, 5]), st.integers(10, 300)), min_size=4, max_size=4),
)
async def test_a_search_over_several_nights_and_runs_messages_nobody_twice_and_nobody_early(
    by_country: bool,
    culprits: set[int],
    names: bool,
    largest: int,
    per_hour: int | None,
    latency: float,
    ends: list[int],
    midnights: list[tuple[int, int]],
) -> None:
    hours = Hours(opens=SHORT_NIGHT[0], closes=SHORT_NIGHT[1], zone="country" if by_country else "UTC")
    countries = ("AR", "PE", "BO") if by_country else ()
    campaign = Timed(3 * HALF, RunTerms(hours=hours, per_hour=per_hour), size=HALF, countries=countries)
    service = Searched(campaign.clock)
    service.malformed = frozenset(number(person) for person in culprits)
    service.names, service.largest, service.latency = names, largest, latency

    # Each process dies in good order after so many requests, but the last one.
    for end, (west, seconds) in zip([*ends, math.inf], midnights, strict=False):
        midnight = west * HOUR if by_country else 0.0  # somebody sets the clock to some seconds before one
        campaign.set.ahead += (midnight - seconds - campaign.clock.wall()) % DAY
        await campaign.begin(service)
        service.stop_after(end, partial(campaign.submitter.stop, ENDS))
        async with campaign.clock.running():
            await dispatch(campaign.book, campaign.submitter)

    report = await campaign.report()
    assert set(service.messaged.values()) <= {1}
    assert report.errors() == ()
    refused = [each.number for each in await campaign.chunks() if each.state is ChunkState.REFUSED]
    assert set(await people_of(campaign, refused)) <= service.malformed
    assert (report.accepted, report.unknown) == (len(service.messaged), 0)
    if campaign.stopped is None:
        assert (report.unsent, report.refused) == (0, len(culprits))
    else:  # several culprits in a row may look as if everybody were refused
        assert campaign.stopped is Cause.REFUSED
        assert len(culprits) > 1
    for at, people in zip(service.left, service.bodies, strict=True):
        country = countries[int(people[0][4:]) % 1_100_000_000 // HALF] if countries else ""
        assert is_inside(hours, campaign.zones[country], at)
