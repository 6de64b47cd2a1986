"""From a list of people to a frozen plan."""

import asyncio
import math
from collections import defaultdict
from collections.abc import AsyncIterator, Iterator
from contextlib import suppress
from datetime import date
from decimal import Decimal

import anyio
import msgspec
import pytest

from keebai_async.errors import JournalUnusable, TemplateUnusable, UnusableSource
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Reason, Recipient, Rejection
from keebai_async.model.template import Template
from keebai_async.planning.dedupe import Deduper
from keebai_async.planning.plan import PlanOptions, make_plan
from keebai_async.sources import open_source
from tests.planning.made import PLAIN, PROMO, SENDER, flat, person, planned


async def test_people_in_the_service_s_own_shape_go_as_they_are() -> None:
    made = await planned([person(1) | {"meta_data": {"order": 17}}, person(2)])

    assert made.people == [person(1) | {"meta_data": {"order": 17}}, person(2)]
    assert made.rejections == []


async def test_flat_rows_become_the_same_people() -> None:
    made = await planned([flat(1, meta_order="A-17", segment="gold"), flat(2, meta_order="A-18", segment="")])

    assert made.people == [
        person(1) | {"meta_data": {"order": "A-17"}},
        person(2) | {"meta_data": {"order": "A-18"}},
    ]
    assert made.plan.ignored_columns == ("segment",)


async def test_recipients_and_dicts_may_be_mixed() -> None:
    recipient = Recipient(to="+5491100000001", variables={"nombre": "Ana", "saldo": "1"}, meta_data={"n": 1})

    made = await planned([recipient, person(2), flat(3)])

    assert made.people == [
        {
            "to": "+5491100000001",
            "variables": {"nombre": "Ana", "saldo": "1"},
            "meta_data": {"n": 1},
        },
        person(2),
        person(3),
    ]


async def test_a_template_without_variables_needs_only_numbers() -> None:
    made = await planned([{"to": "+5491100000001"}, {"to": "+5491100000002", "variables": {}}], PLAIN)

    assert made.people == [{"to": "+5491100000001"}, {"to": "+5491100000002"}]


async def test_chunks_are_full_but_the_last() -> None:
    made = await planned([person(n) for n in range(1_234)], options=PlanOptions(chunk_size=500))

    assert made.plan.chunks == (500, 500, 234)
    assert made.people == [person(n) for n in range(1_234)]


async def test_one_person_in_several_spellings_is_messaged_once() -> None:
    rows = [person(1), person(2), person(1) | {"to": " +54 1100000001".replace(" ", "")}, person(2)]

    made = await planned(rows)

    assert made.numbers == ["+5491100000001", "+5491100000002"]
    assert [(out.row, out.repeats_row) for out in made.rejections] == [(3, 1), (4, 2)]
    assert made.plan.duplicates == 2


async def test_a_duplicate_far_away_names_the_row_it_repeats() -> None:
    bad = person(9_999_999) | {"to": "12"}
    rows = [person(n) for n in range(300)] + [bad] + [person(n) for n in range(300, 600)]

    made = await planned([*rows, person(299), person(300), person(599)])

    duplicates = [(out.row, out.repeats_row) for out in made.rejections if out.reason is Reason.DUPLICATE]
    assert duplicates == [(602, 300), (603, 302), (604, 601)]
    assert "row 302" in made.rejections[2].detail


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, Reason.BLANK_VARIABLE),
        ("", Reason.BLANK_VARIABLE),
        ("  ", Reason.BLANK_VARIABLE),
        ("\u3000", Reason.BLANK_VARIABLE),
        (math.nan, Reason.BLANK_VARIABLE),
        ("a\nb", Reason.BAD_VARIABLE),
        ("a\rb", Reason.BAD_VARIABLE),
        ("a\u2028b", Reason.BAD_VARIABLE),
        ("a\tb", Reason.BAD_VARIABLE),
        ("a     b", Reason.BAD_VARIABLE),
        ("a\x00b", Reason.BAD_VARIABLE),
        ("a\ud800b", Reason.BAD_VARIABLE),
        ("a" * 1_025, Reason.LONG_VARIABLE),
        (["a"], Reason.BAD_VARIABLE),
        ({"a": 1}, Reason.BAD_VARIABLE),
        (b"bytes", Reason.BAD_VARIABLE),
        ("5.49E+12", Reason.SPREADSHEET_NUMBER),
        ("6.461801104e+17", Reason.SPREADSHEET_NUMBER),
    ],
)
async def test_a_value_that_whatsapp_refuses_is_rejected_with_its_row_and_field(
    value: object, reason: Reason
) -> None:
    for row in (person(2, saldo=value), flat(2, saldo=value)):
        made = await planned([person(1), row, person(3)])

        assert made.reasons == [(2, reason.value, "saldo")]
        assert made.people == [person(1), person(3)]


@pytest.mark.parametrize(
    ("value", "rendered"),
    [
        (5, "5"),
        (date(2026, 1, 2), "2026-01-02"),
        (12.5, "12.5"),
        (True, "true"),
        (Decimal("12.50"), "12.50"),
        ("007", "007"),
        ("+5", "+5"),
        ("a" * 1_024, "a" * 1_024),
        ("a    b", "a    b"),
        ("1\u00a0000", "1\u00a0000"),
        ("👨\u200d👩\u200d👧 Ñandú", "👨\u200d👩\u200d👧 Ñandú"),
        ("| a || b |", "| a || b |"),
    ],
)
async def test_what_can_be_rendered_is_rendered(value: object, rendered: str) -> None:
    for row in (person(2, saldo=value), flat(2, saldo=value)):
        made = await planned([person(1), row])

        assert made.people == [person(1), person(2, saldo=rendered)]


@pytest.mark.parametrize(
    ("to", "reason"),
    [
        ("", Reason.NO_NUMBER),
        (None, Reason.NO_NUMBER),
        ("  ", Reason.NO_NUMBER),
        ("01155555555", Reason.BAD_NUMBER),
        ("+0111555555", Reason.BAD_NUMBER),
        ("+5491155555555\n+5491155555556", Reason.BAD_NUMBER),
        ("+549115555555O", Reason.BAD_NUMBER),
        ("+1_2015550123", Reason.BAD_NUMBER),
        ("5.49116E+12", Reason.SPREADSHEET_NUMBER),
        (["+5491155555555"], Reason.BAD_NUMBER),
    ],
)
async def test_a_number_not_in_e164_is_rejected(to: object, reason: Reason) -> None:
    for row in (person(2) | {"to": to}, flat(2) | {"to": to}):
        made = await planned([person(1), row, person(3)])

        assert made.reasons == [(2, reason.value, "to")]
        assert str(to) not in made.rejections[0].detail or not to


async def test_the_blanks_around_a_number_are_not_part_of_it() -> None:
    assert (await planned([person(1) | {"to": " +5491100000001\t"}])).numbers == ["+5491100000001"]


async def test_a_national_number_is_told_of_the_extra_that_reads_it() -> None:
    made = await planned([person(1), person(2) | {"to": "011 15-5555-1111"}])

    assert "keebai-async[phones]" in made.rejections[0].detail
    assert "--default-region" in made.rejections[0].detail


async def test_missing_and_extra_variables() -> None:
    without = {"to": "+5491100000002", "variables": {"nombre": "Ana"}}

    made = await planned([person(1), without, person(3, sobra="x")])

    assert made.reasons == [(2, "missing variable", "saldo"), (3, "extra variable", "sobra")]


async def test_extra_variables_can_be_left_out() -> None:
    made = await planned([person(1, sobra="x")], options=PlanOptions(extra_variables="drop"))

    assert made.people == [person(1)]


@pytest.mark.parametrize("meta_data", ["text", [1], 5, {"a": object()}])
async def test_meta_data_that_cannot_be_sent_is_rejected(meta_data: object) -> None:
    made = await planned([person(1), person(2) | {"meta_data": meta_data}, person(3)])

    assert made.reasons == [(2, "bad meta_data", "meta_data")]
    assert made.numbers == ["+5491100000001", "+5491100000003"]


@pytest.mark.parametrize("row", ["+5491155555555", 5, None, ["to"]])
async def test_a_row_that_is_no_row_is_rejected(row: object) -> None:
    assert (await planned([person(1), row])).reasons == [(2, "bad row", "")]


async def test_a_rejection_holds_the_row_as_it_was_read() -> None:
    made = await planned([person(1), flat(2, saldo=None, edad=30)])

    assert made.rejections[0].columns == {"to": "+5491100000002", "nombre": "Persona 2", "edad": "30"}
    assert made.rejections[0].to == "+5491100000002"


async def test_a_dict_with_defaults_is_read_and_left_as_it_was() -> None:
    variables = [defaultdict(str, nombre="Ana", otra="x"), defaultdict(str, nombre="Ana", saldo="1")]
    rows = [defaultdict(str, to=f"+549110000000{n}", variables=each) for n, each in enumerate(variables)]
    short = [defaultdict(str, to="+5491100000007", nombre="Ana")]

    made = await planned(rows)
    made_of_short = await planned([*short, flat(8)])

    assert made.numbers == ["+5491100000001"]
    assert made.reasons == [(1, "missing variable", "saldo")]
    assert made_of_short.reasons == [(1, "missing variable", "saldo")]
    assert variables[0] == {"nombre": "Ana", "otra": "x"}
    assert short[0] == {"to": "+5491100000007", "nombre": "Ana"}


async def test_planning_stops_if_somebody_would_be_in_it_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    journal = MemoryJournal()
    monkeypatch.setattr(Deduper, "again", lambda self, keys: [])  # as if it did not notice

    with pytest.raises(RuntimeError, match="twice"):
        await planned([person(1), person(1)], journal=journal)

    assert await journal.campaigns() == []


async def test_columns_can_have_other_names() -> None:
    rows = [{"telefono": "+5491100000001", "cliente": "Ana", "saldo": "1", "to": "not this one"}]

    made = await planned(rows, columns={"to": "telefono", "nombre": "cliente"})

    assert made.people == [{"to": "+5491100000001", "variables": {"nombre": "Ana", "saldo": "1"}}]
    assert made.plan.ignored_columns == ("to",)


async def test_a_template_may_name_its_variables_as_it_likes() -> None:
    positional = Template(
        name="pos", language="es", status="APPROVED", parameter_format="POSITIONAL", variables=("1", "class")
    )
    row = {"to": "+5491100000001", "variables": {"class": "b", "1": "a"}}

    assert (await planned([row], positional)).people == [row]


async def test_a_positional_template_that_lists_no_variables_asks_for_those_of_its_text() -> None:
    body = msgspec.Raw(b'{"type":"BODY","text":"Hola {{1}}, tu turno es a las {{ 2 }}, {{1}}."}')
    turno = Template(
        name="turno", language="es", status="APPROVED", parameter_format="POSITIONAL", components=(body,)
    )
    rows = [
        {"to": "+5491100000001", "1": "Ana", "2": "9"},
        {"to": "+5491100000002", "variables": {"1": "Luz", "2": "10"}},
        {"to": "+5491100000003", "variables": {}},
    ]

    made = await planned(rows, turno)

    assert [row["variables"] for row in made.people] == [{"1": "Ana", "2": "9"}, {"1": "Luz", "2": "10"}]
    assert made.reasons == [(3, "missing variable", "1")]
    assert made.plan.preview == "Hola Ana, tu turno es a las 9, Ana."


async def test_rows_need_not_have_the_same_meta_columns() -> None:
    rows = [flat(1, meta_a=1, meta_b=2), flat(2, meta_b="x"), flat(3), flat(4, meta_c=None, meta_a=4)]

    made = await planned(rows)

    assert [row.get("meta_data") for row in made.people] == [
        {"a": 1, "b": 2},
        {"b": "x"},
        None,
        {"a": 4, "c": None},
    ]


async def test_only_the_first_ready_people_are_taken() -> None:
    rows = [
        person(1),
        person(2) | {"to": "x"},
        person(3),
        person(1),
        person(4),
        person(5) | {"to": "y"},
        person(6),
    ]

    made = await planned(rows, options=PlanOptions(limit=3))

    assert made.numbers == ["+5491100000001", "+5491100000003", "+5491100000004"]
    assert (made.plan.read, made.plan.rejected, made.plan.duplicates) == (5, 1, 1)


async def test_the_list_ends_with_the_last_who_is_taken_also_where_nobody_comes_after() -> None:
    rows = [person(1), person(2), person(2), person(3) | {"to": "x"}]

    made = await planned(rows, options=PlanOptions(limit=2))

    assert (made.plan.read, made.plan.rejected, made.plan.duplicates) == (2, 0, 0)


async def test_the_fingerprint_is_of_what_would_be_sent() -> None:
    rows = [person(n) for n in range(30)]

    one = await planned(rows)
    same = await planned([flat(n, segment="x") for n in range(30)], options=PlanOptions(chunk_size=7))
    other = await planned([*rows, person(30)])

    assert one.plan.fingerprint == same.plan.fingerprint != other.plan.fingerprint


async def test_the_plan_keeps_three_examples_of_each_reason() -> None:
    made = await planned([person(1), *(person(n) | {"to": "x"} for n in range(2, 40)), person(1)])

    bad, duplicate = made.plan.reasons
    assert (bad.count, [example.row for example in bad.examples]) == (38, [2, 3, 4])
    assert (duplicate.count, duplicate.examples[0].repeats_row) == (1, 1)


async def test_nobody_left_says_why_and_leaves_nothing_behind() -> None:
    journal = MemoryJournal()

    with pytest.raises(UnusableSource, match="of the 3 in the list is left: 2 bad number, 1 no number"):
        await planned([flat(1) | {"to": to} for to in ("x", "", "y")], journal=journal)

    assert await journal.campaigns() == []


async def test_an_empty_list_is_nobody() -> None:
    with pytest.raises(UnusableSource, match="nobody"):
        await planned([])


async def test_a_template_that_is_not_approved_stops_the_plan() -> None:
    paused = msgspec.structs.replace(PROMO, status="PAUSED")

    with pytest.raises(TemplateUnusable, match="PAUSED"):
        await planned([person(1)], paused)


class Full(MemoryJournal):
    """A journal whose disk is full from the second chunk on; it remembers what it was told to forget."""

    def __init__(self) -> None:
        super().__init__()
        self.discarded: list[str] = []

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        if number == 2:
            raise JournalUnusable("disk full")
        await super().add_chunk(campaign_id, number, recipients, items)

    async def discard(self, campaign_id: str) -> None:
        self.discarded.append(campaign_id)
        await super().discard(campaign_id)


async def test_a_journal_that_fails_forgets_the_plan() -> None:
    journal = Full()

    with pytest.raises(JournalUnusable):
        await planned([person(n) for n in range(50)], options=PlanOptions(chunk_size=10), journal=journal)

    assert journal.discarded == ["promo-1"]


async def test_a_cancelled_plan_is_forgotten_and_its_source_closed() -> None:
    journal = Full()
    asked, closed = anyio.Event(), anyio.Event()

    async def endless() -> AsyncIterator[dict[str, object]]:
        try:
            yield person(1)
            asked.set()
            await anyio.sleep_forever()
        finally:
            closed.set()

    async def plan() -> Plan:
        return await make_plan(
            open_source(endless()),
            campaign_id="promo-1",
            name="Promo",
            template=PROMO,
            sender=SENDER,
            journal=journal,
            created_at=0.0,
            service="keebai",
            largest_chunk=5_000,
        )

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(plan)
        await asked.wait()
        tasks.cancel_scope.cancel()

    assert journal.discarded == ["promo-1"]
    assert closed.is_set()


@pytest.mark.parametrize("inside", [True, False], ids=["before freezing returned", "after it"])
async def test_a_plan_that_is_cancelled_once_it_is_frozen_stays_and_is_given_if_it_returned(
    inside: bool,
) -> None:
    given: list[Plan] = []
    with anyio.CancelScope() as scope:

        class Frozen(Full):
            async def freeze(self, *plans: Plan) -> None:
                await super().freeze(*plans)
                scope.cancel()
                if inside:
                    await anyio.sleep_forever()

        journal = Frozen()
        made = await make_plan(
            open_source([person(1)]),
            campaign_id="promo-1",
            name="Promo",
            template=PROMO,
            sender=SENDER,
            journal=journal,
            created_at=0.0,
            service="keebai",
            largest_chunk=5_000,
        )
        given.append(made)

    assert (scope.cancelled_caught, len(given)) == (inside, 0 if inside else 1)
    assert (await journal.load("promo-1")).plan.ready == 1


async def test_an_error_of_the_caller_s_generator_comes_out() -> None:
    journal = Full()

    def rows() -> Iterator[dict[str, object]]:
        yield person(1)
        raise LookupError("the database went away")

    with pytest.raises(LookupError, match="the database went away"):
        await planned(rows(), journal=journal)

    assert journal.discarded == ["promo-1"]


async def test_every_row_out_is_a_rejection_in_the_journal_and_in_order() -> None:
    rows = [person(n % 2_000) if n % 3 else person(n) | {"to": "x"} for n in range(5_000)]

    made = await planned(rows)

    assert [out.row for out in made.rejections] == sorted(out.row for out in made.rejections)
    assert len(made.rejections) == made.plan.rejected + made.plan.duplicates
    for out in made.rejections:
        assert isinstance(out, Rejection)
        if out.repeats_row is not None:
            assert rows[out.repeats_row - 1]["to"] == rows[out.row - 1]["to"]


async def test_who_changes_the_cells_of_an_example_changes_no_other_row() -> None:
    people = [flat(1), flat(1), flat(1), flat(2), flat(2)]
    journal = MemoryJournal()

    made = await planned(people, journal=journal)
    first, *others = made.plan.reasons[0].examples
    first.cells["to"] = "changed"

    assert [each.cells for each in others] == [{}, {}]
    kept = [rejection async for rejection in journal.rejections("promo-1")]
    kept[0].cells["to"] = "changed"
    assert kept[1].cells == {}
    again = await planned(people)
    assert [each.cells for each in again.plan.reasons[0].examples] == [{}, {}, {}]
    assert [each.cells for each in again.rejections] == [{}, {}, {}]


class Word(str):
    """Text of another class, such as numpy's."""

    __slots__ = ()


@pytest.mark.parametrize(
    "again",
    [
        person(1) | {"to": Word("+5491100000001")},
        flat(1) | {"to": Word("+5491100000001")},
        flat(1, foo=Word("x")),
        person(1) | {Word("foo"): Word("x")},
        person(1) | {"meta_data": {"a": Word("x")}},
        flat(1, meta_a=Word("x")),
    ],
)
async def test_text_of_another_class_is_text_also_in_who_is_left_out(again: dict[str, object]) -> None:
    made = await planned([person(1), again])

    assert (made.plan.ready, made.plan.duplicates) == (1, 1)
    (alone,) = (await planned([again])).chunks[0]
    assert alone["to"] == "+5491100000001"
    assert alone.get("meta_data", {"a": "x"}) == {"a": "x"}


async def test_a_key_of_half_a_character_is_bad_meta_data() -> None:
    made = await planned([flat(1, **{"meta_\ud800": "x"}), flat(2)])

    assert [rejection.reason for rejection in made.rejections] == [Reason.BAD_META_DATA]


async def test_a_plan_that_is_cancelled_in_any_round_is_forgotten() -> None:
    """It was kept where the last turns came after it was frozen: who was cancelled there never got it."""
    cancelled = 0
    for rounds in range(60):
        journal = MemoryJournal()
        task = asyncio.create_task(planned([person(1)], journal=journal))
        for _ in range(rounds):
            await asyncio.sleep(0)
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        if task.cancelled():
            cancelled += 1
            assert (await planned([person(1)], journal=journal)).plan.ready == 1
    assert 3 < cancelled < 60
