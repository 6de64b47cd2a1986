"""Who would get the same again: the same people, the same words, within a window with two sharp edges."""

from collections.abc import Sequence

import msgspec
import pytest

from keebai_async.campaign.repetition import refuse_reached
from keebai_async.errors import CampaignBusy
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.model.plan import Plan
from keebai_async.model.reached import KNOWN_FOR, REPEATED_WITHIN, Reached
from keebai_async.model.template import Template
from keebai_async.planning.reached_people import reached_before
from keebai_async.planning.template import wording
from tests.campaign.planning import freeze

LEFT = 1_790_000_000.0
"""When the chunks of the first campaign left."""


async def submitted(journal: MemoryJournal, plan: Plan, *, at: float = LEFT, apart: float = 0.0) -> None:
    """Let the chunks of *plan* have left at *at*, and then one every *apart* seconds, and be accepted."""
    for number, people in enumerate(plan.chunks, start=1):
        left = at + apart * (number - 1)
        await journal.record(plan.campaign_id, Submit(number=number, step=1, at=left))
        taken = Accept(number=number, step=2, accepted=people, broadcast_id=f"b{number}")
        await journal.record(plan.campaign_id, taken)


async def refused(journal: MemoryJournal, plan: Plan, reached: tuple[Reached, ...]) -> bool:
    try:
        refuse_reached(await journal.load(plan.campaign_id), reached)
    except CampaignBusy:
        return True
    return False


@pytest.mark.parametrize(
    ("later", "known", "repeated"),
    [
        (0.0, 10, 10),
        (REPEATED_WITHIN - 1, 10, 10),
        (REPEATED_WITHIN + 1, 10, 0),
        (KNOWN_FOR - 1, 10, 0),
        (KNOWN_FOR + 1, 0, 0),
    ],
)
async def test_a_repetition_ends_after_20_hours_and_what_is_known_of_it_after_30_days(
    later: float, known: int, repeated: int
) -> None:
    journal = MemoryJournal()
    await submitted(journal, await freeze(journal, 10))
    plan = await freeze(journal, 10, name="Dos", again=True)

    reached = await reached_before(await journal.load(plan.campaign_id), journal, now=LEFT + later)

    assert sum(each.people for each in reached) == known
    assert sum(each.repeated for each in reached) == repeated
    assert await refused(journal, plan, reached) is (repeated > 0)


async def test_each_chunk_counts_from_when_it_left_itself() -> None:
    journal = MemoryJournal()
    await submitted(journal, await freeze(journal, 12, size=4), apart=3_600.0)
    plan = await freeze(journal, 12, name="Dos", again=True)
    second_leaves = LEFT + 3_600.0

    for now, repeated in ((second_leaves + REPEATED_WITHIN - 1, 8), (second_leaves + REPEATED_WITHIN + 1, 4)):
        (reached,) = await reached_before(await journal.load(plan.campaign_id), journal, now=now)
        assert (reached.people, reached.repeated, reached.at) == (12, repeated, LEFT + 2 * 3_600.0)


async def test_of_a_campaign_that_goes_on_the_window_begins_when_it_was_launched() -> None:
    journal = MemoryJournal()
    mine = await freeze(journal, 12, size=6)
    await journal.record(mine.campaign_id, Submit(number=1, step=1, at=LEFT))
    await journal.record(mine.campaign_id, Accept(number=1, step=2, accepted=6, broadcast_id="b1"))
    for moved, repeated in ((-1.0, 0), (1.0, 6)):  # of the six who are left, by the other one
        other = await freeze(journal, 12, size=11 if repeated else 10, name="Dos")
        await submitted(journal, other, at=LEFT + moved)
        reached = await reached_before(
            await journal.load(mine.campaign_id), journal, now=LEFT + 2 * REPEATED_WITHIN
        )
        found = next(each for each in reached if each.campaign_id == other.campaign_id)
        assert (found.people, found.repeated) == (6, repeated)


@pytest.mark.parametrize(
    ("template", "wording", "repeated"),
    [
        ("promo_2", "same", 10),  # the same words under another name
        ("promo_2", "other", 0),
        ("promo_2", "", 0),  # a service that does not show its words says nothing of them
        ("promo", "other", 10),
    ],
)
async def test_the_same_words_are_the_same_whatever_the_template_is_called(
    template: str, wording: str, repeated: int
) -> None:
    journal = MemoryJournal()
    await submitted(journal, await freeze(journal, 10, wording="same" if wording else ""))
    plan = await freeze(journal, 10, name="Dos", again=True, template=template, wording=wording)

    (reached,) = await reached_before(await journal.load(plan.campaign_id), journal, now=LEFT + 60)

    assert (reached.people, reached.repeated) == (10, repeated)
    assert await refused(journal, plan, (reached,)) is (repeated > 0)


class CountingJournal(MemoryJournal):
    """Counts whose people were read."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    async def items_of(self, campaign_id: str, numbers: Sequence[int]) -> list[bytes]:
        self.read.append(campaign_id)
        return await super().items_of(campaign_id, numbers)


@pytest.mark.parametrize("goes_on", [False, True])
async def test_before_a_run_nobody_is_read_of_what_can_be_no_repetition(goes_on: bool) -> None:
    journal = CountingJournal()
    lately = await freeze(journal, 12, size=4)
    other_words = await freeze(
        journal, 12, size=4, name="Dos", again=True, template="promo_2", wording="other"
    )
    long_ago = await freeze(journal, 12, size=3, name="Tres", again=True)
    half_sent = await freeze(journal, 12, size=6, name="Cuatro", again=True)
    now = LEFT + REPEATED_WITHIN
    mine = await freeze(journal, 12, size=2, name="Cinco", again=True)
    if goes_on:
        await journal.record(mine.campaign_id, Submit(number=1, step=1, at=now - 60))
        taken = Accept(number=1, step=2, accepted=2, broadcast_id="m1")
        await journal.record(mine.campaign_id, taken)
    await submitted(journal, lately, at=now - 30, apart=5.0)
    await submitted(journal, other_words, at=now - 30)
    await submitted(journal, long_ago, at=LEFT - 60)
    await journal.record(half_sent.campaign_id, Submit(number=1, step=1, at=now - 20))
    campaign = await journal.load(mine.campaign_id)

    every = await reached_before(campaign, journal, now=now)
    journal.read.clear()
    repeated = await reached_before(campaign, journal, now=now, only_repeated=True)

    of = {each.campaign_id: each.repeated for each in every if each.repeated}
    assert {each.campaign_id: each.repeated for each in repeated} == of
    assert of.keys() == {lately.campaign_id, half_sent.campaign_id}
    assert set(journal.read) == {mine.campaign_id, *of}
    assert await refused(journal, mine, every) is await refused(journal, mine, repeated) is True


def worded(name: str, text: str | None) -> Template:
    shown = () if text is None else (msgspec.Raw(msgspec.json.encode({"type": "BODY", "text": text})),)
    return Template(name=name, language="es", status="APPROVED", components=shown)


def test_words_are_the_same_with_other_names_of_variables_and_other_blanks() -> None:
    promo = wording(worded("promo", "Hola {{nombre}},\ntu código: {{codigo}}"))

    assert promo == wording(worded("promo_2", "Hola  {{ 1 }}, tu código: {{2}} "))
    assert promo != wording(worded("promo", "Hola {{nombre}},\ntu regalo: {{codigo}}"))
    assert wording(worded("promo", None)) == ""
