"""A number is judged by what it is, not by how it is spelled, and never by the rules of another country."""

import csv
import random
from collections.abc import Sequence
from pathlib import Path

import phonenumbers
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identities_if_e164, identity
from keebai_async.model.limits import E164
from keebai_async.model.recipient import Reason
from keebai_async.model.template import Template
from keebai_async.planning.check_row import Tolerance
from keebai_async.planning.codec import RowCodec, numbers_of
from keebai_async.planning.number_forms import (
    NumberForms,
    certain_stretch,
    is_certain,
    looks_certain,
    region_of,
    region_of_number,
)
from keebai_async.planning.number_lengths import FIXED_LINE, MOBILE, REGIONS
from keebai_async.planning.number_text import (
    is_spreadsheet_number,
    plain_digits,
    simple_digits,
    trimmed,
    without_wrapping,
)
from keebai_async.planning.phone import (
    NumberReader,
    PhoneNumber,
    from_international,
    from_region,
    is_nobodys,
    parse,
)
from keebai_async.planning.plan import PlanOptions
from keebai_async.planning.reader import Reader
from keebai_async.planning.rejections import Problem
from keebai_async.sources.block import CellBlock
from tests.planning.made import flat, person, planned

CODEC = RowCodec(Template(name="a", language="es", status="APPROVED", variables=("nombre",)))
CODES = [str(code) for code in REGIONS]
AMERICA = [
    "AR",
    "BR",
    "MX",
    "CL",
    "CO",
    "PE",
    "UY",
    "PY",
    "BO",
    "EC",
    "VE",
    "CR",
    "GT",
    "SV",
    "HN",
    "NI",
    "PA",
]


def example_of(region: str, kind: int) -> phonenumbers.PhoneNumber:
    """A number that the parser shows for a region: 0 is a fixed line, 1 a mobile."""
    found = phonenumbers.example_number_for_type(region, kind)
    assert found is not None
    return found


def read(cell: str, region: str | None = None, *, international: bool = False) -> str | None:
    found = NumberReader(region, international=international).read(cell)
    return None if isinstance(found, Problem) else found.e164


def test_the_table_is_current_for_the_parser_that_is_installed() -> None:
    from keebai_async.planning import make_number_lengths  # all that phonenumbers knows comes with it

    assert make_number_lengths.TARGET.read_text("utf-8") == make_number_lengths.table()


@pytest.mark.parametrize(
    ("cell", "e164"),
    [
        ("+55011987654321", "+5511987654321"),
        ("+55 011 98765-4321", "+5511987654321"),
        ("+5501511987654321", "+5511987654321"),
        ("+51 0 987 654 321", "+51987654321"),
        ("+52 044 55 1234 5678", "+525512345678"),
        ("+52 01 55 1234 5678", "+525512345678"),
        ("+52 1 55 1234 5678", "+5215512345678"),
        ("+54 11 15 5555-0101", "+5491155550101"),
        ("+54 9 11 15 5555-0101", "+5491155550101"),
        ("+54 9 (011) 5555.0101", "+5491155550101"),
        ("+54 9 0351 15 555-0101", "+5493515550101"),
        ("+54 9 2902 15 45-0101", "+5492902450101"),
        ("(+54) 9 11 5555-0101", "+5491155550101"),
        ("+ 54 9 11 5555 0101", "+5491155550101"),
        ("(+54 9 11) 5555-0101", "+5491155550101"),
        ("00 54 9 11 5555 0101", "+5491155550101"),
        ("+00 54 9 11 5555 0101", "+5491155550101"),
        ("\u202a+54 9 11 5555\u20110101\u202c", "+5491155550101"),
        ("\ufeff+5491155550101\u200b", "+5491155550101"),
        ("+54\u00a09\u00a011\u00a05555\u00a00101", "+5491155550101"),
        ("+5491155550101.0", "+5491155550101"),
        ('="+5491155550101"', "+5491155550101"),
        ("tel:+54-9-11-5555-0101", "+5491155550101"),
        ("https://wa.me/5491155550101?text=hola", "+5491155550101"),
        ("wa.me/+5491155550101", "+5491155550101"),
        ("https://api.whatsapp.com/send?phone=5491155550101&text=x", "+5491155550101"),
        ("5491155550101@s.whatsapp.net", "+5491155550101"),
        ("5491155550101:12@s.whatsapp.net", "+5491155550101"),
        ("5491155550101@c.us", "+5491155550101"),
    ],
)
def test_spellings_that_say_their_country_need_no_region(cell: str, e164: str) -> None:
    assert read(cell) == read(cell, "CL") == e164


@pytest.mark.parametrize(
    "cell",
    [
        "+235064177530912",
        "+148203957716402",
        "235064177530912@lid",
        "5491155550101-1612345678@g.us",
        "+99912345678",
        "+210123456789",
        "+54911555501",
        "+549115555010123",
        "+51 98765432",
        "+56 9 8765 432",
        "+1 202 555 01",
        "00 210 123456789",
        "5.49116E+12",
        "+5491155550101 / 06",
        "+5491155550101+5491155550102",
        "5491155550101",
        '=""',
    ],
)
def test_what_is_nobodys_phone_or_more_than_one_is_not_sent_to(cell: str) -> None:
    assert read(cell) is None


@pytest.mark.parametrize(
    ("cell", "region", "e164"),
    [
        ("011 15-5555-0101", "AR", "+5491155550101"),
        ("0351 15 333-3333", "AR", "+5493513333333"),
        ("5491155550101.0", "AR", "+5491155550101"),
        ("5.491.155.550.101", "AR", "+5491155550101"),
        ("(011) 98765-4321", "BR", "+5511987654321"),
        ("5511987654321", "BR", "+5511987654321"),
        ("0055 84 98765-4322", "BR", "+5584987654322"),
        ("044 55 1234 5678", "MX", "+525512345678"),
        ("5215512345678", "MX", "+5215512345678"),
        ("099 123 456", "UY", "+59899123456"),
        ("19175550123", "GT", None),  # of New York; in Guatemala, a number of 11 digits is a free one
        ("573001234567", "AR", None),
    ],
)
def test_a_number_without_a_plus_is_one_of_the_region_or_nobodys(
    cell: str, region: str, e164: str | None
) -> None:
    assert read(cell, region) == e164


def test_numbers_without_a_plus_can_begin_with_their_country_code() -> None:
    assert read("5491155550101", international=True) == "+5491155550101"
    assert read("51 987 654 321", international=True) == "+51987654321"
    assert read("11 5555-0101", international=True) is None


@given(st.sampled_from(AMERICA), st.integers(0, 10**9), st.sampled_from([" ", "-", ".", "", ") ("]))
@settings(deadline=None, max_examples=300)
def test_one_number_has_one_fate_however_it_is_spelled(region: str, seed: int, blank: str) -> None:
    chance = random.Random(seed)
    example = example_of(region, 1)
    digits = f"{example.country_code}{example.national_number}"
    cut = chance.randrange(3, len(digits))
    digits = digits[:cut] + "".join(chance.choice("0123456789") for _ in digits[cut:])
    spelled = "+" + blank.join((digits[:2], digits[2:4], digits[4:7], digits[7:]))

    assert read(spelled) == read(f"+{digits}") == read(f"00{digits}", "BR") == read(f"tel:+{digits}")


@given(
    st.lists(
        st.tuples(
            st.one_of(
                st.sampled_from(["54", "549", "55", "52", "521", "57", "598", "1", "34"]),
                st.sampled_from(CODES),
            ),
            st.text("0123456789", min_size=3, max_size=12),
            st.lists(
                st.sampled_from(["", "", " ", "-", "\u00a0", "\u200b", "\u2011", "  "]),
                min_size=12,
                max_size=12,
            ),
        ),
        min_size=1,
        max_size=20,
    ),
    st.sampled_from(
        [
            "+{} {}",
            "(+{}) {}",
            "+ {}{}",
            "00{} {}",
            "\u202a+{}\u00a0{}\u202c",
            "'+{}{}",
            "tel:+{}-{}",
            '="+{} {}"',
        ]
    ),
    st.sampled_from([None, "AR", "BR", "MX"]),
)
@settings(deadline=None, max_examples=200)
async def test_a_list_gives_the_same_people_compact_and_spelled(
    numbers: list[tuple[str, str, list[str]]], form: str, region: str | None
) -> None:
    compact = [f"+{code}{local}" for code, local, _ in numbers]
    spelled = [form.format(code, "".join(map("".join, zip(local, marks)))) for code, local, marks in numbers]  # noqa: B905

    one, other = await people_of(compact, region), await people_of(spelled, region)

    assert one == other


async def people_of(numbers: list[str], region: str | None) -> dict[int, str]:
    """Who is ready, by row; half of the numbers are read by the fast path, if any can be."""
    reader = Reader(CODEC, {}, Tolerance(region=region))
    rows = [[number, "Ana"] for number in numbers]
    checked = await reader.read(CellBlock(header=("to", "nombre"), numbers=range(len(rows)), rows=rows))
    return dict(zip(checked.where, numbers_of(checked.ready), strict=True))


def test_the_quick_reading_of_100_000_numbers_is_that_of_the_parser() -> None:
    chance = random.Random(16)
    asked = refused = 0
    while asked < 100_000:
        region = chance.choice(AMERICA)
        example = example_of(region, chance.choice((0, 1)))
        local = str(example.national_number)
        if region == "AR" and local.startswith("9") and chance.random() < 0.7:
            local = f"0{local[1:3]}15{local[3:]}"
        cut = chance.randrange(len(local))
        local = local[:cut] + "".join(chance.choice("0123456789") for _ in local[cut:])
        if chance.random() < 0.3:  # somebody mistyped it
            local = chance.choice(
                (local[1:], local[:-1], local + "5", "0" + local, local[:2] + "15" + local[2:])
            )
        code, local = str(example.country_code), local.removeprefix("00")  # which is a plus
        for number, home in ((local, region), (f"+{code}{local}", None)):
            asked += 1
            ours = from_region(number, region) if home else from_international(number)
            nobodys = is_nobodys(local, code)
            if not nobodys and chance.random() < 0.8:
                continue  # the parser takes its time
            theirs = parse(number, home)
            if nobodys:
                refused += 1
                assert isinstance(theirs, str), number
            if isinstance(theirs, PhoneNumber) and theirs.e164.startswith(f"+{code}"):
                assert isinstance(ours, PhoneNumber), number
                assert ours.e164 == theirs.e164

    assert refused > 1_000


def test_a_15_in_a_number_of_argentina_is_taken_out_behind_an_area_and_nowhere_else() -> None:
    chance = random.Random(15)
    read = 0
    for _ in range(3_000):
        size = chance.choice((2, 3, 4))
        area = "11" if size == 2 else f"{chance.choice('23')}{chance.randrange(10 ** (size - 1)):0{size - 1}}"
        local = f"{area}15{chance.randrange(10 ** (10 - size)):0{10 - size}}"
        theirs = parse(f"0{local}", "AR")
        for ours in (
            from_region(local, "AR"),
            from_international(f"+54{local}"),
            from_international(f"+549{local}"),
        ):
            if isinstance(theirs, PhoneNumber):
                assert isinstance(ours, PhoneNumber)
                assert ours.e164 == theirs.e164
                read += 1
            elif isinstance(ours, PhoneNumber):  # in an area that is not there, and so is nobody
                assert isinstance(parse(ours.e164, None), str)

    assert read > 500


@pytest.mark.parametrize("local", ["291415549817", "341215796293", "280515235606", "290152123456"])
def test_a_number_of_argentina_with_digits_too_many_is_no_strangers(local: str) -> None:
    assert isinstance(from_region(local, "AR"), str)
    assert isinstance(from_international(f"+54{local}"), str)
    assert isinstance(from_international(f"+549{local}"), str)


@given(
    st.from_regex(r"\+(?:54|549|55|521?|598|507|1|[1-9])[0-9]{4,14}", fullmatch=True).filter(E164.fullmatch)
)
@settings(deadline=None, max_examples=500)
def test_how_a_number_begins_says_whether_it_is_certain(number: str) -> None:
    assert looks_certain(number) == is_certain(identity(number))
    assert region_of_number(number) == region_of(identity(number))


@given(st.text("01234567890123456789+( )-.,eE/@\u00a0'=", max_size=18))
@settings(deadline=None, max_examples=500)
def test_a_simple_spelling_is_read_as_any_other(cell: str) -> None:
    digits = simple_digits(cell)
    text = without_wrapping(trimmed(cell)).text

    if digits is not None:
        assert digits == plain_digits(text)
        assert not is_spreadsheet_number(text)


@st.composite
def alike(draw: st.DrawFn) -> list[int]:
    """Keys of one calling code, most of one length, some just beside what is certain."""
    code = draw(st.sampled_from(sorted(REGIONS)))
    size = draw(st.sampled_from(sorted({*FIXED_LINE[code], *MOBILE[code]}) or [8]))
    key = st.tuples(st.integers(0, 99), st.sampled_from(["0", "9", "5"])).map(
        lambda each: int(f"{code}{each[0]:02}{each[1] * (size - 2)}")
    )
    return draw(st.lists(st.one_of(key, key.map(lambda key: key // 10)), min_size=1, max_size=8))


@given(
    st.one_of(st.lists(st.integers(10**6, 10**15 - 1), min_size=1, max_size=50), alike()),
    st.sampled_from([(), ("AR",), ("BR", "US", "PE")]),
)
@settings(deadline=None, max_examples=500)
def test_a_block_is_looked_at_as_each_number_is(keys: list[int], countries: Sequence[str]) -> None:
    forms = NumberForms(countries)
    for _ in range(2):  # what was learnt of the first block says the same of the next
        places, region = forms.doubtful(keys)

        fine = [is_certain(key) and forms.allows(key) for key in keys]
        assert places == [place for place, each in enumerate(fine) if not each]
        assert places or region is None or {region_of(key) for key in keys} == {region}


written = st.one_of(
    alike().map(lambda keys: [f"+{key}" for key in keys]),
    st.lists(
        st.from_regex(r"\+(55[1-9]{2}9?|549?11|521?55)[0-9]{8}", fullmatch=True), min_size=1, max_size=8
    ),
    st.lists(st.sampled_from(["+5491155555555", "+541155555555", "+5511961234567", "+", "", "+1 +2", "+0"])),
)


@given(st.lists(written, min_size=1, max_size=6), st.sampled_from([(), ("AR",), ("BR", "US", "PE")]))
@example([["+5491155555555"], ["+"], ["+5491155555555"]], ())
@example([["+5491155555555"], ["+5491155555555 +5491155555556"], ["+5511961234567", "+551161234567"]], ())
@settings(deadline=None, max_examples=500)
def test_blocks_of_numbers_are_read_as_each_is_whatever_came_before(
    blocks: list[list[str]], countries: Sequence[str]
) -> None:
    forms = NumberForms(countries)
    for numbers in blocks:
        keys = identities_if_e164(numbers)
        doubtful = ([], None) if keys is None else NumberForms(countries).doubtful(keys)

        assert forms.keys_of(" ".join(numbers), len(numbers)) == (keys, *doubtful)


@pytest.mark.parametrize("code", REGIONS)
def test_a_stretch_of_certain_numbers_ends_where_it_says(code: int) -> None:
    found = 0
    for size in {*FIXED_LINE[code], *MOBILE[code]}:
        for begins in range(100):
            key = int(f"{code}{begins:02}{'5' * (size - 2)}")
            stretch, region = certain_stretch(key)
            found += len(stretch) > 0
            assert not stretch or (key in stretch and is_certain(key))
            for edge in (stretch[0], stretch[-1]) if stretch else ():
                assert is_certain(edge)
                assert region_of(edge) == region
            for beyond in (stretch.start - 1, stretch.stop) if stretch else ():
                assert not is_certain(beyond) or certain_stretch(beyond)[0] != stretch
            if is_certain(key) and not stretch:
                assert code in {1, 7}  # which countries share
    assert found or code in {1, 7} or not (FIXED_LINE[code] or MOBILE[code])


async def test_people_are_counted_by_country_in_words() -> None:
    numbers = ["+5491155550101", "+51987654321", "+541155550102", "+18095551234", "+5511987654321"]

    made = await planned([person(n) | {"to": to} for n, to in enumerate(numbers)])

    assert [(one.region, one.name, one.people) for one in made.plan.countries] == [
        ("AR", "Argentina", 2),
        ("BR", "Brasil", 1),
        ("DO", "República Dominicana", 1),
        ("PE", "Perú", 1),
    ]


async def test_people_are_counted_by_country_also_where_some_come_twice() -> None:
    made = await planned([person(1), person(2), person(1), person(3)])

    assert [(one.region, one.people) for one in made.plan.countries] == [("AR", 3)]


async def test_only_people_of_the_countries_asked_for_are_let_in() -> None:
    rows = [person(1), person(2) | {"to": "+51987654321"}, person(3) | {"to": "+51 987 654 322"}]

    made = await planned(rows, options=PlanOptions(countries=["AR", "UY"]))

    assert made.numbers == ["+5491100000001"]
    assert made.reasons == [(2, "other country", "to"), (3, "other country", "to")]
    assert "Perú" in made.rejections[0].detail
    with pytest.raises(InvalidInput, match="no such country: 'Argentina'"):
        PlanOptions(countries=["Argentina"])


async def test_a_list_without_a_plus_is_read_at_once_when_it_is_international(tmp_path: Path) -> None:
    path = tmp_path / "people.csv"
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["to", "nombre", "saldo"])
        writer.writerows([f"549115555{n:04}", "Ana", "1"] for n in range(600))

    made = await planned(path, options=PlanOptions(numbers="international"))

    assert made.numbers == [f"+549115555{n:04}" for n in range(600)]
    with pytest.raises(InvalidInput, match="say which"):
        PlanOptions(numbers="international", default_region="AR")


async def test_a_number_that_may_be_of_two_countries_is_a_note_with_its_row() -> None:
    rows = [flat(1, to="11 98765-4321"), flat(2, to="51 98765-4321")]  # Porto Alegre, or somebody in Peru

    made = await planned(rows, options=PlanOptions(default_region="BR"))

    assert made.numbers == ["+5511987654321", "+5551987654321"]
    (note,) = [note for note in made.plan.notes if "another country" in note]
    assert note.startswith("1 number without a plus is a number of another country too")
    assert "row 2" in note
    assert "Brasil" in note
    assert any(one.row == 2 for one in made.plan.previews)


async def test_the_first_row_with_a_local_spelling_is_shown_though_more_is_odd_in_it() -> None:
    people = [person(n) | {"to": f"011 15-5555-01{n:02}"} for n in range(1, 4)]
    for odd in (1, 2):  # a row whose values are looked at alone is made apart from the others
        rows = [dict(each) for each in people]
        rows[odd - 1]["variables"] = {"nombre": "NULL", "saldo": "1"}

        made = await planned(rows, options=PlanOptions(default_region="AR"))

        (spelled,) = (one for one in made.plan.previews if "local spelling" in one.why)
        assert spelled.row == 1
        assert any(note.startswith("3 numbers in local spellings") for note in made.plan.notes)


@pytest.mark.parametrize(
    ("cell", "says"),
    [
        ("11-5555-1111 / 11-5555-2222", "more than one number"),
        ("1155551111 y 1155552222", "more than one number"),
        ("+5491155550101,+5491155550102", "more than one number"),
        ("+5491155550101 +5491155550102", "more than one number"),
        ("+54 9 11 5555-0101 ::: +54 9 11 5555-0102", "more than one number"),
        ("+54 11 4444-0000 int. 204", "an extension"),
        ("011 4444-0000 ext 204", "an extension"),
        ("(11) 3333-0000 ramal 12", "an extension"),
        ("+541144440000;ext=20", "an extension"),
        ("+541144440000x20", "an extension"),
        ("ana@paz.com", "an address"),
        ("TOTAL", "something in it is neither"),
        ("11/5555-0101", "something in it is neither"),
    ],
)
def test_a_cell_that_is_more_than_a_number_says_what_it_is(cell: str, says: str) -> None:
    found = NumberReader("AR").read(cell)

    assert isinstance(found, Problem)
    assert says in found.detail


@pytest.mark.parametrize(
    "cell", ["5491160000000", "5491160000000.0", "54 9 11 6000 0000", "tel:5491160000000"]
)
def test_digits_that_a_spreadsheet_rounded_are_no_number_of_a_stranger(cell: str) -> None:
    for reader in (NumberReader("AR"), NumberReader(international=True), NumberReader()):
        found = reader.read(cell)

        assert isinstance(found, Problem)
        assert found.reason is Reason.SPREADSHEET_NUMBER
    assert read(f"+{cell.removeprefix('tel:')}") == "+5491160000000"
    assert read("1160000000", "AR") == "+541160000000"
    assert read("5491160000001", "AR") == "+5491160000001"


def test_the_same_text_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    reader = NumberReader("AR")

    assert reader.read("15 0000") is reader.read("15 0000")


def test_keys_of_one_person_are_of_one_country() -> None:
    assert region_of(identity("+5491155550101")) == region_of(identity("+541155550101")) == "AR"
