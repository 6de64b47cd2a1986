"""What a person says of an unknown message, and what the outbox of a journal keeps, on every database."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import TypeVar

import pytest
from msgspec.structs import replace

from keebai_async import ChunkState, InvalidInput, Keebai, MessageBusy, OutcomeUnknown
from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.memory_tables import MemoryDatabase, MemoryJournal
from keebai_async.journal.outbox import StoredOutbox
from keebai_async.journal.postgres_tables import PostgresJournal
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.journal.stored import StoredJournal
from keebai_async.journal.tables import Tables
from keebai_async.model.lost import NOT_SEEN_TO_END
from keebai_async.model.outbox import (
    MessageLost,
    MessageNotTaken,
    MessageOutcome,
    MessageTaken,
    OutboxMessage,
    lost,
    settled,
)
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox, faults
from keebai_async.storage.postgres_address import postgres_address
from keebai_async.storage.process import this_process
from keebai_async.storage.safety import Safe
from tests.journal.json_tables import JsonJournal, JsonServer

T = TypeVar("T")
PERSON = "+5491155555555"
TEXT = "POST /messages/text"
ORDER = "order-A-17"


@pytest.fixture
async def keebai(sandbox: Sandbox, clock: ManualClock, tmp_path: Path) -> AsyncIterator[Keebai]:
    """A client in whose outbox ORDER is unknown, though it was sent."""
    journal = SqliteJournal(tmp_path / "k.db", clock=clock)
    async with Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=journal,
        clock=clock,
        limiter=OpenGate(),
    ) as keebai:
        sandbox.faults.on(TEXT, faults.Reset())
        with pytest.raises(OutcomeUnknown):
            await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
        yield keebai
    await journal.aclose()


def sent(sandbox: Sandbox) -> int:
    return len(sandbox.ledger.submissions)


async def test_one_that_was_found_in_the_portal_is_accepted_and_never_sent(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    after = await keebai.outbox.settle(ORDER, accepted="b-77")
    assert (after.state, after.life.broadcast_id) == (ChunkState.ACCEPTED, "b-77")
    receipt = await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert receipt.broadcast_id == "b-77"
    assert sent(sandbox) == 1


async def test_a_blank_id_is_no_word_and_one_with_a_line_end_is_the_id(keebai: Keebai) -> None:
    for blank in ("", " \n"):
        with pytest.raises(InvalidInput, match="the id by which the service knows it"):
            await keebai.outbox.settle(ORDER, accepted=blank)

    after = await keebai.outbox.settle(ORDER, accepted=" b-77\n")

    assert (after.state, after.life.broadcast_id) == (ChunkState.ACCEPTED, "b-77")


async def test_one_that_did_not_arrive_is_sent_by_the_next_call(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    await clock.sleep(31.0)
    assert (await keebai.outbox.settle(ORDER, resend=True)).state is ChunkState.PLANNED
    assert (await keebai.messages.send_text(PERSON, "Hola", once=ORDER)).status
    assert sent(sandbox) == 2


async def test_that_it_did_not_arrive_is_not_believed_while_it_may_still_arrive(
    keebai: Keebai, clock: ManualClock
) -> None:
    with pytest.raises(MessageBusy, match="wait 30 s") as raised:
        await keebai.outbox.settle(ORDER, resend=True)
    assert raised.value.once == ORDER
    await clock.sleep(29.0)
    with pytest.raises(MessageBusy):
        await keebai.outbox.settle(ORDER, resend=True)


async def test_that_it_did_not_arrive_can_be_taken_back_until_it_is_sent(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    await clock.sleep(31.0)
    await keebai.outbox.settle(ORDER, resend=True)
    assert (await keebai.outbox.settle(ORDER, take_back=True)).state is ChunkState.UNKNOWN
    with pytest.raises(OutcomeUnknown):
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 1
    with pytest.raises(InvalidInput, match="nothing to take back"):
        await keebai.outbox.settle(ORDER, take_back=True)


async def test_one_that_is_given_up_is_never_sent(keebai: Keebai, sandbox: Sandbox) -> None:
    await keebai.outbox.settle(ORDER, abandon=True)
    with pytest.raises(OutcomeUnknown, match="a person gave it up"):
        await keebai.messages.send_text(PERSON, "Hola", once=ORDER)
    assert sent(sandbox) == 1


async def test_exactly_one_word_settles(keebai: Keebai) -> None:
    with pytest.raises(InvalidInput, match="say one of"):
        await keebai.outbox.settle(ORDER)
    with pytest.raises(InvalidInput, match="say one of"):
        await keebai.outbox.settle(ORDER, accepted="b-1", abandon=True)


async def test_what_is_not_unknown_or_not_there_cannot_be_settled(keebai: Keebai) -> None:
    await keebai.messages.send_text(PERSON, "Hola", once="other")
    with pytest.raises(InvalidInput, match="is accepted, not unknown"):
        await keebai.outbox.settle("other", abandon=True)
    with pytest.raises(InvalidInput, match="no message 'nobody'"):
        await keebai.outbox.settle("nobody", abandon=True)


async def test_messages_are_listed_with_those_first_that_need_somebody(keebai: Keebai) -> None:
    for number in range(3):
        await keebai.messages.send_text(PERSON, "Hola", once=f"other-{number}")
    listed = await keebai.outbox.messages()
    assert [message.state for message in listed] == [ChunkState.UNKNOWN, *[ChunkState.ACCEPTED] * 3]
    assert [message.key for message in await keebai.outbox.messages(state=ChunkState.UNKNOWN)] == [ORDER]
    assert len(await keebai.outbox.messages(limit=2)) == 2
    assert PERSON not in repr(listed)


async def test_what_is_settled_can_be_forgotten_and_what_is_not_stays(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    await keebai.messages.send_text(PERSON, "Hola", once="old")
    await clock.sleep(100.0)
    await keebai.messages.send_text(PERSON, "Hola", once="young")
    assert await keebai.outbox.purge(older_than=50.0) == 1
    assert {message.key for message in await keebai.outbox.messages()} == {ORDER, "young"}
    await keebai.messages.send_text(PERSON, "Hola", once="old")  # a new message now
    assert sent(sandbox) == 4


# The outbox of any journal


@pytest.fixture(params=["memory", "sqlite", "json", "postgres"])
async def journal(
    request: pytest.FixtureRequest, clock: ManualClock, tmp_path: Path
) -> AsyncIterator[StoredJournal]:
    kinds: dict[str, Callable[[], StoredJournal]] = {
        "memory": lambda: MemoryJournal(clock=clock),
        "sqlite": lambda: SqliteJournal(tmp_path / "k.db", clock=clock),
        "json": lambda: JsonJournal(JsonServer(), clock=clock),
        "postgres": lambda: PostgresJournal(
            postgres_address(request.getfixturevalue("postgres").schema()), clock=clock
        ),
    }
    journal = kinds[request.param]()
    yield journal
    await journal.aclose()


DRAFT = OutboxMessage(
    key=ORDER, service="keebai", to="+549…5555", what="a text", fingerprint="f", created_at=0.0
)
TAKEN = MessageTaken(broadcast_id="b-1", receipt=b"{}")


def sent_again(message: OutboxMessage) -> OutboxMessage:
    return settled(message, accepted=None, resend=True, abandon=False, take_back=False)


async def begun(outbox: StoredOutbox) -> str:
    _, attempt = await outbox.begin(DRAFT, seconds=75.0)
    assert attempt is not None
    return attempt


async def test_an_intent_is_there_for_all_who_look(journal: StoredJournal) -> None:
    await begun(journal.outbox)
    message, second = await journal.outbox.begin(DRAFT, seconds=75.0)
    assert (message.state, second) == (ChunkState.SUBMITTING, None)


async def test_an_attempt_that_was_given_up_without_an_outcome_is_unknown(journal: StoredJournal) -> None:
    attempt = await begun(journal.outbox)
    journal.outbox.over(attempt)
    found = await journal.outbox.find(ORDER)
    assert found is not None
    assert found.state is ChunkState.UNKNOWN
    assert await journal.outbox.messages(ChunkState.UNKNOWN, limit=1) == [found]


async def test_an_answer_that_is_held_by_one_who_was_taken_for_dead_is_still_evidence(
    journal: StoredJournal,
) -> None:
    attempt = await begun(journal.outbox)
    journal.outbox.over(attempt)
    await journal.outbox.find(ORDER)
    assert (await journal.outbox.end(ORDER, attempt, TAKEN)).state is ChunkState.ACCEPTED


class AwayDatabase(MemoryDatabase):
    """It is away for as long as somebody says so."""

    away = False

    def write(self, work: Callable[[Tables], T], *, safe: Safe) -> T:
        if self.away:
            raise JournalUnusable("the database does not answer", temporary=True)
        return super().write(work, safe=safe)


@pytest.mark.parametrize("lost_meanwhile", [False, True])
@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (TAKEN, ChunkState.ACCEPTED),
        (MessageNotTaken(reason="429"), ChunkState.PLANNED),
        (MessageLost(reason="no answer"), ChunkState.UNKNOWN),
    ],
)
async def test_an_outcome_that_no_journal_took_is_known_to_its_own_process_when_the_journal_is_back(
    clock: ManualClock, outcome: MessageOutcome, state: ChunkState, lost_meanwhile: bool
) -> None:
    database = AwayDatabase(clock)
    journal = StoredJournal(database, clock=clock)
    attempt = await begun(journal.outbox)
    if lost_meanwhile:  # another machine took us for dead
        await journal.outbox.settle(ORDER, lambda message: lost(message, NOT_SEEN_TO_END, at=9.0))
    database.away = True
    with pytest.raises(JournalUnusable):
        await journal.outbox.end(ORDER, attempt, outcome)
    journal.outbox.over(attempt)
    database.away = False

    found = await journal.outbox.find(ORDER)

    assert found is not None
    assert found.state is state
    assert found.receipt == (b"{}" if outcome is TAKEN else None)
    assert await journal.outbox.find(ORDER) == found
    await journal.aclose()


async def test_who_knows_that_it_was_taken_does_not_send_it_again_because_somebody_says_so(
    clock: ManualClock,
) -> None:
    database = AwayDatabase(clock)
    journal = StoredJournal(database, clock=clock)
    attempt = await begun(journal.outbox)
    database.away = True
    with pytest.raises(JournalUnusable):
        await journal.outbox.end(ORDER, attempt, TAKEN)
    database.away = False
    await journal.outbox.settle(ORDER, lambda message: sent_again(lost(message, NOT_SEEN_TO_END, at=9.0)))
    journal.outbox.over(attempt)

    message, again = await journal.outbox.begin(DRAFT, seconds=75.0)

    assert (message.state, again) == (ChunkState.ACCEPTED, None)
    await journal.aclose()


async def test_so_is_an_answer_that_comes_after_a_person_had_it_sent_again(journal: StoredJournal) -> None:
    attempt = await begun(journal.outbox)
    await journal.outbox.end(ORDER, attempt, MessageLost(reason="no answer"))
    await journal.outbox.settle(ORDER, sent_again)
    after = await journal.outbox.end(ORDER, attempt, TAKEN)
    assert (after.state, after.receipt) == (ChunkState.ACCEPTED, b"{}")


async def test_a_late_certainty_that_nothing_was_sent_frees_the_key(journal: StoredJournal) -> None:
    attempt = await begun(journal.outbox)
    await journal.outbox.end(ORDER, attempt, MessageLost(reason="no answer"))
    after = await journal.outbox.end(ORDER, attempt, MessageNotTaken(reason="429"))
    assert after.state is ChunkState.PLANNED


async def test_the_answer_to_an_earlier_attempt_changes_nothing_of_a_later_one(
    journal: StoredJournal,
) -> None:
    first = await begun(journal.outbox)
    await journal.outbox.end(ORDER, first, MessageNotTaken(reason="429"))
    await begun(journal.outbox)
    after = await journal.outbox.end(ORDER, first, MessageLost(reason="late"))
    assert after.state is ChunkState.SUBMITTING


async def test_a_machine_that_fell_silent_is_waited_for_until_its_attempt_must_be_over(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = SqliteJournal(tmp_path / "k.db", clock=clock)
    elsewhere = replace(this_process(), place="another machine")
    with monkeypatch.context() as there:
        there.setattr("keebai_async.journal.outbox.this_process", lambda: elsewhere)
        other = SqliteJournal(tmp_path / "k.db", clock=clock)
    await begun(other.outbox)
    await clock.sleep(75.0 + 59.0)
    found = await journal.outbox.find(ORDER)
    assert found is not None
    assert found.state is ChunkState.SUBMITTING
    await clock.sleep(2.0)
    found = await journal.outbox.find(ORDER)
    assert found is not None
    assert (found.state, found.life.reason) == (ChunkState.UNKNOWN, NOT_SEEN_TO_END)
    await other.aclose()
    await journal.aclose()
