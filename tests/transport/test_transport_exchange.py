"""Requests under a gate: one place each, every ending told, and never a submit too many."""

import asyncio
import json
import logging
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio
import anyio.lowlevel
import pytest

from keebai_async.clock import ManualClock
from keebai_async.credentials import Token
from keebai_async.draining import Drain
from keebai_async.errors import (
    ConnectionFailed,
    Misused,
    NotFound,
    OutcomeUnknown,
    QuotaUnusable,
    RateLimited,
    RequestError,
    RequestInvalid,
    ScopeMissing,
    ServerFailed,
    TimedOut,
    TokenRejected,
    Undecodable,
)
from keebai_async.model.requests import Requests
from keebai_async.observe.hook import hook_of
from keebai_async.observe.quota_records import PlaceNotSettled
from keebai_async.observe.records import Record
from keebai_async.observe.request_records import RequestAnswered, RequestStarted
from keebai_async.quota.gate import Allowance, Ending, Lane, Place
from keebai_async.quota.limiter import Margin, RateLimiter
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.window import Quota
from keebai_async.transport.departures import Departures
from keebai_async.transport.error_mapping import error_for
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage
from keebai_async.transport.request import Request, RequestKind, Timeouts
from keebai_async.transport.retry import RetryPolicy, backoff
from keebai_async.transport.session import Session
from keebai_async.transport.verdict import Accepted, SubmitPolicy, Unknown, Unsent
from tests.transport.wire_server import (
    Behaviour,
    answers,
    closed_port,
    cuts_the_body_off,
    hangs,
    message,
    resets_after_reading,
    serving,
)

SECRET = "kbai_pk_" + "5ec2e7" * 10
SUBMIT = Request(
    method="POST",
    path="/messages/bulk",
    body=b"{}",
    kind=RequestKind.SUBMIT,
    lane=Lane.SUBMIT,
    recipients=5000,
)
READ = Request(method="GET", path="/messages/bulk/b", lane=Lane.POLL)


class RecordingGate:
    """Lets everybody through, and remembers how each place ended."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.endings: list[Ending | None] = []
        self.pauses: list[float] = []
        self.allowances: list[Allowance] = []

    @asynccontextmanager
    async def place(self, lane: Lane) -> AsyncIterator[Place]:
        self.lanes.append(lane)
        place = _Recorded(self)
        try:
            yield place
        finally:
            self.endings.append(place.ending)


class _Recorded:
    def __init__(self, gate: RecordingGate) -> None:
        self._gate = gate
        self.ending: Ending | None = None

    def settle(
        self, ending: Ending, *, allowances: tuple[Allowance, ...] = (), pause: float | None = None
    ) -> None:
        self.ending = ending
        self._gate.allowances += allowances
        if pause is not None:
            self._gate.pauses.append(pause)


class Wire:
    """Gives the outcomes it was made with, the last one for all after."""

    def __init__(self, *outcomes: Outcome) -> None:
        self.outcomes = list(outcomes)
        self.sent = 0
        self.closed = False

    def check(self) -> None:
        if self.closed:
            raise Misused("closed")

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        self.sent += 1
        return self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]


REFUSED = Failure(stage=Stage.NOT_WRITTEN, reason="the connection failed")
LOST = Failure(stage=Stage.WRITTEN, reason="lost")
OK = Answer(status=200, body=b"{}")


@pytest.fixture
def gate() -> RecordingGate:
    return RecordingGate()


@asynccontextmanager
async def exchanging(url: str, gate: RecordingGate, *, patience: float = 30.0) -> AsyncIterator[Exchange]:
    timeouts = Timeouts(connect=patience, read=patience, submit=patience)
    async with Session(url, Token(SECRET), timeouts=timeouts) as session:
        yield Exchange(session, gate, retries=RetryPolicy(retries=0))


@pytest.mark.parametrize(
    ("behaviour", "verdict", "ending"),
    [
        (answers(message(202, b'{"broadcast_id":"b"}')), "Accepted", Ending.ANSWERED),
        (answers(message(202, b"what?")), "Accepted", Ending.ANSWERED),
        (cuts_the_body_off, "Accepted", Ending.ANSWERED),
        (answers(message(202, b"<html></html>", content_type="text/html")), "Unknown", Ending.ANSWERED),
        (answers(message(200, b"fine", content_type="text/plain")), "Unknown", Ending.ANSWERED),
        (
            answers(message(302, b"", headers=(("Location", "http://127.0.0.1:1/"),))),
            "Unknown",
            Ending.ANSWERED,
        ),
        (answers(message(400)), "Refused", Ending.ANSWERED),
        (answers(message(413)), "Refused", Ending.ANSWERED),
        (answers(message(422)), "Refused", Ending.ANSWERED),
        (answers(message(401)), "Halted", Ending.ANSWERED),
        (answers(message(403)), "Halted", Ending.ANSWERED),
        (answers(message(404)), "Halted", Ending.ANSWERED),
        (answers(message(429)), "Throttled", Ending.ANSWERED),
        (answers(message(500)), "Unknown", Ending.ANSWERED),
        (answers(message(502)), "Unknown", Ending.ANSWERED),
        (answers(message(503)), "Unknown", Ending.ANSWERED),
        (answers(message(504)), "Unknown", Ending.ANSWERED),
        (resets_after_reading, "Unknown", Ending.UNANSWERED),
        (hangs, "Unknown", Ending.UNANSWERED),
    ],
)
async def test_each_row_of_the_table_on_a_real_socket(
    behaviour: Behaviour, verdict: str, ending: Ending, gate: RecordingGate
) -> None:
    tally = Requests()
    patience = 3.0 if behaviour is hangs else 30.0  # by then it has left, on any machine
    async with serving(behaviour) as server, exchanging(server.url, gate, patience=patience) as exchange:
        judged = await exchange.submit_once(SUBMIT, tally=tally)
        assert type(judged).__name__ == verdict
        assert server.connections == 1
    assert gate.endings == [ending]
    assert tally == Requests(submits=1, throttled=int(verdict == "Throttled"))


async def test_a_refused_connection_gives_its_place_back(gate: RecordingGate) -> None:
    tally = Requests()
    async with exchanging(f"http://127.0.0.1:{closed_port()}", gate) as exchange:
        verdict = await exchange.submit_once(SUBMIT, tally=tally)
    assert isinstance(verdict, Unsent)
    assert gate.endings == [Ending.UNSENT]
    assert tally == Requests()


async def test_the_gate_hears_what_the_reply_says_of_the_quota(gate: RecordingGate) -> None:
    headers = (
        ("Retry-After-hour", "1800"),
        ("X-RateLimit-Limit-minute", "60"),
        ("X-RateLimit-Remaining-minute", "0"),
    )
    throttling = answers(message(429, headers=headers))
    async with serving(throttling) as server, exchanging(server.url, gate) as exchange:
        await exchange.submit_once(SUBMIT)
    assert gate.pauses == [1800.0]
    assert gate.allowances == [Allowance(limit=60, remaining=0)]


async def test_nothing_leaves_before_the_slot_is_used(gate: RecordingGate) -> None:
    async with serving(answers(message())) as server, exchanging(server.url, gate) as exchange:
        async with exchange.slot(Lane.SUBMIT) as slot:
            assert (gate.lanes, gate.endings, server.connections) == ([Lane.SUBMIT], [], 0)
            await slot.submit(SUBMIT)
            assert len(server.requests) == 1
        assert gate.endings == [Ending.ANSWERED]


async def test_a_slot_in_which_the_intent_cannot_be_kept_is_given_back_and_nothing_leaves(
    gate: RecordingGate,
) -> None:
    tally = Requests()
    async with serving(answers(message())) as server, exchanging(server.url, gate) as exchange:
        with pytest.raises(OSError, match="disk full"):
            async with exchange.slot(Lane.SUBMIT, tally=tally):
                raise OSError("disk full")
    assert server.connections == 0
    assert gate.endings == [Ending.UNSENT]
    assert tally == Requests()


async def test_a_slot_that_is_left_without_a_request_is_given_back(gate: RecordingGate) -> None:
    async with Exchange(Wire(OK), gate).slot(Lane.SUBMIT):
        pass
    assert gate.endings == [Ending.UNSENT]


async def test_a_slot_is_for_one_request(gate: RecordingGate) -> None:
    wire = Wire(OK)
    async with Exchange(wire, gate).slot(Lane.SUBMIT) as slot:
        await slot.submit(SUBMIT)
        with pytest.raises(Misused):
            await slot.submit(SUBMIT)
    with pytest.raises(Misused):
        await slot.submit(SUBMIT)
    assert wire.sent == 1
    assert gate.endings == [Ending.ANSWERED]


async def test_what_fails_after_the_answer_does_not_give_the_place_back(gate: RecordingGate) -> None:
    async def submit_and_fail() -> None:
        async with Exchange(Wire(OK), gate).slot(Lane.SUBMIT) as slot:
            await slot.submit(SUBMIT)
            raise OSError("disk full")

    with pytest.raises(OSError, match="disk full"):
        await submit_and_fail()
    assert gate.endings == [Ending.ANSWERED]


async def test_a_submit_cancelled_on_its_way_counts_as_unanswered(gate: RecordingGate) -> None:
    tally = Requests()

    async def submit(exchange: Exchange) -> None:
        await exchange.submit_once(SUBMIT, tally=tally)

    async with (
        serving(hangs) as server,
        exchanging(server.url, gate) as exchange,
        anyio.create_task_group() as tasks,
    ):
        tasks.start_soon(submit, exchange)
        while not server.requests:
            await anyio.lowlevel.checkpoint()
        tasks.cancel_scope.cancel()
    assert gate.endings == [Ending.UNANSWERED]
    assert tally == Requests(submits=1)


async def test_a_closed_session_is_misused_before_anything_is_written_down(gate: RecordingGate) -> None:
    wire = Wire(OK)
    wire.closed = True

    with pytest.raises(Misused):
        async with Exchange(wire, gate).slot(Lane.SUBMIT):
            pytest.fail("nothing can leave")
    assert gate.lanes == []


async def test_a_session_closed_while_a_place_was_waited_for_is_misused_before_anything_is_written_down(
    gate: RecordingGate,
) -> None:
    wire = Wire(OK)

    class Closing(RecordingGate):
        @asynccontextmanager
        async def place(self, lane: Lane) -> AsyncIterator[Place]:
            wire.closed = True
            async with super().place(lane) as place:
                yield place

    gate = Closing()
    with pytest.raises(Misused):
        async with Exchange(wire, gate).slot(Lane.SUBMIT):
            pytest.fail("nothing can leave")
    assert gate.endings == [Ending.UNSENT]


async def test_a_submit_of_which_nothing_left_is_made_again(gate: RecordingGate, clock: ManualClock) -> None:
    wire = Wire(REFUSED, REFUSED, Answer(status=202))
    answer = await Exchange(wire, gate, clock=clock).submit(SUBMIT)
    assert answer.status == 202
    assert gate.endings == [Ending.UNSENT, Ending.UNSENT, Ending.ANSWERED]


async def test_a_service_that_cannot_be_reached_is_given_up(gate: RecordingGate, clock: ManualClock) -> None:
    with pytest.raises(ConnectionFailed) as raised:
        await Exchange(Wire(REFUSED), gate, clock=clock).submit(SUBMIT)
    assert raised.value.attempts == 3


@pytest.mark.parametrize(
    "outcome", [LOST, Answer(status=500), Answer(status=502), Answer(status=307), Answer(status=409)]
)
async def test_a_submit_that_may_have_been_accepted_is_never_made_again(
    outcome: Outcome, gate: RecordingGate, clock: ManualClock
) -> None:
    wire = Wire(outcome)
    with pytest.raises(OutcomeUnknown) as raised:
        await Exchange(wire, gate, clock=clock).submit(SUBMIT)
    assert wire.sent == 1
    assert (raised.value.recipients, raised.value.method, raised.value.path) == (5000, "POST", SUBMIT.path)


async def test_a_policy_in_writing_makes_a_502_repeatable(gate: RecordingGate, clock: ManualClock) -> None:
    wire = Wire(Answer(status=502), Answer(status=202))
    policy = SubmitPolicy(resend_on=frozenset({502}))
    assert (await Exchange(wire, gate, clock=clock, policy=policy).submit(SUBMIT)).status == 202


async def test_a_throttled_submit_is_made_again_once(gate: RecordingGate, clock: ManualClock) -> None:
    short = Answer(status=429, headers=(("Retry-After", "20"),))
    wire = Wire(short, Answer(status=202))
    assert (await Exchange(wire, gate, clock=clock).submit(SUBMIT)).status == 202
    wire = Wire(short)
    with pytest.raises(RateLimited) as raised:
        await Exchange(wire, gate, clock=clock).submit(SUBMIT)
    assert (wire.sent, raised.value.retry_after, raised.value.attempts) == (2, 20.0, 2)


@pytest.mark.parametrize("request_", [SUBMIT, READ])
async def test_a_long_pause_is_told_instead_of_waited_for(
    request_: Request, gate: RecordingGate, clock: ManualClock
) -> None:
    wire = Wire(Answer(status=429, headers=(("Retry-After-hour", "3000"),)))
    exchange = Exchange(wire, gate, clock=clock)
    with pytest.raises(RateLimited) as raised:
        await (exchange.submit(request_) if request_ is SUBMIT else exchange.read(request_))
    assert (wire.sent, raised.value.retry_after) == (1, 3000.0)


async def test_a_throttled_read_is_asked_again_once(gate: RecordingGate, clock: ManualClock) -> None:
    short = Answer(status=429, headers=(("Retry-After", "20"),))
    wire = Wire(short, OK)
    assert (await Exchange(wire, gate, clock=clock).read(READ)).status == 200
    for once, sent in ((False, 2), (True, 1)):
        wire = Wire(short)
        with pytest.raises(RateLimited) as raised:
            await Exchange(wire, gate, clock=clock).read(READ, once=once)
        assert (wire.sent, raised.value.attempts, raised.value.retry_after) == (sent, sent, 20.0)


@pytest.mark.parametrize(
    ("status", "complete", "sent"),
    [(408, True, 3), (504, True, 3), (200, False, 3), (404, False, 1), (501, True, 1), (425, True, 1)],
)
async def test_a_read_is_repeated_if_that_may_help(
    status: int, complete: bool, sent: int, gate: RecordingGate, clock: ManualClock
) -> None:
    wire = Wire(Answer(status=status, complete=complete))
    with pytest.raises(RequestError):
        await Exchange(wire, gate, clock=clock).read(READ)
    assert wire.sent == sent


async def test_a_read_is_asked_three_times_and_counted_each_time(
    gate: RecordingGate, clock: ManualClock
) -> None:
    tally = Requests()
    wire = Wire(Answer(status=503), LOST, OK)
    answer = await Exchange(wire, gate, clock=clock).read(READ, tally=tally)
    assert answer.status == 200
    assert gate.lanes == [Lane.POLL] * 3
    assert tally == Requests(polls=3)


@pytest.mark.parametrize(
    ("outcome", "error", "attempts"),
    [
        (Answer(status=500), ServerFailed, 3),
        (Answer(status=307), ServerFailed, 1),
        (LOST, TimedOut, 3),
        (REFUSED, ConnectionFailed, 3),
        (Answer(status=200, complete=False), Undecodable, 3),
        (Answer(status=401), TokenRejected, 1),
        (Answer(status=403), ScopeMissing, 1),
        (Answer(status=404), NotFound, 1),
        (Answer(status=400), RequestInvalid, 1),
    ],
)
async def test_a_read_that_fails_for_good_says_what_to_do_next(
    outcome: Outcome, error: type[Exception], attempts: int, gate: RecordingGate, clock: ManualClock
) -> None:
    wire = Wire(outcome)
    with pytest.raises(error) as raised:
        await Exchange(wire, gate, clock=clock).read(READ)
    assert wire.sent == attempts
    facts = vars(raised.value)
    assert (facts["method"], facts["path"], facts["attempts"]) == ("GET", READ.path, attempts)
    assert facts["status"] == (outcome.status if isinstance(outcome, Answer) else None)


async def test_a_probe_asks_once(gate: RecordingGate) -> None:
    wire = Wire(Answer(status=503))
    with pytest.raises(ServerFailed):
        await Exchange(wire, gate).read(READ, once=True)
    assert wire.sent == 1


def test_waits_grow_within_bounds_and_are_spread() -> None:
    policy = RetryPolicy(base=0.5, longest=10.0)
    for attempt, whole in ((1, 0.5), (2, 1.0), (3, 2.0), (9, 10.0), (5000, 10.0)):
        waits = {backoff(policy, attempt, random.Random(seed)) for seed in range(50)}
        assert whole / 2 <= min(waits) <= max(waits) <= whole
        assert len(waits) > 10


async def test_the_token_shows_in_no_error_and_no_log(
    gate: RecordingGate, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    echo = b'{"error":{"code":"X","message":"bad token Bearer ' + SECRET.encode() + b'"}}'
    async with serving(answers(message(401, echo))) as server, exchanging(server.url, gate) as exchange:
        with pytest.raises(TokenRejected) as raised:
            await exchange.read(READ)
    shown = str(raised.value) + repr(vars(raised.value))
    logged = caplog.text + "".join(str(vars(record)) for record in caplog.records)
    assert [record.message for record in caplog.records if record.name == "keebai_async"] == [
        "request started",
        "request answered",
    ]
    assert SECRET[12:] not in shown + logged


@pytest.mark.parametrize("cut", [8, 20, 34, 60])
@pytest.mark.parametrize("gap", [" ", "\\n", "...", '","'])
async def test_a_token_that_the_service_cuts_in_two_shows_in_no_error(
    gate: RecordingGate, cut: int, gap: str
) -> None:
    key = "5ec2e7a1b0c9d8f7" * 4  # without a prefix by which anybody could tell it from a word
    echo = f'{{"message":["no good: {key[:cut]}{gap}{key[cut:]}"]}}'.encode()
    async with serving(answers(message(400, echo))) as server, Session(server.url, Token(key)) as session:
        with pytest.raises(RequestInvalid) as raised:
            await Exchange(session, gate).read(READ)
    shown = str(raised.value)
    assert "no good: ..." in shown
    assert not [key[at : at + 6] for at in range(len(key) - 6) if key[at : at + 6] in shown]


@pytest.mark.parametrize("spelled", ["+54 9 11 5555-0101", "5491155550101", "+54\u00a0911\u00a055550101"])
async def test_a_number_that_the_service_quotes_is_masked_in_the_error(
    gate: RecordingGate, spelled: str
) -> None:
    body = {"error": {"code": spelled, "message": f"{spelled} is bad", "details": {"field": f"to.{spelled}"}}}
    wire = Wire(Answer(status=400, body=json.dumps(body).encode()))
    with pytest.raises(RequestInvalid) as raised:
        await Exchange(wire, gate).submit(SUBMIT)
    shown = str(raised.value) + repr(vars(raised.value))
    assert "549…0101 is bad" in shown
    assert "5555" not in shown


async def test_logs_have_fixed_names_and_fields(
    gate: RecordingGate, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, "keebai_async")
    throttled = Answer(status=429, headers=(("Retry-After", "1"),))
    verdict = await Exchange(Wire(Answer(status=202)), gate, clock=clock).submit_once(SUBMIT)
    assert isinstance(verdict, Accepted)
    await Exchange(Wire(LOST, throttled, OK), gate, clock=clock).read(READ)
    said = [(record.message, vars(record)["route"], vars(record)["attempt"]) for record in caplog.records]
    assert said == [
        ("request started", "/messages/bulk", 1),
        ("request answered", "/messages/bulk", 1),
        ("request started", "/messages/bulk/b", 1),
        ("request failed", "/messages/bulk/b", 1),
        ("retry scheduled", "/messages/bulk/b", 1),
        ("request started", "/messages/bulk/b", 2),
        ("request throttled", "/messages/bulk/b", 2),
        ("retry scheduled", "/messages/bulk/b", 2),
        ("request started", "/messages/bulk/b", 3),
        ("request answered", "/messages/bulk/b", 3),
    ]


async def test_a_failure_is_logged_with_its_beginning_also_where_nobody_reads_what_is_routine(
    gate: RecordingGate, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "keebai_async")
    await Exchange(Wire(LOST, OK), gate, clock=clock).read(READ)
    (failed, retry) = caplog.records
    assert (failed.message, vars(failed)["route"], vars(failed)["attempt"]) == (
        "request failed",
        "/messages/bulk/b",
        1,
    )
    assert retry.message == "retry scheduled"


async def test_an_observer_hears_of_each_attempt_whatever_the_log_reads(gate: RecordingGate) -> None:
    heard: list[Record] = []
    await Exchange(Wire(OK), gate, observer=hook_of(heard.append)).read(READ)
    started, answered = heard
    assert isinstance(started, RequestStarted)
    assert isinstance(answered, RequestAnswered)
    assert answered.request == started


@pytest.mark.parametrize(
    ("outcome", "still_counted"), [(OK, 1), (LOST, 1), (REFUSED, 0)], ids=["answered", "lost", "never left"]
)
async def test_a_place_in_memory_is_settled_as_its_request_ended(
    outcome: Outcome, still_counted: int, clock: ManualClock
) -> None:
    limiter = RateLimiter((Quota(2, 60.0),), clock=clock, margin=Margin(seconds=0.0, drift=0.0))
    exchange = Exchange(Wire(outcome), limiter, clock=clock)
    for _ in range(2):  # the first agrees on the quota, and the second has its place without a wait
        await exchange.submit_once(SUBMIT)
        assert [spent for _, spent in await limiter.spent()] == [still_counted]
        await clock.advance(200.0)
        assert [spent for _, spent in await limiter.spent()] == [0]


async def test_nobody_gets_a_place_in_memory_before_who_waits_for_one(clock: ManualClock) -> None:
    store, order = MemoryStore(clock), list[str]()
    other, own = (RateLimiter((Quota(1, 60.0),), store=store, clock=clock) for _ in range(2))
    exchange = Exchange(Wire(OK), own, clock=clock)

    async def ask(name: str) -> None:
        await exchange.submit_once(SUBMIT)
        order.append(name)

    await own.set_limits(own.quotas)
    async with clock.running(), anyio.create_task_group() as tasks:
        async with other.place(Lane.SUBMIT) as place:
            tasks.start_soon(ask, "first")
            await clock.sleep(0.1)
            place.settle(Ending.UNSENT)
        tasks.start_soon(ask, "late")  # there is a place now, and who waits for it does not know yet

    assert order == ["first", "late"]


async def test_a_reply_that_cannot_be_unpacked_is_one_clear_error(gate: RecordingGate) -> None:
    no_brotli = b"\x0b\x12\x80 this is none \x00\xff"
    packed = [message(status, no_brotli, headers=(("Content-Encoding", "br"),)) for status in (200, 202, 200)]
    said = "cannot be unpacked (Content-Encoding: br, which was not asked for)"
    async with serving(*map(answers, packed)) as server, exchanging(server.url, gate) as exchange:
        unknown = await exchange.submit_once(SUBMIT)
        accepted = await exchange.submit_once(SUBMIT)
        with pytest.raises(Undecodable) as caught:
            await exchange.read(READ, once=True)

    assert isinstance(unknown, Unknown)
    assert said in unknown.reason
    assert isinstance(accepted, Accepted)
    assert said in str(error_for(accepted, SUBMIT, 1))
    assert said in str(caught.value)


class SlowGate(RecordingGate):
    """Settles a place in many turns of the loop, as one does whose store is a file or a server."""

    @asynccontextmanager
    async def place(self, lane: Lane) -> AsyncIterator[Place]:
        async with super().place(lane) as place:
            try:
                yield place
            finally:
                with anyio.CancelScope(shield=True):
                    for _ in range(50):
                        await anyio.lowlevel.checkpoint()


class Held(Wire):
    """Answers when it may."""

    def __init__(self, outcome: Outcome) -> None:
        super().__init__(outcome)
        self.left = anyio.Event()
        self.may = anyio.Event()

    async def send(self, request: Request, timeouts: Timeouts | None = None) -> Outcome:
        self.left.set()
        await self.may.wait()
        return await super().send(request, timeouts)


@pytest.mark.parametrize("cancelled", [False, True])
async def test_who_closes_waits_until_a_submit_has_its_place_settled_and_its_outcome_told(
    cancelled: bool,
) -> None:
    gate, drain = SlowGate(), Drain()
    wire = Held(Answer(status=202, body=b'{"broadcast_id": "b"}'))
    submit = asyncio.ensure_future(Exchange(wire, gate, drain=drain).submit(SUBMIT))
    await wire.left.wait()
    closing = asyncio.ensure_future(drain.close())
    await anyio.lowlevel.checkpoint()
    assert not closing.done()

    if cancelled:
        submit.cancel()
    wire.may.set()
    await closing

    assert submit.done()
    assert gate.endings == [Ending.UNANSWERED if cancelled else Ending.ANSWERED]


async def test_nothing_leaves_in_a_place_that_came_before_the_client_was_closed() -> None:
    drain = Drain()
    wire = Wire(Answer(status=202, body=b'{"broadcast_id": "b"}'))
    exchange = Exchange(Departures(wire, drain), RecordingGate())

    async with exchange.slot(Lane.SUBMIT) as slot:
        await drain.close()
        verdict = await slot.submit(SUBMIT)

    assert isinstance(verdict, Unsent)
    assert wire.sent == 0


class ForgetfulGate(RecordingGate):
    """Of somebody else: what it keeps is gone by the time that a place is settled."""

    @asynccontextmanager
    async def place(self, lane: Lane) -> AsyncIterator[Place]:
        async with super().place(lane) as place:
            yield place
        raise QuotaUnusable("its file is gone")


async def test_a_place_that_cannot_be_settled_does_not_hide_that_the_message_was_accepted() -> None:
    wire, told = Wire(Answer(status=202, body=b'{"broadcast_id": "b"}')), list[Record]()
    exchange = Exchange(wire, ForgetfulGate(), observer=told.append)

    answer = await exchange.submit(SUBMIT)

    assert (answer.status, wire.sent) == (202, 1)
    assert PlaceNotSettled(store="ForgetfulGate", reason="its file is gone") in told
