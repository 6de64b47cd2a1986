"""What a caller can ask of a plan: local numbers, who not to message, limits, tests."""

from decimal import Decimal
from pathlib import Path

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput, PlanTooLarge
from keebai_async.model.plan import Guards
from keebai_async.planning import phone
from keebai_async.planning.dedupe import Deduper
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.text_checks import flatten
from tests.planning.made import PROMO, flat, person, planned

AR = PlanOptions(default_region="AR")


@pytest.mark.parametrize(
    ("spelling", "e164"),
    [
        ("011 15-5555-1111", "+5491155551111"),
        ("(0351) 15 333-3333", "+5493513333333"),
        ("+54 9 11 5555-5555", "+5491155555555"),
        ("0054 9 11 5555 5555", "+5491155555555"),
    ],
)
async def test_local_spellings_are_read_with_a_region(spelling: str, e164: str) -> None:
    made = await planned([person(1) | {"to": spelling}], options=AR)

    assert made.numbers == [e164]
    assert made.plan.notes[0].startswith("1 number in a local spelling was read")


async def test_an_international_spelling_needs_no_region() -> None:
    assert (await planned([person(1) | {"to": "+44 (0)20 7946 0958"}])).numbers == ["+442079460958"]


async def test_a_fixed_line_is_a_note_and_not_a_rejection() -> None:
    made = await planned([person(1) | {"to": "+44 20 7946 0958"}])

    assert made.plan.ready == 1
    assert any(note.startswith("1 number is a fixed line") for note in made.plan.notes)


@pytest.mark.parametrize(
    ("to", "says"), [("12", "too short"), ("011 15-5555-11", "Argentina"), ("abc", "phone number")]
)
async def test_a_number_the_parser_does_not_take_is_rejected_with_its_reason(to: str, says: str) -> None:
    made = await planned([person(1), person(2) | {"to": to}], options=AR)

    assert made.reasons == [(2, "bad number", "to")]
    assert says in made.rejections[0].detail
    assert to not in made.rejections[0].detail


async def test_without_the_extra_only_numbers_with_a_plus_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(phone, "parser_installed", lambda: False)

    rows = [person(1), person(2) | {"to": "+54 9 11 5555-5555"}, person(3) | {"to": "11 5555-5556"}]
    hidden = [person(4) | {"to": "+235064177530912"}, person(5) | {"to": "+55011987654321"}]
    made = await planned([*rows, *hidden])

    assert made.numbers == ["+5491100000001", "+5491155555555"]
    assert [out.row for out in made.rejections] == [3, 4, 5]
    assert "keebai-async[phones]" in made.rejections[0].detail


def test_a_region_that_nobody_knows_is_an_error() -> None:
    with pytest.raises(InvalidInput, match="no such region: 'Argentina'"):
        PlanOptions(default_region="Argentina")


@pytest.mark.parametrize(
    "content",
    [
        "+541100000002\n\n+5491100000003",
        "to\n+541100000002\n+5491100000003\n",
        "name;to\nAna;+541100000002\nLuz; +5491100000003\n;\n",
    ],
)
async def test_people_on_a_list_are_not_messaged_in_whatever_spelling(tmp_path: Path, content: str) -> None:
    path = tmp_path / "stop.csv"
    path.write_text(content)

    made = await planned([person(n) for n in (1, 2, 3, 4)], options=PlanOptions(suppress=[path]))

    assert made.numbers == ["+5491100000001", "+5491100000004"]
    assert made.reasons == [(2, "suppressed", "to"), (3, "suppressed", "to")]
    assert (made.plan.suppressed, made.plan.rejected) == (2, 0)


async def test_numbers_can_be_suppressed_without_a_file() -> None:
    options = PlanOptions(suppress=["+541100000002", ["+5491100000003"]])

    assert (await planned([person(n) for n in (1, 2, 2, 3)], options=options)).plan.suppressed == 3


async def test_a_number_to_suppress_that_cannot_be_read_stops_the_plan(tmp_path: Path) -> None:
    path = tmp_path / "stop.txt"
    path.write_text("+5491100000001\n11 5555\n")

    with pytest.raises(InvalidInput, match=r"stop.txt, line 2: not a number") as caught:
        await planned([person(1)], options=PlanOptions(suppress=[path]))
    assert caught.value.row == 2

    path.write_text("name;to\nAna;+5491100000001\nNobody;\n")
    with pytest.raises(InvalidInput, match=r"stop.txt, line 3: not a number"):
        await planned([person(1)], options=PlanOptions(suppress=[path]))


async def test_a_number_to_suppress_that_a_spreadsheet_rounded_is_not_read_as_somebody_elses() -> None:
    """The parser drops the point: with the zero behind it, this is the number of somebody in Berlin."""
    assert phone.NumberReader().read("+4930123456.0") == phone.PhoneNumber(
        "+4930123456", parsed=True, landline=True
    )

    with pytest.raises(InvalidInput, match=r"number 1 to suppress: not a number in E\.164"):
        await planned([person(1)], options=PlanOptions(suppress=[["+4.930123456E+9"]]))


async def test_whitespace_can_be_fixed_and_is_counted() -> None:
    rows = [
        person(1, nombre="Ana\nMaría"),
        flat(2, nombre=" a \t b"),
        person(3, nombre="a      b"),
        person(4),
    ]

    made = await planned(rows, options=PlanOptions(fix_whitespace=True))

    names = [msgspec.convert(row["variables"], dict[str, str])["nombre"] for row in made.people]
    assert names == ["Ana María", "a b", "a b", "Persona 4"]
    assert any(note.startswith("3 values had") for note in made.plan.notes)


def test_flattening_leaves_what_whatsapp_takes() -> None:
    assert flatten("a    b") == "a    b"
    assert flatten(" a\r\n\r\nb ") == "a b"


@pytest.mark.parametrize(
    "options", [PlanOptions(max_recipients=2), PlanOptions(unit_cost=0.0618, max_cost=0.18)]
)
async def test_a_plan_larger_than_allowed_stops(options: PlanOptions) -> None:
    with pytest.raises(PlanTooLarge, match="more than 2"):
        await planned([person(n) for n in range(3)], options=options)

    assert (await planned([person(n) for n in range(2)], options=options)).plan.ready == 2


def test_what_costs_next_to_nothing_is_enough_for_any_number_of_people() -> None:
    """The division of two amounts of money once ended in an error of its own."""
    assert PlanOptions(unit_cost=Decimal("1e-30"), max_cost=Decimal(2)).most == 2 * 10**30
    assert PlanOptions(unit_cost=0.0618, max_cost=0.1854).most == 3


async def test_a_test_goes_to_the_given_numbers_with_the_first_row_s_variables() -> None:
    rows = [person(1) | {"to": "x"}, person(2) | {"meta_data": {"n": 1}}, person(3)]
    numbers = ["+5491199999999", "+5491188888888"]

    made = await planned(rows, options=PlanOptions(test_to=numbers))

    assert made.people == [person(2) | {"meta_data": {"n": 1}, "to": to} for to in numbers]
    assert made.plan.notes == ("a test, with the variables of row 2",)
    assert (made.plan.read, made.plan.ready, made.rejections) == (2, 2, [])


async def test_the_first_message_is_shown_as_it_will_be_read() -> None:
    body = msgspec.Raw(b'{"type":"BODY","text":"Hola {{nombre}}, tu saldo es {{ saldo }}. {{otro}}"}')

    shown = await planned([person(7)], msgspec.structs.replace(PROMO, components=(body,)))

    assert shown.plan.preview == "Hola Persona 7, tu saldo es 7,50. {{otro}}"
    assert (await planned([person(7)])).plan.preview == "nombre=Persona 7, saldo=7,50"


async def test_a_message_longer_than_whatsapp_takes_is_rejected_when_the_text_is_known() -> None:
    text = "Hola {{nombre}}, " + "x" * 1_000 + " {{saldo}} {{saldo}}"
    body = msgspec.Raw(msgspec.json.encode({"type": "BODY", "text": text}))
    template = msgspec.structs.replace(PROMO, components=(body,))
    rows = [
        {"to": person(n)["to"], "variables": {"nombre": "A" * length, "saldo": "1"}}
        for n, length in enumerate([1, 13, 14, 20])
    ]
    assert len(text.replace("{{nombre}}", "A" * 13).replace("{{saldo}}", "1")) == 1_024

    made = await planned(rows, template)

    assert made.people == rows[:2]
    assert made.reasons == [(3, "long variable", "nombre"), (4, "long variable", "nombre")]


def test_a_bitmap_of_people_answers_as_a_set_does() -> None:
    compact, plain = Deduper(large=10), Deduper(large=10**9)
    for seen in (compact, plain):
        assert seen.add(range(100, 150), range(1, 51), range(50))
        if seen.full:
            seen.widen()
        assert seen.add([1_000, 5_491_155_555_555], range(51, 80), [9, 19])
        assert not seen.add([7, 7], range(80, 82), range(2))
        assert not seen.add([7, 1_000], range(80, 82), range(2))
        assert not seen.add([100, 7], range(80, 82), range(2))
        assert len(seen) == 52
        assert seen.add(range(3_000, 3_060), range(100, 160), range(60))  # the first 50 move over
        assert not seen.add([149], range(160, 161), range(1))

    assert compact.compact
    assert not plain.compact
    for keys in ([7, 8], [7, 7], [100, 7], [5_491_155_555_555]):
        assert compact.again(keys) == plain.again(keys)
    wanted = {100, 149, 1_000, 5_491_155_555_555}
    assert [row for step in compact.search(wanted) for row in step.values()] == [1, 50, 60, 70]


@hypothesis.given(st.lists(st.lists(st.integers(1, 300), min_size=1, max_size=40), max_size=20))
@hypothesis.settings(deadline=None)
def test_people_are_known_once_whatever_holds_them(blocks: list[list[int]]) -> None:
    compact, plain, known = Deduper(large=20), Deduper(large=10**9), set[int]()
    for keys in blocks:
        new = len(set(keys)) == len(keys) and known.isdisjoint(keys)
        repeated = [place for place, key in enumerate(keys) if key in known or key in keys[:place]]
        for seen in (compact, plain):
            if seen.full:
                seen.widen()
            assert seen.again(keys) == repeated
            assert seen.add(keys, range(len(keys)), range(len(keys))) is new
        known.update(keys if new else ())
        assert len(compact) == len(plain) == len(known)


@pytest.mark.parametrize(
    ("canary", "people", "chunks"),
    [(3, 25, (3, 10, 10, 2)), (10, 25, (10, 10, 5)), (3, 2, (2,)), (3, 3, (3,)), (1, 21, (1, 10, 10))],
)
async def test_a_canary_is_the_first_chunk_whatever_the_others_hold(
    canary: int, people: int, chunks: tuple[int, ...]
) -> None:
    guards = Guards(canary=canary, stop_above=0.1)
    made = await planned(map(person, range(people)), options=PlanOptions(chunk_size=10, guards=guards))
    plain = await planned(map(person, range(people)), options=PlanOptions(chunk_size=10))

    assert made.plan.chunks == chunks
    assert made.plan.guards == guards
    assert made.people == plain.people
    assert made.plan.fingerprint == plain.plan.fingerprint


@pytest.mark.parametrize(
    ("guards", "field"),
    [
        ({"canary": 0}, "canary"),
        ({"canary": 11}, "canary"),
        ({"stop_above": 1.5}, "stop_above"),
        ({"stop_above": -0.1}, "stop_above"),
    ],
)
def test_guards_that_make_no_sense_are_refused(guards: dict[str, float], field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        PlanOptions(chunk_size=10, guards=msgspec.convert(guards, Guards))

    assert caught.value.field == field


@pytest.mark.parametrize(
    "cell",
    [
        "+34 612 34 CD19",
        "+5491155555555 / +5491166666666",
        "+54 9 11 5555-5555 int. 12",
        "+5491155555555;ext=12",
        "tel:+5491155555555;ext=12",
        "Ana +5491155555555",
        "+549115555\u0665555",
    ],
)
async def test_a_cell_with_more_in_it_than_one_number_is_not_read_as_somebodys(cell: str) -> None:
    made = await planned([person(1), person(2) | {"to": cell}], options=AR)

    assert made.reasons == [(2, "bad number", "to")]


async def test_the_mark_that_keeps_a_number_text_in_a_spreadsheet_is_not_part_of_it() -> None:
    """So what `export` and `--rejects` write can be read again."""
    made = await planned([person(1) | {"to": "'+5491155555555"}])

    assert [one["to"] for one in made.people] == ["+5491155555555"]
