"""`not_within`: nobody to whom a campaign of the journal was sent a short time before, purged or not."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.identity import identity
from keebai_async.model.lifecycle import Abandon, Accept, Lose, Move, Refuse, Submit, TakeBack
from keebai_async.model.plan import Plan
from keebai_async.model.purged_people import PurgedPeople
from keebai_async.model.sender import Sender
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.sent_lately import people_sent_to
from tests.planning.made import Made, person, planned

NOW = 1_790_000_000.0
"""When the plans of `made.py` are made."""
DAY = 86_400.0
THREE_DAYS = PlanOptions(not_within=3 * DAY)


def number(n: int) -> str:
    return f"+54911{n:08}"


async def sent(
    journal: Journal, campaign_id: str, people: list[str], *moves: Move, test: bool = False
) -> None:
    """A campaign of one chunk, after these moves."""
    items = msgspec.json.encode([{"to": to} for to in people])
    await journal.add_chunk(campaign_id, 1, len(people), items)
    await journal.freeze(
        Plan(
            campaign_id=campaign_id,
            name=campaign_id,
            template="otro",
            language="es",
            sender=Sender(phone_number_id="1"),
            created_at=NOW - 60 * DAY,
            read=len(people),
            ready=len(people),
            duplicates=0,
            rejected=0,
            suppressed=0,
            chunks=(len(people),),
            fingerprint=campaign_id,
            test=test,
        )
    )
    for move in moves:
        await journal.record(campaign_id, move)


def accepted(at: float, people: int) -> list[Move]:
    return [
        Submit(number=1, step=1, at=at),
        Accept(number=1, step=2, accepted=people, broadcast_id="b"),
    ]


def journal_now() -> MemoryJournal:
    return MemoryJournal(clock=ManualClock(start=0.0))


async def to_all(journal: MemoryJournal, people: int = 4, options: PlanOptions = THREE_DAYS) -> Made:
    return await planned([person(n) for n in range(people)], options=options, journal=journal)


async def test_who_was_sent_a_campaign_in_that_time_is_left_out_in_any_spelling() -> None:
    journal = journal_now()
    await sent(journal, "lately", ["+54" + number(0)[4:], number(2)], *accepted(NOW - 2 * DAY, 2))
    await sent(journal, "before", [number(1)], *accepted(NOW - 4 * DAY, 1))

    made = await to_all(journal)

    assert made.numbers == [number(1), number(3)]
    assert made.reasons == [(1, "sent to lately", "to"), (3, "sent to lately", "to")]
    assert (made.plan.read, made.plan.ready, made.plan.suppressed, made.plan.rejected) == (4, 2, 2, 0)
    assert made.plan.not_within == 3 * DAY
    assert sorted(await people_keys(journal, since=NOW - 5 * DAY)) == list(
        map(identity, map(number, range(3)))
    )


@pytest.mark.parametrize(
    ("moves", "left_out"),
    [
        ([], False),
        ([Submit(number=1, step=1, at=NOW - DAY)], True),
        ([Submit(number=1, step=1, at=NOW - DAY), Lose(number=1, step=2, reason="?")], True),
        (
            [
                Submit(number=1, step=1, at=NOW - DAY),
                Lose(number=1, step=2, reason="?"),
                Abandon(number=1, step=3),
            ],
            True,
        ),
        ([Submit(number=1, step=1, at=NOW - DAY), TakeBack(number=1, step=2, reason="429")], False),
        (
            [
                Submit(number=1, step=1, at=NOW - DAY),
                Refuse(number=1, step=2, reason="bad", recipients=1),
            ],
            False,
        ),
    ],
)
async def test_who_may_have_been_sent_it_counts_and_who_certainly_was_not_does_not(
    moves: list[Move], left_out: bool
) -> None:
    journal = journal_now()
    await sent(journal, "other", [number(0)], *moves)

    assert ((await to_all(journal)).plan.suppressed == 1) is left_out


async def test_a_test_counts_for_nobody_and_leaves_nobody_out() -> None:
    journal = journal_now()
    await sent(journal, "test", [number(0)], *accepted(NOW - DAY, 1), test=True)
    await sent(journal, "real", [number(1)], *accepted(NOW - DAY, 1))

    assert (await to_all(journal, 2)).numbers == [number(0)]
    trial = PlanOptions(not_within=3 * DAY, test_to=[number(1)])
    assert (await planned([person(5)], options=trial, journal=journal_now())).plan.ready == 1


async def test_the_campaigns_that_a_retry_is_of_keep_nobody_out() -> None:
    journal = journal_now()
    await sent(journal, "failed", [number(0)], *accepted(NOW - DAY, 1))
    await sent(journal, "other", [number(1)], *accepted(NOW - DAY, 1))

    found = await people_sent_to(journal, since=NOW - 3 * DAY, besides={"failed"})

    assert list(found.held([identity(number(n)) for n in range(3)])) == [identity(number(1))]


async def test_after_a_purge_people_are_still_known_and_their_numbers_are_not() -> None:
    journal = journal_now()
    await sent(journal, "gone", [number(0), number(2)], *accepted(NOW - 2 * DAY, 2))
    await journal.purge("gone")

    made = await to_all(journal)
    kept = await journal.purged_people(NOW - 3 * DAY)

    assert made.numbers == [number(1), number(3)]
    assert made.plan.notes == ()
    hashes = {each for page in kept.pages for each in page}
    assert len(hashes) == 2
    assert hashes.isdisjoint({identity(number(0)), identity(number(2))})
    assert await people_keys(journal, since=NOW - DAY) == []


async def people_keys(journal: Journal, *, since: float) -> list[int]:
    found = await people_sent_to(journal, since=since)
    return list(found.held([identity(number(n)) for n in range(9)]))


async def test_a_purge_that_leaves_no_hashes_is_said_by_the_plan() -> None:
    journal = journal_now()
    await sent(journal, "gone", [number(0), number(2)], *accepted(NOW - 2 * DAY, 2))
    await journal.purge("gone", hashes=False)

    made = await to_all(journal)

    assert made.plan.ready == 4
    (note,) = made.plan.notes
    assert note.startswith("purged campaigns left no hash of some people (2)")


async def test_hashes_are_forgotten_with_their_secret_when_somebody_says_so_or_their_time_is_over() -> None:
    clock = ManualClock(start=0.0)
    journal = MemoryJournal(clock=clock)
    for name in ("one", "two"):
        await sent(journal, name, [number(0)], *accepted(NOW - DAY, 1))
    await journal.purge("one")
    before = await journal.purged_people(0.0)
    await clock.advance(91 * DAY)
    await journal.purge("two")

    after = await journal.purged_people(0.0)

    assert sum(map(len, before.packed)) == 8
    assert (after.secret, after.packed) == (b"", ())
    await sent(journal, "three", [number(0)], *accepted(NOW + 90 * DAY, 1))
    await journal.purge("three")
    again = await journal.purged_people(0.0)
    assert again.secret not in (b"", before.secret)
    await journal.forget_hashes()
    assert await journal.purged_people(0.0) == PurgedPeople()


async def test_who_opted_out_or_is_on_a_list_is_left_out_for_that() -> None:
    journal = journal_now()
    await sent(journal, "lately", [number(0), number(1)], *accepted(NOW - DAY, 2))
    options = PlanOptions(not_within=3 * DAY, suppress=[number(1), number(2)])

    made = await to_all(journal, options=options)

    assert [reason for _, reason, _ in made.reasons] == ["sent to lately", "suppressed", "suppressed"]
    assert made.plan.suppressed == 3


@pytest.mark.parametrize("within", [0.0, -1.0, 91 * DAY, float("nan")])
def test_a_time_is_one_of_up_to_90_days(within: float) -> None:
    with pytest.raises(InvalidInput, match="up to 90 days"):
        PlanOptions(not_within=within)


CAMPAIGN = st.tuples(
    st.lists(st.integers(0, 8), min_size=1, max_size=4, unique=True), st.floats(0.0, 8 * DAY), st.booleans()
)


@settings(deadline=None, max_examples=25)
@given(st.lists(CAMPAIGN, max_size=5))
async def test_a_purge_changes_nobody_s_answer_but_within_an_hour(
    campaigns: list[tuple[list[int], float, bool]],
) -> None:
    journal = journal_now()
    for place, (people, ago, _) in enumerate(campaigns):
        await sent(journal, f"c{place}", list(map(number, people)), *accepted(NOW - ago, len(people)))
    before = set(await people_keys(journal, since=NOW - 3 * DAY))
    wider = set(await people_keys(journal, since=NOW - 3 * DAY - 3_600))
    for place, (_, _, purged) in enumerate(campaigns):
        if purged:
            await journal.purge(f"c{place}")

    after = set(await people_keys(journal, since=NOW - 3 * DAY))

    assert before <= after <= wider
