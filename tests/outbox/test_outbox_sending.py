"""Single messages with a key: sent once, whatever is called again, cancelled, lost, or killed."""

import asyncio
import signal
import sqlite3
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, closing
from pathlib import Path

import anyio
import anyio.lowlevel
import anyio.to_thread
import msgspec
import pytest

from keebai_async import (
    ChunkState,
    InvalidInput,
    JournalUnusable,
    Keebai,
    OutcomeUnknown,
    RequestInvalid,
    TokenRejected,
    Undecodable,
    Whautomate,
)
from keebai_async.campaign import keeping
from keebai_async.clock import ManualClock
from keebai_async.journal.outbox import StoredOutbox
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.outbox import MessageOutcome, OutboxMessage
from keebai_async.quota.gate import Gate, Lane, OpenGate, Place
from keebai_async.sandbox import Sandbox, WhautomateSandbox, faults
from keebai_async.storage import thread
from tests.outbox.one_message import Ended, Job

PERSON = "+5491155555555"
TEXT = "POST /messages/text"
ORDER = "order-A-17"


def client(
    sandbox: Sandbox, clock: ManualClock, journal: Path | SqliteJournal, limiter: Gate | None = None
) -> Keebai:
    return Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=journal,
        clock=clock,
        limiter=limiter or OpenGate(),
    )


@pytest.fixture
async def keebai(sandbox: Sandbox, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Keebai]:
    async with client(sandbox, clock, tmp_path / "k.db") as keebai:
        yield keebai


def sent(sandbox: Sandbox) -> int:
    return len(sandbox.ledger.submissions)


async def until(happened: Callable[[], bool]) -> None:
    with anyio.fail_after(60.0):
        while not happened():
            await anyio.lowlevel.checkpoint()


async def state_of(keebai: Keebai, once: str = ORDER) -> ChunkState | None:
    message = await keebai.outbox.get(once)
    return None if message is None else message.state


async def test_the_same_key_again_sends_nothing_and_gives_the_first_receipt(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    first = await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    again = await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert again == first
    assert sent(sandbox) == 1


async def test_another_key_is_another_message(keebai: Keebai, sandbox: Sandbox) -> None:
    await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    await keebai.messages.send_text(PERSON, "Hola", once="order-A-18")
    assert sent(sandbox) == 2


async def test_a_key_outlives_the_client_and_the_token(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    async with client(sandbox, clock, tmp_path / "k.db") as one:
        first = await one.messages.send_text(PERSON, "Hola", once=ORDER)
    async with client(sandbox, clock, tmp_path / "k.db") as other:
        assert await other.messages.send_text(PERSON, "Hola", once=ORDER) == first
    assert sent(sandbox) == 1


@pytest.mark.parametrize(
    ("to", "text"), [(PERSON, "Hola de nuevo"), ("+5491155555556", "Hola")], ids=["text", "person"]
)
async def test_a_key_that_was_used_for_another_message_is_a_mistake(
    keebai: Keebai, sandbox: Sandbox, to: str, text: str
) -> None:
    await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    with pytest.raises(InvalidInput, match="used for a text to") as raised:
        await keebai.messages.send_text(to, text, once=ORDER)
    assert raised.value.field == "once"
    assert PERSON not in f"{raised.value}"
    assert sent(sandbox) == 1


@pytest.mark.parametrize("key", ["", "x" * 201, "a\nb"])
async def test_what_can_be_no_key_is_refused_before_anything_is_sent(
    keebai: Keebai, sandbox: Sandbox, key: str
) -> None:
    with pytest.raises(InvalidInput, match="once is a key"):
        await keebai.messages.send_text(PERSON, "Hola", once=key)
    assert sent(sandbox) == 0


async def test_a_hundred_calls_at_once_send_one_message(keebai: Keebai, sandbox: Sandbox) -> None:
    receipts = []

    async def call() -> None:
        receipts.append(await keebai.messages.send_text(PERSON, "Hola", once=ORDER))

    async with anyio.create_task_group() as group:
        for _ in range(100):
            group.start_soon(call)
    assert len(receipts) == 100
    assert len(set(map(repr, receipts))) == 1
    assert sent(sandbox) == 1


async def test_calls_of_several_clients_at_once_send_one_message(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    async def call() -> None:
        async with client(sandbox, clock, tmp_path / "k.db") as keebai:
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)

    async with anyio.create_task_group() as group:
        for _ in range(5):
            group.start_soon(call)
    assert sent(sandbox) == 1


async def test_a_lost_answer_leaves_it_unknown_and_no_call_sends_it_again(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    sandbox.faults.on(TEXT, faults.Reset())
    for _ in range(3):
        with pytest.raises(OutcomeUnknown, match="outbox"):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert await state_of(keebai) is ChunkState.UNKNOWN
    assert sent(sandbox) == 1


async def test_what_was_certainly_not_sent_may_be_sent_with_the_same_key(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    sandbox.faults.on(TEXT, faults.Status(status=400, accepted=False))
    with pytest.raises(RequestInvalid):
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert await state_of(keebai) is ChunkState.PLANNED
    await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert await state_of(keebai) is ChunkState.ACCEPTED
    assert sent(sandbox) == 1


async def test_a_token_that_is_rejected_leaves_the_key_free(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    async with client(sandbox, clock, tmp_path / "k.db") as keebai:
        sandbox.faults.on(TEXT, faults.Status(status=401, accepted=False))
        with pytest.raises(TokenRejected):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 1


async def test_a_429_is_waited_for_and_the_message_goes_once(keebai: Keebai, sandbox: Sandbox) -> None:
    sandbox.faults.on(TEXT, faults.Status(status=429, accepted=False))
    await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    message = await keebai.outbox.get(ORDER)
    assert message is not None
    assert (message.state, message.life.attempts) == (ChunkState.ACCEPTED, 2)
    assert sent(sandbox) == 1


async def test_an_answer_that_cannot_be_read_counts_as_sent(keebai: Keebai, sandbox: Sandbox) -> None:
    sandbox.faults.on(TEXT, faults.NotJson())
    for _ in range(2):
        with pytest.raises(Undecodable, match="do not send it again"):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert await state_of(keebai) is ChunkState.ACCEPTED
    assert sent(sandbox) == 1


async def test_a_handler_that_is_cancelled_with_the_bytes_on_the_way_loses_no_outcome(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    """As web frameworks do it, when the browser goes away: with Task.cancel(), again and again."""
    sandbox.faults.on(TEXT, faults.Late(seconds=5.0))
    handler = asyncio.ensure_future(keebai.messages.send_text(PERSON, "Hola", once=ORDER))
    await until(lambda: sent(sandbox) == 1)
    for _ in range(3):
        handler.cancel()
        await anyio.lowlevel.checkpoint()
    with pytest.raises(asyncio.CancelledError):
        await handler
    assert await state_of(keebai) is ChunkState.ACCEPTED
    await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 1


async def test_a_deadline_around_the_call_loses_no_outcome_either(keebai: Keebai, sandbox: Sandbox) -> None:
    sandbox.faults.on(TEXT, faults.Late(seconds=5.0))
    with anyio.CancelScope() as scope:
        async with anyio.create_task_group() as group:

            async def give_up() -> None:
                await until(lambda: sent(sandbox) == 1)
                scope.cancel()

            group.start_soon(give_up)
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert await state_of(keebai) is ChunkState.ACCEPTED
    assert sent(sandbox) == 1


class ClosedGate:
    """Whose places never come."""

    def __init__(self) -> None:
        self.asked = 0

    def place(self, lane: Lane) -> AbstractAsyncContextManager[Place]:
        self.asked += 1
        return _Never()


class _Never:
    async def __aenter__(self) -> Place:
        await anyio.sleep_forever()
        raise AssertionError("for ever")

    async def __aexit__(self, *_: object) -> None:
        return None


async def test_a_call_that_is_cancelled_while_it_waits_for_its_place_leaves_the_key_free(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    gate = ClosedGate()
    async with client(sandbox, clock, tmp_path / "k.db", gate) as keebai:
        call = asyncio.ensure_future(keebai.messages.send_text(PERSON, "Hola", once=ORDER))
        await until(lambda: gate.asked == 1)
        call.cancel()
        with pytest.raises(asyncio.CancelledError):
            await call
        assert await state_of(keebai) is None
    assert sent(sandbox) == 0


async def test_closing_the_client_waits_for_the_outcome(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path
) -> None:
    sandbox.faults.on(TEXT, faults.Late(seconds=5.0))
    keebai = client(sandbox, clock, tmp_path / "k.db")
    call = asyncio.ensure_future(keebai.messages.send_text(PERSON, "Hola", once=ORDER))
    await until(lambda: sent(sandbox) == 1)
    await keebai.aclose()
    await call
    async with client(sandbox, clock, tmp_path / "k.db") as later:
        assert await state_of(later) is ChunkState.ACCEPTED


# Workers that are killed: a queue delivers their job again


def job_of(sandbox: Sandbox, journal: Path, point: str = "") -> Job:
    return Job(
        journal=str(journal),
        url=sandbox.url,
        token=sandbox.token,
        sender=sandbox.phone_number_id,
        once=ORDER,
        point=point,
    )


def work(sandbox: Sandbox, journal: Path, point: str = "") -> Ended | int:
    done = subprocess.run(
        [sys.executable, "-m", "tests.outbox.one_message"],
        input=msgspec.json.encode(job_of(sandbox, journal, point)),
        stdout=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    return msgspec.json.decode(done.stdout, type=Ended) if done.returncode == 0 else done.returncode


@pytest.mark.parametrize(
    ("point", "sent_by_then", "error"),
    [
        ("before the intent", 0, None),
        ("after the intent", 0, "OutcomeUnknown"),
        ("before the outcome", 1, "OutcomeUnknown"),
        ("after the outcome", 1, None),
    ],
)
async def test_a_worker_that_is_killed_and_its_job_delivered_again_sends_one_message_at_most(
    tmp_path: Path, point: str, sent_by_then: int, error: str | None
) -> None:
    async with Sandbox() as sandbox:
        killed = await anyio.to_thread.run_sync(work, sandbox, tmp_path / "k.db", point)
        assert killed == -signal.SIGKILL
        assert sent(sandbox) == sent_by_then
        for _ in range(2):
            again = await anyio.to_thread.run_sync(work, sandbox, tmp_path / "k.db")
            assert isinstance(again, Ended)
            assert again.error == error
        assert sent(sandbox) == (1 if error is None else sent_by_then)


async def test_a_worker_that_is_killed_while_it_is_answered_leaves_the_message_unknown(
    tmp_path: Path,
) -> None:
    async with Sandbox() as sandbox:
        sandbox.faults.on(TEXT, faults.Late(seconds=60.0))
        async with await anyio.open_process([sys.executable, "-m", "tests.outbox.one_message"]) as worker:
            assert worker.stdin is not None
            await worker.stdin.send(msgspec.json.encode(job_of(sandbox, tmp_path / "k.db")))
            await worker.stdin.aclose()
            await until(lambda: sent(sandbox) == 1)
            worker.kill()
        again = await anyio.to_thread.run_sync(work, sandbox, tmp_path / "k.db")
        assert again == Ended(error="OutcomeUnknown")
        assert sent(sandbox) == 1


async def test_two_workers_with_the_same_job_at_once_send_one_message(tmp_path: Path) -> None:
    async with Sandbox() as sandbox:
        ended: list[Ended | int] = []

        async def deliver() -> None:
            ended.append(await anyio.to_thread.run_sync(work, sandbox, tmp_path / "k.db"))

        async with anyio.create_task_group() as group:
            group.start_soon(deliver)
            group.start_soon(deliver)
        assert sent(sandbox) == 1
        assert len(set(map(repr, ended))) == 1


async def test_whautomates_messages_are_sent_once_too(tmp_path: Path, clock: ManualClock) -> None:
    async with (
        WhautomateSandbox(clock=clock) as box,
        Whautomate(box.key, host=box.url, clock=clock, journal=tmp_path / "k.db") as whautomate,
    ):
        receipts = [
            await whautomate.messages.send_template(
                "CON0000001", template="recall_v1", language="en", location=box.location, once=ORDER
            )
            for _ in range(3)
        ]
        assert receipts[0].id
        assert {receipt.id for receipt in receipts} == {receipts[0].id}
        assert len(box.ledger.messages) == 1


# A key that nothing would remember


@pytest.mark.parametrize("copied", [False, True], ids=["client", "copy"])
async def test_a_key_is_refused_where_no_journal_would_remember_it(
    sandbox: Sandbox, clock: ManualClock, copied: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KEEBAI_JOURNAL", raising=False)
    async with Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        clock=clock,
        limiter=OpenGate(),
    ) as keebai:
        sender = keebai.with_options(timeout=5.0) if copied else keebai
        with pytest.raises(InvalidInput, match=r"give the client one, such as .*KEEBAI_JOURNAL") as raised:
            await sender.messages.send_text(PERSON, "Hola", once=ORDER)
        assert raised.value.field == "once"
        assert sent(sandbox) == 0
        await sender.messages.send_text(PERSON, "Hola")  # without a key nothing has to be remembered
    assert sent(sandbox) == 1


async def test_whautomate_refuses_such_a_key_too(clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("KEEBAI_JOURNAL", raising=False)
    async with (
        WhautomateSandbox(clock=clock) as box,
        Whautomate(box.key, host=box.url, clock=clock) as whautomate,
    ):
        with pytest.raises(InvalidInput, match="once needs a journal"):
            await whautomate.messages.send_template(
                "CON0000001", template="recall_v1", language="en", location=box.location, once=ORDER
            )
        assert box.ledger.messages == []


async def test_a_journal_that_the_environment_or_the_caller_names_is_named(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KEEBAI_JOURNAL", str(tmp_path / "e.db"))
    async with Keebai(
        sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id, clock=clock
    ) as keebai:
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    monkeypatch.delenv("KEEBAI_JOURNAL")
    async with Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        clock=clock,
        journal="memory:",  # for tests: who says so knows that it forgets
    ) as keebai:
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 2


async def test_the_order_of_variables_and_of_meta_data_is_no_matter(keebai: Keebai, sandbox: Sandbox) -> None:
    variables = {"nombre": "Ana", "codigo": "M-7"}
    meta: dict[str, object] = {"order": "A-17", "shop": "north"}

    async def send(variables: dict[str, str], meta: dict[str, object]) -> object:
        return await keebai.messages.send_template(
            PERSON, template="promo", language="es", variables=variables, meta_data=meta, once=ORDER
        )

    first = await send(variables, meta)
    assert await send(dict(reversed(variables.items())), dict(reversed(meta.items()))) == first
    with pytest.raises(InvalidInput, match="not the same message"):
        await send({"nombre": "M-7", "codigo": "Ana"}, meta)
    assert sent(sandbox) == 1


# A journal that does not take a line


class Stubborn(StoredOutbox):
    """The outbox of *journal*, which does not take the first outcomes it is given, or begins for ever."""

    def __init__(self, journal: SqliteJournal, *, fails: int = 0, temporary: bool = True) -> None:
        kept = journal.outbox
        super().__init__(kept._transactions, kept._database, clock=kept._clock)
        self.fails = fails
        self.temporary = temporary
        self.asked = 0
        self.stuck = False
        journal.outbox = self

    async def begin(self, message: OutboxMessage, *, seconds: float) -> tuple[OutboxMessage, str | None]:
        if self.stuck:
            await anyio.sleep_forever()
        return await super().begin(message, seconds=seconds)

    async def end(self, key: str, attempt: str, outcome: MessageOutcome) -> OutboxMessage:
        self.asked += 1
        if self.asked <= self.fails:
            raise JournalUnusable("locked", temporary=self.temporary)
        return await super().end(key, attempt, outcome)


@pytest.fixture
async def journal(clock: ManualClock, tmp_path: Path) -> AsyncIterator[SqliteJournal]:
    journal = SqliteJournal(tmp_path / "j.db", clock=clock)
    yield journal
    await journal.aclose()


async def test_an_outcome_waits_for_its_journal_for_a_minute(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    outbox = Stubborn(journal, fails=59)
    async with client(sandbox, clock, journal) as keebai:
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
        assert await state_of(keebai) is ChunkState.ACCEPTED
    assert (outbox.asked, sent(sandbox)) == (60, 1)


async def test_an_outcome_that_no_journal_takes_leaves_the_message_unknown_and_sent_once(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    outbox = Stubborn(journal, fails=10_000)
    async with client(sandbox, clock, journal) as keebai:
        with pytest.raises(JournalUnusable, match="locked"):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
        with pytest.raises(OutcomeUnknown):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
        assert await state_of(keebai) is ChunkState.UNKNOWN
    assert (outbox.asked, sent(sandbox)) == (61, 1)


async def test_an_outcome_that_the_journal_will_never_take_is_not_tried_again(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    outbox = Stubborn(journal, fails=10_000, temporary=False)
    async with client(sandbox, clock, journal) as keebai:
        with pytest.raises(JournalUnusable, match="locked"):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert outbox.asked == 1


async def test_a_journal_that_never_takes_the_intent_ends_the_call_and_nothing_leaves(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "LONGEST_WRITE", 0.05)
    outbox = Stubborn(journal)
    outbox.stuck = True
    async with client(sandbox, clock, journal) as keebai:
        with pytest.raises(JournalUnusable, match="did not take a line within"):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
        assert sent(sandbox) == 0
        outbox.stuck = False
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 1


# A program that ends


async def test_a_call_whose_task_is_cancelled_before_its_first_step_sends_nothing_and_gives_no_receipt(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    before = asyncio.all_tasks()
    call = asyncio.ensure_future(keebai.messages.send_text(PERSON, "Hola", once=ORDER))
    children: set[asyncio.Task[object]] = set()
    while not children and not call.done():
        await asyncio.sleep(0)  # one turn of the loop: the call has started its child, which has not begun
        children = asyncio.all_tasks() - before - {call}
    for child in children:
        child.cancel()

    with pytest.raises(asyncio.CancelledError):
        await call
    assert await state_of(keebai) is None
    await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 1


async def test_a_call_is_done_when_its_client_is_closed(
    sandbox: Sandbox, clock: ManualClock, journal: SqliteJournal
) -> None:
    sandbox.faults.on(TEXT, faults.Late(seconds=5.0))
    keebai = client(sandbox, clock, journal)
    call = asyncio.ensure_future(keebai.messages.send_text(PERSON, "Hola", once=ORDER))
    await until(lambda: sent(sandbox) == 1)
    await keebai.aclose()
    assert call.done()


async def test_an_intent_that_is_written_too_late_leaves_the_key_free(
    sandbox: Sandbox, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk hung for a minute: the call ended before its intent was there, and nothing had left."""
    journal, other = (
        SqliteJournal(tmp_path / "j.db", clock=clock),
        SqliteJournal(tmp_path / "j.db", clock=clock),
    )
    async with client(sandbox, clock, journal) as keebai, client(sandbox, clock, other) as elsewhere:
        await keebai.outbox.get(ORDER)
        with closing(sqlite3.connect(tmp_path / "j.db", isolation_level=None)) as stuck:
            stuck.execute("BEGIN IMMEDIATE")
            monkeypatch.setattr(thread, "LONGEST_JOB", 0.1)
            with pytest.raises(JournalUnusable, match="took longer"):
                await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
            monkeypatch.undo()
            stuck.execute("ROLLBACK")
        await keebai.journal.campaigns()  # behind what was written after all

        assert await state_of(elsewhere) is ChunkState.PLANNED
        await elsewhere.messages.send_text(PERSON, "Hola", once=ORDER)
    await journal.aclose()
    await other.aclose()
    assert sent(sandbox) == 1
