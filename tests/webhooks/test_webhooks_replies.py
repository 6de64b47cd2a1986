"""Replies have no mark: they count where sender, number and time leave one campaign, and nowhere else."""

import pytest
from msgspec.structs import replace

from keebai_async.clock import ManualClock
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.lifecycle import Accept, HandOn, Submit
from keebai_async.webhooks import FateRecorder, MessageReceived
from keebai_async.webhooks.replies import ANSWERED_WITHIN
from tests.journal.journal_kit import keep, people, plan_of

SENDER = "1"
SENT_AT = 2_000_000.5


def reply(place: int, at: float = SENT_AT + 60, *, chunk: int = 1, sender: str = SENDER) -> MessageReceived:
    """A text of the person at *place*, whose number is written in another way."""
    return MessageReceived(
        kind="whatsapp.message.received",
        id=f"{chunk}-{place}-{at}",
        at=float(int(at)),
        number=f"+5411{chunk:04}{place:04}",
        sender=sender,
        text="hola",
    )


async def sent(journal: Journal, campaign: str, *, at: float = SENT_AT) -> None:
    """A campaign of two chunks, five people, that the service accepted."""
    await keep(journal, replace(plan_of(campaign), fingerprint=campaign))
    for number, recipients in ((1, 2), (2, 3)):
        await journal.record(campaign, Submit(number=number, step=1, at=at))
        accept = Accept(number=number, step=2, accepted=recipients, broadcast_id=f"{campaign}{number}")
        await journal.record(campaign, accept)


async def replied(journal: Journal, campaign: str) -> int:
    return sum([chunk.counts().replied async for _, chunk in journal.fates(campaign)])


def recorder_of(journal: Journal) -> FateRecorder:
    return FateRecorder(journal, clock=ManualClock(), opt_outs=False)


async def test_a_reply_is_counted_once_for_the_person_whose_number_it_is_in_any_spelling() -> None:
    journal = MemoryJournal()
    await sent(journal, "promo")
    recorder = recorder_of(journal)

    assert await recorder.record([reply(1), reply(2, chunk=2)]) == 2
    assert await recorder.record([reply(1, SENT_AT + 90)]) == 0  # the first one counts

    fates = {number: chunk async for number, chunk in journal.fates("promo")}
    assert fates[1].state(1).replied_at == int(SENT_AT + 60)
    assert fates[2].state(2).replied_at
    assert fates[1].state(1).fate is Fate.NONE  # that somebody writes does not tell how far a message came
    assert (await replied(journal, "promo"), recorder.counts["replies unassigned"]) == (2, 0)


@pytest.mark.parametrize(
    "other",
    [
        reply(1, SENT_AT - 60),
        reply(1, SENT_AT + ANSWERED_WITHIN + 60),
        reply(1, sender="2"),
        reply(1, sender=""),
        reply(7),
        replace(reply(1), number=""),
        replace(reply(1), number="+0"),
    ],
)
async def test_one_that_may_be_no_answer_is_not_counted(other: MessageReceived) -> None:
    journal = MemoryJournal()
    await sent(journal, "promo")
    recorder = recorder_of(journal)

    assert await recorder.record([other]) == 0
    assert (await replied(journal, "promo"), recorder.counts["replies unassigned"]) == (0, 1)


async def test_of_two_campaigns_nobody_can_say_which_is_answered_unless_one_failed() -> None:
    journal = MemoryJournal()
    await sent(journal, "promo")
    await sent(journal, "retry", at=SENT_AT + 30)
    recorder = recorder_of(journal)

    await recorder.record([reply(0), reply(1)])
    assert await replied(journal, "promo") == await replied(journal, "retry") == 0
    await recorder.record([reply(0, SENT_AT + 10)])  # before the second one was sent
    assert (await replied(journal, "promo"), await replied(journal, "retry")) == (1, 0)

    failed = PersonNews(campaign_id="promo", chunk=1, place=1, fate=Fate.FAILED, code=131049, at=SENT_AT + 5)
    await journal.tell([failed])
    await recorder.record([reply(1, SENT_AT + 120)])
    assert (await replied(journal, "promo"), await replied(journal, "retry")) == (1, 1)


async def test_people_who_were_cut_into_other_chunks_are_found_there() -> None:
    journal = MemoryJournal()
    await keep(journal, plan_of(chunks=(4,)))
    recorder = recorder_of(journal)
    await recorder.record([reply(3)])
    hand_on = HandOn(number=1, step=1, reason="cut again")
    everybody = people(1, 4)
    first, rest = (
        everybody[: everybody.index(b"},") + 1] + b"]",
        b"[" + everybody[everybody.index(b"},") + 2 :],
    )
    await journal.recut("promo", [hand_on], keep=b"[]", children=[(1, first), (3, rest)])
    for number in (2, 3):
        await journal.record("promo", Submit(number=number, step=1, at=SENT_AT))

    await recorder.record([reply(3)])

    fates = {number: chunk async for number, chunk in journal.fates("promo")}
    assert [bool(fates[1].state(place).replied_at) for place in range(4)] == [False, False, False, True]


async def test_after_a_purge_nobody_is_found_and_nothing_breaks() -> None:
    journal = MemoryJournal()
    await sent(journal, "promo")
    recorder = recorder_of(journal)
    await recorder.record([reply(0)])
    for number in (1, 2):
        await journal.progress("promo", number, sent=number + 1, failed=0, final=True)
    await journal.purge("promo")

    assert await recorder.record([reply(1)]) == 0
    assert await replied(journal, "promo") == 1
