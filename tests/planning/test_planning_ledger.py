"""Nobody who wants no more is in a plan, in any spelling, unless it is said in so many words."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import UnusableSource
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.identity import identity
from keebai_async.model.opt_outs import ConsentWord, OptOutCount, OptOutSource
from keebai_async.planning.opt_outs import OptOutWatch, all_opted_out, count_opted_out, people_opted_out
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.suppress import suppressed_people
from tests.planning.made import PLAIN, person, planned

WORD = OptOutSource.WORD

argentina = st.from_regex(re.compile(r"(11|351|2966)[4-6][0-9]{6}", re.ASCII), fullmatch=True).map(
    lambda rest: (f"+549{rest}", f"+54{rest}")
)
mexico = st.from_regex(re.compile(r"(55|33|81)[1-9][0-9]{7}", re.ASCII), fullmatch=True).map(
    lambda rest: (f"+521{rest}", f"+52{rest}")
)
brazil = st.from_regex(re.compile(r"(11|21|85)[6-9][0-9]{7}", re.ASCII), fullmatch=True).map(
    lambda rest: (f"+55{rest[:2]}9{rest[2:]}", f"+55{rest}")
)
others = st.sampled_from(["+56912345678", "+573001234567", "+34600123456"]).map(lambda one: (one, one))
mobiles = st.one_of(argentina, mexico, brazil, others)
phones = st.lists(mobiles, min_size=2, max_size=12, unique_by=max)


def stop(number: str, *, at: float = 1.0, source: OptOutSource = WORD) -> ConsentWord:
    return ConsentWord(key=identity(number), stop=True, source=source, at=at)


def resume(number: str, *, at: float) -> ConsentWord:
    return ConsentWord(key=identity(number), stop=False, source=WORD, at=at)


async def journal_with(*words: ConsentWord) -> MemoryJournal:
    journal = MemoryJournal()
    await journal.say(words)
    return journal


@st.composite
def lists_and_opt_outs(draw: st.DrawFn) -> tuple[list[str], list[tuple[str, str]], list[str]]:
    """The numbers of a list, people who opted out (in both spellings), and how they are spelled there."""
    people = draw(phones)
    out = draw(st.lists(st.sampled_from(people), max_size=len(people) - 1, unique=True))
    numbers = [draw(st.sampled_from(both)) for both in (*people, *out)]
    return numbers, out, [draw(st.sampled_from(both)) for both in out]


@given(story=lists_and_opt_outs())
@settings(max_examples=60, deadline=None)
async def test_nobody_in_the_ledger_is_in_a_plan_s_bytes_in_any_spelling(
    story: tuple[list[str], list[tuple[str, str]], list[str]],
) -> None:
    numbers, out, spelled = story
    journal = await journal_with(*map(stop, spelled))
    rows = [{"to": each} for each in numbers]

    try:
        made = await planned(rows, PLAIN, journal=journal)
    except UnusableSource:  # some of these are no numbers of their countries
        return

    bytes_of_plan = "".join(str(number) for number in made.numbers)
    assert not any(number in bytes_of_plan for both in out for number in both)
    assert {identity(str(number)) for number in made.numbers}.isdisjoint(identity(both[0]) for both in out)
    left_out = [each for each in made.rejections if each.reason == "suppressed"]
    assert made.plan.suppressed == len(left_out)
    barred = {identity(each.number) for each in left_out}
    assert sum(each.people for each in made.plan.opted_out) == len(barred)


async def test_a_plan_says_how_it_is_known_and_since_when() -> None:
    one, two, three, four = (str(person(number)["to"]) for number in range(1, 5))
    journal = await journal_with(
        stop(one, at=50.0),
        stop(two, at=40.0),
        stop(three, at=30.0, source=OptOutSource.CODE),
        stop(four, at=20.0),
        resume(four, at=21.0),
        stop("+5491100000099", at=1.0),
    )
    made = await planned([person(number) for number in range(1, 6)], journal=journal)

    assert made.numbers == [person(4)["to"], person(5)["to"]]
    assert made.plan.opted_out == (
        OptOutCount(source=OptOutSource.CODE, people=1, since=30.0),
        OptOutCount(source=WORD, people=2, since=40.0),
    )
    assert made.plan.opt_outs_ignored is None
    assert {each.detail for each in made.rejections} == {"opted out: see keebai-async optouts list"}


async def test_it_is_turned_off_in_so_many_words_and_the_plan_says_so() -> None:
    journal = await journal_with(*(stop(str(person(number)["to"])) for number in (1, 2)))
    options = PlanOptions(ignore_opt_outs=True, suppress=[str(person(2)["to"])])

    made = await planned([person(number) for number in range(1, 4)], options=options, journal=journal)

    assert made.numbers == [person(1)["to"], person(3)["to"]]
    assert made.plan.opt_outs_ignored == 1
    assert sum(each.people for each in made.plan.opted_out) == 2


async def test_who_is_on_a_list_and_in_the_ledger_is_left_out_once() -> None:
    journal = await journal_with(stop(str(person(1)["to"])))
    options = PlanOptions(suppress=[str(person(1)["to"])])

    made = await planned([person(1), person(2), person(1)], options=options, journal=journal)

    assert (made.plan.suppressed, made.plan.opted_out[0].people) == (2, 1)
    assert made.plan.suppress_lists[0].in_list == 1


async def test_a_limit_is_of_those_who_are_left() -> None:
    journal = await journal_with(stop(str(person(1)["to"])))
    options = PlanOptions(limit=3, suppress=[str(person(3)["to"])])

    made = await planned([person(n) for n in range(1, 9)], options=options, journal=journal)

    assert made.numbers == [person(2)["to"], person(4)["to"], person(5)["to"]]


async def test_where_everybody_opted_out_there_is_no_plan() -> None:
    journal = await journal_with(stop(str(person(1)["to"])))

    with pytest.raises(UnusableSource, match="opted out"):
        await planned([person(1)], journal=journal)


async def test_the_whole_ledger_is_read_a_page_at_a_time() -> None:
    numbers = [f"+54911{number:08}" for number in range(3_000)]
    journal = await journal_with(*map(stop, numbers))
    await journal.say([resume(numbers[0], at=2.0)])
    keys = set(map(identity, numbers[1:]))

    assert set(await people_opted_out(journal)) == keys
    assert {each.key async for each in all_opted_out(journal)} == keys
    assert (await count_opted_out(map(identity, numbers), journal))[0].people == 2_999


async def test_a_run_sees_who_opts_out_and_who_comes_back_while_it_goes_on() -> None:
    numbers = [f"+54911{number:08}" for number in range(3)]
    items = b'[{"to":"%s"},{"to":"%s"},{"to":"%s"}]' % tuple(map(str.encode, numbers))
    journal = await journal_with(stop(numbers[1]))
    watch = OptOutWatch(journal)

    first = await watch.look()
    assert watch.places(items) == [1]
    assert await watch.look() == first
    await journal.say([stop("+5215512345678")])
    await journal.say([stop(numbers[2]), resume(numbers[1], at=2.0)])
    assert await watch.look() == first + 1
    assert watch.places(items) == [2]
    await journal.say([stop(numbers[1], at=3.0)])
    await watch.look()
    assert watch.places(items) == [1, 2]


async def test_what_is_written_of_the_ledger_is_read_as_a_list_of_those_who_must_get_nothing() -> None:
    numbers = ["+5491155550101", "+5215512345678", "+5511998765432", "+56912345678"]
    journal = await journal_with(*map(stop, numbers))

    (people,) = await suppressed_people([[each.number async for each in all_opted_out(journal)]])

    assert set(people.keys) == set(map(identity, numbers))
