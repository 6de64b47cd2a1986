"""A list over several senders: read once, checked as a whole, and dealt to parts that are campaigns."""

from collections import Counter
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import CampaignNotFound, InvalidInput, JournalUnusable, PlanTooLarge
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.journal.parts import load_parts
from keebai_async.model.campaign import terms_of
from keebai_async.model.chunk import ChunkState
from keebai_async.model.hours import Hours
from keebai_async.model.identity import identity
from keebai_async.model.lifecycle import Accept, Submit
from keebai_async.model.opt_outs import ConsentWord, OptOutSource
from keebai_async.model.part import part_ids, whole_of
from keebai_async.model.plan import Guards, Pace, Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.sender import Sender
from keebai_async.planning.dealing import Dealer
from keebai_async.planning.options import PlanOptions
from keebai_async.planning.plan import make_plan
from keebai_async.planning.shares import DealtSender
from keebai_async.planning.written_before import WRITTEN_WITHIN, written_by
from keebai_async.sources import PeopleLike, open_source
from tests.planning.made import PROMO, person, planned

SENDERS = [Sender(phone_number_id=f"10000000000000{number}") for number in range(5)]
WHOLE = "promo-1a2b3c4d-x5"
NOW = 1_790_000_000.0
WORD = OptOutSource.WORD


class Dealt(msgspec.Struct, frozen=True):
    """A list over several senders as it was planned, and who stands in which part."""

    whole: Plan
    numbers: list[list[str]]
    """The numbers in each part, in their order."""
    rejections: list[Rejection]

    @property
    def owners(self) -> dict[int, str]:
        return {
            identity(number): plan.sender.id
            for plan, numbers in zip(self.whole.parts, self.numbers, strict=True)
            for number in numbers
        }


async def dealt(
    people: PeopleLike,
    journal: MemoryJournal | None = None,
    *,
    whole: str = WHOLE,
    senders: list[Sender] = SENDERS,
    options: PlanOptions | None = None,
    **more: float,
) -> Dealt:
    journal = journal or MemoryJournal()
    plan = await make_plan(
        open_source(people),
        campaign_id=whole,
        name="Promo marzo",
        template=PROMO,
        sender=senders[0],
        journal=journal,
        created_at=more.get("now", NOW),
        service="keebai",
        largest_chunk=5_000,
        options=options or PlanOptions(),
        shares=[DealtSender(sender=sender) for sender in senders],
        written=await written_by(senders, journal, service="keebai", now=more.get("now", NOW)),
    )
    parts = await load_parts(journal, whole)
    assert tuple(part.plan for part in parts) == plan.parts
    numbers = [
        [
            str(each["to"])
            for chunk in part.chunks
            for each in msgspec.json.decode(
                await journal.items(part.plan.campaign_id, chunk.number), type=list[dict[str, object]]
            )
        ]
        for part in parts
    ]
    return Dealt(plan, numbers, [each async for each in journal.rejections(part_ids(whole)[0])])


row = st.one_of(
    st.integers(11_000_000, 11_000_060).map(lambda number: {**person(number)}),
    st.integers(11_000_000, 11_000_060).map(lambda number: {**person(number), "to": f"+5411{number:08}"}),
    st.just({"to": "not a number"}),
    st.just({"to": "+5491111111111", "variables": {"nombre": ""}}),
)


@given(st.lists(row, min_size=1, max_size=40), st.integers(1, 5))
@settings(deadline=None, max_examples=30)
async def test_parts_hold_whom_one_sender_would_hold_each_once_and_reject_the_same_rows(
    people: list[dict[str, object]], senders: int
) -> None:
    try:
        alone = await planned(people, marks=False)
    except Exception as error:  # nobody is left: then it is the same for several
        with pytest.raises(type(error)):
            await dealt(people, whole=f"promo-1a2b3c4d-x{senders}", senders=SENDERS[:senders])
        return

    several = await dealt(people, whole=f"promo-1a2b3c4d-x{senders}", senders=SENDERS[:senders])

    everybody = [number for numbers in several.numbers for number in numbers]
    assert sorted(everybody) == sorted(str(number) for number in alone.numbers)
    assert len({identity(number) for number in everybody}) == len(everybody)
    assert several.rejections == alone.rejections
    place = {number: at for at, number in enumerate(alone.numbers)}
    assert all(numbers == sorted(numbers, key=place.__getitem__) for numbers in several.numbers)


async def test_the_whole_is_the_sum_of_its_parts_and_each_of_them_adds_up() -> None:
    people: list[dict[str, object]] = [person(number) for number in range(11_000_000, 11_000_300)]
    people += [person(11_000_007), {"to": "nobody"}, person(11_000_008)]

    found = await dealt(people, options=PlanOptions(suppress=[["+5491111000009"]]))

    whole = found.whole
    assert (whole.read, whole.ready, whole.duplicates, whole.rejected, whole.suppressed) == (
        303,
        299,
        2,
        1,
        1,
    )
    assert (whole.campaign_id, whole.name, whole.first_row, whole.last_row) == (WHOLE, "Promo marzo", 1, 303)
    assert sum(whole.chunks) == 299
    assert [(country.region, country.people) for country in whole.countries] == [("AR", 299)]
    for number, part in enumerate(whole.parts, start=1):
        assert part.read == part.ready + part.duplicates + part.rejected + part.suppressed
        assert part.ready == sum(part.chunks) == sum(country.people for country in part.countries)
        assert (part.campaign_id, part.name) == (f"{WHOLE}-{number}", f"Promo marzo {number}/5")
        assert (whole_of(part.campaign_id), part.sender) == (WHOLE, SENDERS[number - 1])
    assert [part.rejected for part in whole.parts] == [1, 0, 0, 0, 0]
    assert sum(part.ready for part in whole.parts) == 299
    # The rows of a part are not those of neighbours in the list, so none can be counted from its first.
    assert {(part.first_row, part.last_row, part.gaps) for part in whole.parts} == {(0, 0, ())}


@pytest.mark.parametrize("ignore", [False, True])
async def test_who_opted_out_is_left_out_of_every_part_unless_somebody_said_otherwise(ignore: bool) -> None:
    people = [person(number) for number in range(11_000_000, 11_000_100)]
    journal = MemoryJournal()
    out = [
        ConsentWord(key=identity(str(each["to"])), stop=True, source=WORD, at=1.0) for each in people[::10]
    ]
    await journal.say(out)

    found = await dealt(people, journal, options=PlanOptions(ignore_opt_outs=ignore))

    assert len(found.owners) == (100 if ignore else 90)
    # Each part runs on its own: what it says of opt-outs decides whether it looks for them again.
    assert [part.opt_outs_ignored for part in found.whole.parts] == (
        [10, 0, 0, 0, 0] if ignore else [None] * 5
    )
    assert {terms_of(part).ignore_opt_outs for part in found.whole.parts} == {ignore}
    assert found.whole.opt_outs_ignored == (10 if ignore else None)


async def test_what_a_limit_leaves_is_counted_once() -> None:
    people = [person(number) for number in range(11_000_000, 11_000_200)]

    found = await dealt(people, options=PlanOptions(limit=30))

    assert found.whole.not_looked_at == 170
    assert [part.not_looked_at for part in found.whole.parts] == [170, 0, 0, 0, 0]


async def test_people_are_dealt_by_what_a_sender_is_called_as_in_all_versions() -> None:
    """Else the same list would come from other numbers after an upgrade."""
    senders = [Sender(phone_number_id="7"), Sender(channel_id="7"), Sender(channel_id="8")]
    people = [person(number) for number in range(11_000_000, 11_000_060)]
    keys = [identity(str(each["to"])) for each in people]

    found = await dealt(people, whole="promo-1a2b3c4d-x3", senders=senders)

    places = Dealer(["phone_number_id 7", "channel_id 7", "channel_id 8"]).deal(keys)
    assert found.numbers == [[people[place]["to"] for place in part] for part in places]


async def test_each_part_says_of_which_countries_its_people_are() -> None:
    people = [person(number) for number in range(11_000_000, 11_000_060)]
    people += [{**each, "to": f"+521555555{number:04}"} for number, each in enumerate(people[:40])]

    found = await dealt(people)

    of_parts = Counter[str]()
    for part in found.whole.parts:
        most_first = sorted(part.countries, key=lambda country: -country.people)
        assert list(part.countries) == most_first
        of_parts.update({country.region: country.people for country in part.countries})
    assert of_parts == {"AR": 60, "MX": 40}
    assert {country.region: country.people for country in found.whole.countries} == of_parts


async def test_countries_with_as_many_people_come_in_the_order_of_their_names() -> None:
    people = [person(11_000_000), {**person(11_000_001), "to": "+5215555550000"}]

    found = await dealt([*reversed(people)], whole="promo-1a2b3c4d-x1", senders=SENDERS[:1])

    assert [country.region for country in found.whole.parts[0].countries] == ["AR", "MX"]


async def test_a_list_that_grows_and_is_shuffled_is_dealt_as_before() -> None:
    people = [person(number) for number in range(11_000_000, 11_000_200)]
    before = await dealt(people)

    more = [person(number) for number in range(12_000_000, 12_000_100)]
    after = await dealt([*reversed(people), *more])

    assert before.owners.items() <= after.owners.items()


async def test_a_canary_is_dealt_too_and_each_sender_is_tried_on_one_person_at_least() -> None:
    people = [person(number) for number in range(11_000_000, 11_000_400)]

    found = await dealt(people, options=PlanOptions(guards=Guards(canary=12, stop_above=0.1)))
    tiny = await dealt(people, options=PlanOptions(guards=Guards(canary=1)))

    assert [part.guards.canary for part in found.whole.parts] == [3, 3, 2, 2, 2]
    assert [part.chunks[0] for part in found.whole.parts] == [3, 3, 2, 2, 2]
    assert found.whole.guards == Guards(canary=12, stop_above=0.1)
    assert [part.chunks[0] for part in tiny.whole.parts] == [1, 1, 1, 1, 1]


async def test_a_pace_is_that_of_all_senders_together() -> None:
    people = [person(number) for number in range(11_000_000, 11_000_400)]

    found = await dealt(people, options=PlanOptions(pace=Pace.parse("102/10m")))

    assert [part.pace and part.pace.people for part in found.whole.parts] == [21, 21, 20, 20, 20]
    assert all(max(part.chunks) <= 21 for part in found.whole.parts)
    assert found.whole.pace == Pace.parse("102/10m")
    with pytest.raises(InvalidInput, match="4 people are less than one for each of 5 senders"):
        await dealt(people, options=PlanOptions(pace=Pace.parse("4/10m")))


async def test_people_an_hour_and_a_day_are_those_of_all_senders_together() -> None:
    people = [person(number) for number in range(11_000_000, 11_000_400)]

    found = await dealt(people, options=PlanOptions(per_hour=51, per_day=252))

    assert [part.per_hour for part in found.whole.parts] == [11, 10, 10, 10, 10]
    assert [part.per_day for part in found.whole.parts] == [51, 51, 50, 50, 50]
    assert all(max(part.chunks) <= 11 for part in found.whole.parts)
    assert (found.whole.per_hour, found.whole.per_day) == (51, 252)
    with pytest.raises(InvalidInput, match="per_hour: 4 people are less than one for each of 5"):
        await dealt(people, options=PlanOptions(per_hour=4))


async def test_what_limits_a_list_limits_the_whole_of_it(tmp_path: Path) -> None:
    people = [person(number) for number in range(11_000_000, 11_000_200)]
    with pytest.raises(PlanTooLarge):
        await dealt(people, options=PlanOptions(max_recipients=150))

    first = await dealt(people, options=PlanOptions(limit=30))

    assert first.whole.ready == 30
    assert first.owners.keys() == {identity(f"+5491111{number:06}") for number in range(30)}


async def test_a_sender_to_whom_nobody_falls_has_a_part_with_nobody() -> None:
    found = await dealt([person(11_000_000)])

    assert sorted(part.ready for part in found.whole.parts) == [0, 0, 0, 0, 1]
    assert found.whole.chunks == (1,)


class _FullDisk(MemoryJournal):
    async def freeze(self, *plans: Plan) -> None:
        raise JournalUnusable("the disk is full")


async def test_a_plan_that_cannot_be_kept_leaves_no_part_behind() -> None:
    journal = _FullDisk()

    with pytest.raises(JournalUnusable):
        await dealt([person(number) for number in range(11_000_000, 11_000_050)], journal)

    assert await journal.campaigns() == []
    with pytest.raises(CampaignNotFound):
        await load_parts(journal, WHOLE)


async def _send(journal: MemoryJournal, campaign_id: str, *, at: float) -> None:
    for chunk in (await journal.load(campaign_id)).chunks:
        async with journal.lease(campaign_id):
            await journal.record(campaign_id, Submit(number=chunk.number, step=1, at=at))
            accepted = Accept(number=chunk.number, step=2, accepted=chunk.recipients, broadcast_id=None)
            await journal.record(campaign_id, accepted)


async def test_who_was_written_to_by_one_of_the_senders_stays_with_it_and_by_the_last_of_two() -> None:
    journal = MemoryJournal()
    people = [person(number) for number in range(11_000_000, 11_000_090)]
    await dealt(people[:60], journal, whole="promo-00000001-x1", senders=[SENDERS[2]], now=NOW)
    await dealt(people[:30], journal, whole="promo-00000002-x1", senders=[SENDERS[4]], now=NOW + 60)
    for campaign_id in ("promo-00000001-x1-1", "promo-00000002-x1-1"):
        await _send(journal, campaign_id, at=NOW + 100)

    found = await dealt(people, journal, now=NOW + 3_600)
    later = await dealt(people, journal, whole="promo-9a2b3c4d-x5", now=NOW + 200 + WRITTEN_WITHIN)

    by = found.owners
    assert {by[identity(str(each["to"]))] for each in people[:30]} == {SENDERS[4].id}
    assert {by[identity(str(each["to"]))] for each in people[30:60]} == {SENDERS[2].id}
    assert len({by[identity(str(each["to"]))] for each in people[60:]}) > 2
    assert later.owners == (await dealt(people)).owners


async def test_who_was_only_planned_or_tested_was_written_to_by_nobody() -> None:
    journal = MemoryJournal()
    people = [person(number) for number in range(11_000_000, 11_000_060)]
    await dealt(people, journal, whole="promo-00000001-x1", senders=[SENDERS[2]])

    found = await dealt(people, journal)

    assert found.owners == (await dealt(people)).owners
    states = {chunk.state for part in await load_parts(journal, WHOLE) for chunk in part.chunks}
    assert states == {ChunkState.PLANNED}


async def test_each_part_knows_of_what_country_its_chunks_are() -> None:
    """Hours by country were planned over several senders, and could not be launched: no chunk had one."""
    numbers = [f"{code}{n:05}" for n in range(40) for code in ("+54911555", "+519876")]
    hours = Hours(opens="09:00", closes="20:00", zone="country")

    made = await dealt(
        [person(n) | {"to": number} for n, number in enumerate(numbers)],
        options=PlanOptions(hours=hours, chunk_size=4),
    )

    for part in made.whole.parts:
        people = Counter[str]()
        for country, size in zip(part.chunk_countries, part.chunks, strict=True):
            people[country] += size
        assert people == {each.region: each.people for each in part.countries}
        assert people.keys() == {"AR", "PE"}
    assert len(made.whole.parts) == 5
    together = tuple(country for part in made.whole.parts for country in part.chunk_countries)
    assert made.whole.chunk_countries == together
