"""What does not move in a new template's first hour is probably held by Meta; later, it is stuck."""

import pytest
from msgspec.structs import replace

from keebai_async.clock import ManualClock
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.lifecycle import Submit, TakeBack
from keebai_async.model.pacing import first_message_at, probably_held
from tests.campaign.planning import freeze


@pytest.mark.parametrize(
    ("category", "first", "held"),
    [
        ("MARKETING", None, True),
        ("MARKETING", 900.0, True),
        ("marketing", 3_599.0, True),
        ("", 900.0, True),
        ("MARKETING", 3_600.0, False),
        ("UTILITY", 900.0, False),
        ("AUTHENTICATION", None, False),
    ],
)
async def test_messages_are_held_in_the_first_hour_of_a_template_that_meta_paces(
    category: str, first: float | None, held: bool
) -> None:
    plan = replace(await freeze(MemoryJournal(), 10), category=category)
    now = 1_790_000_000.0

    assert probably_held(plan, first=None if first is None else now - first, now=now) is held


async def test_a_template_is_as_old_as_its_first_message_of_any_campaign() -> None:
    journal = MemoryJournal(clock=ManualClock())
    mine = await freeze(journal, 20, size=10)
    other = await freeze(journal, 30, size=10)
    another = await freeze(journal, 40, size=10, template="otro")
    before = first_message_at(mine, await journal.campaigns())
    for plan, at in ((another, 10.0), (other, 20.0), (mine, 30.0)):
        await journal.record(plan.campaign_id, Submit(number=1, step=1, at=at))

    assert before is None
    assert first_message_at(mine, await journal.campaigns()) == 20.0
    await journal.record(other.campaign_id, TakeBack(number=1, step=2, reason="429"))
    assert first_message_at(mine, await journal.campaigns()) == 30.0
