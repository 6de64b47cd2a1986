"""Lists as marketing teams bring them, one of each kind that harmed somebody: who gets which words.

The kinds have tests of their own; here each is a whole list, planned as a campaign is.
"""

import datetime
from collections.abc import Mapping
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from keebai_async.errors import InvalidInput
from keebai_async.model.template import Template
from keebai_async.planning.plan import PlanOptions
from tests.planning.made import Made, planned
from tests.planning.test_planning_workbooks import changed
from tests.planning.workbook import workbook

RAFA, SOL, TEO, UMA, VERA = (f"+549115555{number}" for number in (2201, 2202, 2203, 2204, 2205))
OFFER = Template(name="oferta", language="es", status="APPROVED", variables=("nombre", "codigo"))
TURN = Template(name="turno", language="es", status="APPROVED", variables=("1", "2"))
HEAD: list[str | float] = ["to", "nombre", "codigo"]
FOUR = "to,nombre,codigo\n" + "".join(
    f"{to},{name},R-{name}\n" for to, name in ((RAFA, "Rafa"), (SOL, "Sol"), (TEO, "Teo"), (UMA, "Uma"))
)


class Story(NamedTuple):
    """A list as text, and the numbers that are messaged; None where it stops, with *says* in the error."""

    text: str
    to: list[str] | None
    says: str = ""
    region: str | None = None
    template: Template = OFFER
    columns: Mapping[str, str] = MappingProxyType({})
    suffix: str = ".csv"
    encoding: str = "utf-8"
    fix: bool = False


STORIES = {
    "00 dialled from Brazil is no carrier": Story(
        "to,nombre,codigo\n005531976540001,Rafa,1\n0055 51 97654-0002,Sol,2\n00 54 9 11 5555-2203,Teo,3\n",
        ["+5531976540001", "+5551976540002", TEO],
        region="BR",
    ),
    "numbers of New York in a list of Guatemala": Story(
        "to,nombre,codigo\n12125550177,Rafa,1\n55561234,Sol,2\n", ["+50255561234"], region="GT"
    ),
    "the digits of a hidden id behind a plus": Story(
        f"to,nombre,codigo\n+235071188822334,Rafa,1\n+139955112233445,Sol,2\n+99955512345,Teo,3\n{UMA},Uma,4\n",
        [UMA],
    ),
    "a quote that swallows the next customer": Story(
        f'to,nombre,codigo\n{RAFA},"Rafa,1\n{SOL},Sol,2\n{TEO},Teo",3\n',
        None,
        "line 2: a quote",
        fix=True,
    ),
    "an inch that closes a quote of another row": Story(
        f'to\tnombre\tcodigo\n{RAFA}\t"Rafa\t1\n{SOL}\tSol\tTV 40" HD\n',
        None,
        "line 2: a quote",
        suffix=".tsv",
        fix=True,
    ),
    "a letter that was lost": Story(
        f"to,nombre,codigo\n{RAFA},Juli\ufffdn,1\n{SOL},Sof\u00c3\u00ada,2\n", [SOL]
    ),
    "names that nobody can see": Story(
        f"to,nombre,codigo\n{RAFA},\u2060,1\n{SOL},\u200d\u200e,2\n{TEO},\u3164\u3164,3\n{UMA},\u00a0,4\n"
        f"{VERA},Vera,5\n",
        [VERA],
    ),
    "an option for a variable that is not there": Story(
        f"to,nombre,Nombre y apellido,codigo\n{RAFA},r-01,Rafa Díaz,1\n",
        None,
        "did you mean nombre=Nombre y apellido",
        columns={"Nombre": "Nombre y apellido"},
    ),
    "an accent composed of two characters": Story(
        f"to,nombre,co\u0301digo\n{RAFA},Rafa,1\n", [RAFA], columns={"codigo": "c\u00f3digo"}
    ),
    "country codes in brackets": Story(
        "to,nombre,codigo\n(+54) 9 11 5555-2201,a,1\n+ 54 9 11 5555 2202,b,2\n(+54 9 11) 5555-2203,c,3\n",
        [RAFA, SOL, TEO],
    ),
    "point zero": Story(
        f"to,nombre,codigo\n5491155552201.0,a,1\n{SOL}.00,b,2\n", [RAFA, SOL], region="AR"
    ),
    "links": Story(
        f"to,nombre,codigo\ntel:{RAFA},a,1\nwhatsapp:{SOL},b,2\nhttps://wa.me/{TEO[1:]},c,3\n"
        f"{UMA[1:]}@c.us,d,4\n",
        [RAFA, SOL, TEO, UMA],
    ),
    "a semicolon too many in each row": Story(
        f"to;nombre;codigo\n{RAFA};Rafa;1;\n{SOL};Sol;2;;\n", [RAFA, SOL]
    ),
    "two marks of byte order": Story(f"\ufeff\ufeffto,nombre,codigo\n{RAFA},Rafa,1\n", [RAFA]),
    "a title above the header": Story(f"Ventas de marzo\n\nto,nombre,codigo\n{RAFA},Rafa,1\n", [RAFA]),
    "saved as CSV by Excel in Spanish": Story(
        f"to;nombre;codigo\r\n{RAFA};Begoña;1\r\n", None, "--encoding windows-1252", encoding="cp1252"
    ),
    "two numbers in a cell": Story(
        f"to,nombre,codigo\n{RAFA} ::: {SOL},a,1\n{TEO} / 04,b,2\n"
        f"11 5555-2204 11 5555-2205,c,3\n{VERA},Vera,4\n",
        [VERA],
        region="AR",
    ),
    "ids of groups and of nobody": Story(
        f"to,nombre,codigo\n235071188822334@lid,a,1\n{RAFA[1:]}-1700000000@g.us,b,2\n{VERA},Vera,3\n", [VERA]
    ),
    "points and blanks of thousands": Story(
        "to;nombre;codigo\n5.491.155.552.201;a;1\n5 491 155 552 202;b;2\n", [RAFA, SOL], region="AR"
    ),
    "positions in another order": Story(f"2,to,1\n18:45,{RAFA},Rafa\n", [RAFA], template=TURN),
    "families and flags": Story(
        f"to,nombre,codigo\n{RAFA},\U0001f468\u200d\U0001f469\u200d\U0001f467 Rafa,1\n"
        f"{SOL},\U0001f1e6\U0001f1f7,2\n",
        [RAFA, SOL],
    ),
    "digits without a plus and without a region": Story(
        f"to,nombre,codigo\n4155550188,a,1\n5491155552201,b,2\n{VERA},Vera,3\n", [VERA]
    ),
}  # fmt: skip


async def told(story: Story, folder: Path) -> Made:
    path = folder / f"lista{story.suffix}"
    path.write_bytes(story.text.encode(story.encoding))
    options = PlanOptions(default_region=story.region, fix_whitespace=story.fix)
    return await planned(path, story.template, columns=story.columns, options=options)


@pytest.mark.parametrize("name", STORIES)
async def test_a_list_messages_whom_its_owner_means_or_stops(tmp_path: Path, name: str) -> None:
    story = STORIES[name]
    if story.to is None:
        with pytest.raises(InvalidInput) as stop:
            await told(story, tmp_path)
        assert story.says in str(stop.value)
        return

    made = await told(story, tmp_path)

    assert made.numbers == story.to
    written = [word for one in made.people for word in dict(one["variables"]).values()]  # type: ignore[call-overload]
    assert all(str(word) in story.text for word in written)
    assert len(made.rejections) == made.plan.read - len(story.to)


async def test_a_variable_named_by_its_position_gets_its_own_value(tmp_path: Path) -> None:
    made = await told(STORIES["positions in another order"], tmp_path)

    assert made.people[0]["variables"] == {"1": "Rafa", "2": "18:45"}


@pytest.mark.parametrize(
    ("text", "out"),
    [
        (f"{SOL};{TEO}\r\n", {SOL, TEO}),
        (f"{SOL}; dijo que no el 7/4\n", {SOL}),
        (f"motivo,to\n{SOL}\nbaja,{TEO}\n", {SOL, TEO}),
        (f'to,motivo\n{RAFA},"no más\n{SOL},baja\n{TEO},dijo "chau"\n{UMA},x\n', {RAFA, SOL, TEO, UMA}),
        (f"telefono\n{SOL}\n", {SOL}),
    ],
)
async def test_who_said_no_is_left_out_however_it_was_written_down(
    tmp_path: Path, text: str, out: set[str]
) -> None:
    people, stop = tmp_path / "lista.csv", tmp_path / "bajas.csv"
    people.write_text(FOUR + f"{VERA},Vera,5\n")
    stop.write_text(text)

    made = await planned(people, OFFER, options=PlanOptions(suppress=[stop]))

    assert set(map(str, made.numbers)) == {RAFA, SOL, TEO, UMA, VERA} - out
    assert made.plan.suppress_lists[0].in_list == len(out)


async def test_who_said_no_with_another_zero_is_the_same_person(tmp_path: Path) -> None:
    people, stop = tmp_path / "lista.csv", tmp_path / "bajas.txt"
    people.write_text(f"to,nombre,codigo\n+55031976540001,Rafa,1\n{VERA},Vera,2\n")
    stop.write_text("+5531976540001\n")

    made = await planned(people, OFFER, options=PlanOptions(suppress=[stop]))

    assert made.numbers == [VERA]


async def test_the_sheet_and_the_rows_that_are_seen_are_those_that_are_sent(tmp_path: Path) -> None:
    old: list[list[str | float]] = [HEAD, [RAFA, "Rafa", "viejo"]]
    rows: list[list[str | float]] = [HEAD, [SOL, "Sol", "S1"], [TEO, "Teo", "baja"], [UMA, "Uma", "U1"]]
    part, views = "xl/workbook.xml", '<bookViews><workbookView activeTab="1"/></bookViews><sheets>'
    unseen = ('name="Vieja"', 'name="Vieja" state="hidden"')
    hidden = changed(workbook(tmp_path / "a.xlsx", Vieja=old, Base=rows), part, unseen)
    second = changed(workbook(tmp_path / "b.xlsx", Vieja=old, Base=rows), part, ("<sheets>", views))
    for path in (hidden, second):
        changed(path, "xl/worksheets/sheet2.xml", ('<row r="3">', '<row r="3" hidden="1">'))

        made = await planned(path, OFFER)

        assert made.numbers == [SOL, UMA]
        assert any("the sheet 'Base'" in note for note in made.plan.notes)
        assert any("1 row " in note and "hidden" in note for note in made.plan.notes)


async def test_a_workbook_sends_no_spelling_of_a_machine(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [
        HEAD,
        [RAFA, "Rafa", 646180110400000000.0],
        [SOL, "Sol", 7790000000000002.0],
    ]
    path = workbook(tmp_path / "a.xlsx", A=[*rows, [TEO, "Teo", 12.5]])

    made = await planned(path, OFFER)

    assert made.people == [{"to": TEO, "variables": {"nombre": "Teo", "codigo": "12.5"}}]
    assert [reason for _, reason, _ in made.reasons] == ["bad variable"] * 2


async def test_a_parquet_file_sends_no_spelling_of_a_machine(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    amounts = pa.array([Decimal("0E-9"), Decimal("75.250000000"), None], pa.decimal128(20, 9))
    pq.write_table(pa.table({"to": [RAFA, SOL, TEO], "nombre": ["a", "b", "c"], "codigo": amounts}), path)
    assert [one["variables"] for one in (await planned(path, OFFER)).people] == [
        {"nombre": "a", "codigo": "0"},
        {"nombre": "b", "codigo": "75.25"},
    ]

    nested = [{"de": "Rafa"}, None]
    pq.write_table(pa.table({"to": [RAFA, SOL], "nombre": nested, "codigo": [["x"], ["y"]]}), path)
    with pytest.raises(InvalidInput, match="1 bad variable, 1 blank variable"):
        await planned(path, OFFER)


async def test_days_counted_from_1904_are_the_days_that_are_seen(tmp_path: Path) -> None:
    path = workbook(tmp_path / "a.xlsx", A=[HEAD, [RAFA, "Rafa", 44634.0]])
    style = (
        '<styleSheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><cellXfs><xf'
        ' numFmtId="0"/><xf numFmtId="14"/></cellXfs></styleSheet>'
    )
    kind = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/styles"
    relation = f'<Relationship Id="s" Target="styles.xml" Type="{kind}"/></Relationships>'
    changed(path, "xl/_rels/workbook.xml.rels", ("</Relationships>", relation), **{"xl/styles.xml": style})
    changed(path, "xl/workbook.xml", ("<sheets>", '<workbookPr date1904="1"/><sheets>'))
    changed(path, "xl/worksheets/sheet1.xml", ("<c><v>", '<c s="1"><v>'))

    made = await planned(path, OFFER)

    day = datetime.date(1904, 1, 1) + datetime.timedelta(days=44634)
    assert made.people[0]["variables"] == {"nombre": "Rafa", "codigo": day.isoformat()}


async def test_a_table_may_stand_anywhere_and_hold_macros_and_notes(tmp_path: Path) -> None:
    rows: list[list[str | float]] = [[], ["", *HEAD], ["", RAFA, "Rafa", "R1"], ["", SOL, "", "S1"]]
    macros = workbook(tmp_path / "a.xlsm", A=rows)
    noted = workbook(tmp_path / "b.xlsx", A=[*rows[:2], [*rows[2], "", "revisar"], rows[3]])

    for path in (macros, noted):
        made = await planned(path, OFFER)

        assert made.numbers == [RAFA]
        assert made.reasons == [(4, "blank variable", "nombre")]
