"""The circuit: what opens it, what closes it, and when it is given up."""

from collections.abc import Callable

import anyio
import pytest

from keebai_async.campaign.circuit_breaker import LONGEST_OUTAGE, LONGEST_PROBE_WAIT, CircuitBreaker
from keebai_async.clock import ManualClock
from keebai_async.errors import (
    ConnectionFailed,
    KeebaiError,
    NotFound,
    QuotaUnusable,
    RateLimited,
    ScopeMissing,
    ServerFailed,
    TimedOut,
    TokenRejected,
    Undecodable,
)
from keebai_async.model.stop import Cause, Stop
from keebai_async.observe.campaign_records import CircuitClosed, CircuitOpened, CircuitProbed
from keebai_async.observe.records import Record

OUTAGE = (
    ConnectionFailed("refused", method="GET", path="/me"),
    TimedOut("late", method="GET", path="/me"),
    ServerFailed("503", method="GET", path="/me", status=503),
    Undecodable("<html>", method="GET", path="/me", status=200),
)
ANSWERS = (
    NotFound("404", method="GET", path="/me", status=404),
    RateLimited("429", method="GET", path="/me", status=429, retry_after=60.0),
)


class Circuit:
    """A breaker whose probes fail with these errors, one after the other, and then succeed."""

    def __init__(
        self, *errors: KeebaiError, forever: bool = False, longest_outage: float = LONGEST_OUTAGE
    ) -> None:
        self.clock = ManualClock(500.0)
        self.errors = list(errors)
        self.forever = forever
        self.probes: list[float] = []
        self.waits: list[tuple[float, str]] = []
        self.during: Callable[[], None] | None = None
        self.told: list[Record] = []
        self.told_at: list[float] = []
        self.breaker = CircuitBreaker(
            self.probe,
            clock=self.clock,
            tell=lambda seconds, why: self.waits.append((seconds, why)),
            longest_outage=longest_outage,
            campaign_id="c",
            observer=self._hear,
        )

    def _hear(self, record: Record) -> None:
        self.told.append(record)
        self.told_at.append(self.clock.now())

    async def probe(self) -> None:
        self.probes.append(self.clock.now())
        await self.clock.sleep(1.0)
        if self.during is not None:
            during, self.during = self.during, None
            during()
        if self.errors:
            raise self.errors[0] if self.forever else self.errors.pop(0)

    async def until_closed(self) -> Stop | None:
        async with self.clock.running():
            return await self.breaker.until_closed()


async def test_closed_it_costs_no_probe() -> None:
    circuit = Circuit()
    assert circuit.breaker.closed
    assert await circuit.until_closed() is None
    assert circuit.probes == []


@pytest.mark.parametrize("error", OUTAGE, ids=lambda error: type(error).__name__)
async def test_an_outage_keeps_it_open_and_is_told_with_its_reason(error: KeebaiError) -> None:
    circuit = Circuit(error)
    circuit.breaker.trip("no answer in time")

    assert await circuit.until_closed() is None

    assert circuit.breaker.closed
    assert circuit.probes == [500.0, 506.0]
    assert circuit.waits == [(5.0, "the service does not answer (no answer in time)")]


@pytest.mark.parametrize("error", ANSWERS, ids=lambda error: type(error).__name__)
async def test_an_answer_closes_it_whatever_it_says(error: KeebaiError) -> None:
    circuit = Circuit(error)
    circuit.breaker.trip("reset")

    assert await circuit.until_closed() is None

    assert (circuit.breaker.closed, len(circuit.probes)) == (True, 1)


@pytest.mark.parametrize(
    ("error", "cause"),
    [
        (TokenRejected("401", method="GET", path="/me", status=401), Cause.TOKEN),
        (ScopeMissing("403", method="GET", path="/me", status=403), Cause.SCOPE),
        (QuotaUnusable("no Redis"), Cause.QUOTA),
    ],
)
async def test_what_would_meet_every_request_stops_the_campaign(error: KeebaiError, cause: Cause) -> None:
    circuit = Circuit(error)
    circuit.breaker.trip("reset")

    assert await circuit.until_closed() == Stop(cause=cause, reason=str(error))

    assert not circuit.breaker.closed
    assert circuit.waits == []


async def test_probes_come_less_and_less_often_until_it_is_given_up() -> None:
    circuit = Circuit(OUTAGE[0], forever=True)
    circuit.breaker.trip("reset")

    stop = await circuit.until_closed()

    assert stop == Stop(cause=Cause.UNREACHABLE, reason="the service does not answer (reset)")
    assert not circuit.breaker.closed
    seconds = [wait for wait, _ in circuit.waits]
    assert seconds[:8] == [5.0, 10.0, 20.0, 40.0, 80.0, 160.0, 300.0, 300.0]
    assert max(seconds) == LONGEST_PROBE_WAIT
    assert LONGEST_OUTAGE <= circuit.clock.now() - 500.0 < LONGEST_OUTAGE + LONGEST_PROBE_WAIT + 2.0


async def test_it_is_given_up_with_the_first_probe_that_fails_when_the_longest_outage_is_over() -> None:
    circuit = Circuit(OUTAGE[0], forever=True, longest_outage=7.0)
    circuit.breaker.trip("reset")

    stop = await circuit.until_closed()

    assert stop is not None
    assert circuit.probes == [500.0, 506.0]  # a probe takes a second: at 507.0 it is over, not later
    assert circuit.waits == [(5.0, "the service does not answer (reset)")]


async def test_an_outage_is_told_from_its_first_trip_to_the_answer_that_ends_it() -> None:
    circuit = Circuit(OUTAGE[0], OUTAGE[1])
    await circuit.clock.advance(100.0)
    circuit.breaker.trip("reset")
    circuit.breaker.trip("late")

    await circuit.until_closed()

    assert circuit.told == [
        CircuitOpened(campaign="c", reason="reset"),
        CircuitProbed(campaign="c", failures=1, seconds=5.0, reason="late"),
        CircuitProbed(campaign="c", failures=2, seconds=10.0, reason="late"),
        CircuitClosed(campaign="c", seconds=18.0),
    ]


async def test_a_wait_is_told_when_it_begins_and_not_when_it_is_over() -> None:
    circuit = Circuit(OUTAGE[0])
    circuit.breaker.trip("reset")

    await circuit.until_closed()

    assert circuit.told_at == [500.0, 501.0, 507.0]  # opened, probed before its wait of 5 s, closed


async def test_a_circuit_that_was_tripped_during_its_probe_is_not_told_as_closed() -> None:
    circuit = Circuit()
    circuit.breaker.trip("reset")
    circuit.during = lambda: circuit.breaker.trip("another one was lost")

    await circuit.until_closed()

    assert circuit.told == [
        CircuitOpened(campaign="c", reason="reset"),
        CircuitClosed(campaign="c", seconds=2.0),
    ]


async def test_a_read_that_began_before_the_last_trip_does_not_close_it() -> None:
    circuit = Circuit()
    circuit.during = lambda: circuit.breaker.trip("another one was lost")
    circuit.breaker.trip("reset")

    assert await circuit.until_closed() is None

    assert len(circuit.probes) == 2


async def test_many_who_wait_cost_one_probe() -> None:
    circuit = Circuit()
    circuit.breaker.trip("reset")

    async with circuit.clock.running(), anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(circuit.breaker.until_closed)

    assert len(circuit.probes) == 1


async def test_it_opens_again() -> None:
    circuit = Circuit()
    for number in range(1, 4):
        circuit.breaker.trip("reset")
        open_ = not circuit.breaker.closed
        await circuit.until_closed()
        assert (open_, circuit.breaker.closed) == (True, True)
        assert len(circuit.probes) == number
