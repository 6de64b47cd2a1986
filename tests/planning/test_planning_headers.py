"""Which column is meant: what looks the same is the same; in doubt the plan stops and says what is near."""

import json
import tempfile
import unicodedata
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput, TemplateUnusable, UnusableSource
from keebai_async.model.template import Template
from keebai_async.sources.header import found_in, nearest, visible
from tests.planning.made import flat, planned
from tests.planning.workbook import workbook

ANA, BRUNO = "+5491100000001", "+5491100000002"
OFFER = Template(name="oferta", language="es", status="APPROVED", variables=("nombre", "código"))


def written(folder: Path, text: str) -> Path:
    path = folder / "people.csv"
    path.write_text(text, encoding="utf-8", newline="")
    return path


HABITS: list[Callable[[str], str]] = [
    lambda name: name,
    str.upper,
    str.title,
    lambda name: f"  {name} ",
    lambda name: f"\u00a0{name}\u00a0",
    lambda name: f"\u200b{name}",
    lambda name: f"{name}\ufeff",
    lambda name: f"\u202a{name}\u202c",
    lambda name: unicodedata.normalize("NFD", name),
    lambda name: unicodedata.normalize("NFC", name),
]


@given(st.tuples(*[st.sampled_from(HABITS)] * 3), st.permutations(range(3)))
@settings(deadline=None)
async def test_names_that_differ_in_what_cannot_be_seen_are_found(
    habits: list[Callable[[str], str]], order: list[int]
) -> None:
    names = [habit(name) for habit, name in zip(habits, ("to", "nombre", "código"), strict=True)]
    cells = [ANA, "Ana", "A1"]
    text = "\n".join(",".join(row[at] for at in order) for row in (names, cells))
    with tempfile.NamedTemporaryFile("w", suffix=".csv", encoding="utf-8") as file:
        file.write(text)
        file.flush()

        made = await planned(file.name, OFFER)

    assert made.people == [{"to": ANA, "variables": {"nombre": "Ana", "código": "A1"}}]
    assert made.plan.ignored_columns == ()


async def test_a_column_that_is_named_by_the_caller_is_found_the_same_way(tmp_path: Path) -> None:
    text = f"Teléfono,NOMBRE,co\u0301digo\n{ANA},Ana,A1\n"
    columns = {"to": "tele\u0301fono", "código": "CÓDIGO"}

    made = await planned(written(tmp_path, text), OFFER, columns=columns)

    assert made.numbers == [ANA]


async def test_the_exact_name_goes_before_one_in_another_case(tmp_path: Path) -> None:
    made = await planned(written(tmp_path, f"to,Nombre,nombre,código\n{ANA},no,Ana,A1\n"), OFFER)

    assert made.people[0]["variables"] == {"nombre": "Ana", "código": "A1"}
    assert made.plan.ignored_columns == ("Nombre",)


async def test_of_two_that_differ_in_case_alone_none_is_taken(tmp_path: Path) -> None:
    with pytest.raises(TemplateUnusable, match="asks for nombre, but"):
        await planned(written(tmp_path, f"to,Nombre,NOMBRE,código\n{ANA},no,Ana,A1\n"), OFFER)


async def test_two_columns_that_look_the_same_are_refused(tmp_path: Path) -> None:
    for second in ("nombre", " nombre", "nombre\u200b"):
        with pytest.raises(UnusableSource, match=r"two columns named 'nombre' \(column 2 and column 3\)"):
            await planned(written(tmp_path, f"to,nombre,{second}\n{ANA},Ana,Vieja\n"), OFFER)


async def test_a_column_for_what_the_template_does_not_have_is_an_error_that_names_the_nearest(
    tmp_path: Path,
) -> None:
    path = written(tmp_path, f"to,nombre,código,Nombre completo\n{ANA},x,A1,Ana Paz\n")

    with pytest.raises(
        InvalidInput, match=r"no variable 'Nombre'.*did you mean nombre=Nombre completo"
    ) as no:
        await planned(path, OFFER, columns={"Nombre": "Nombre completo"})
    assert no.value.field == "column"
    with pytest.raises(InvalidInput, match=r"no variable 'meta_x'.*There are: to, nombre, código"):
        await planned([flat(1)], OFFER, columns={"meta_x": "pedido"})


@pytest.mark.parametrize(
    ("header", "says"),
    [
        ("celular,nombre,código", "--column to=celular"),
        ("Número de teléfono,nombre,código", '--column "to=Número de teléfono"'),
        ("to,nombres,código", "--column nombre=nombres"),
        ("to,nombre,codigo", "--column código=codigo"),
        ("to,nombre,x", "--column código=NAME"),
        ("Celular,Nombres,Codigo", "--column to=Celular --column nombre=Nombres --column código=Codigo"),
    ],
)
async def test_a_column_that_is_missing_is_named_with_the_one_that_may_be_meant(
    tmp_path: Path, header: str, says: str
) -> None:
    with pytest.raises(InvalidInput) as caught:
        await planned(written(tmp_path, f"{header}\n{ANA},Ana,A1\n"), OFFER)

    assert str(caught.value).endswith(says)


async def test_a_row_without_a_number_names_the_key_that_may_hold_it(tmp_path: Path) -> None:
    lines = tmp_path / "people.jsonl"
    rows = [{"phone": ANA, "nombre": "Ana", "código": "A1"}, {"nombre": "Bea", "código": "B1"}]
    lines.write_text("".join(f"{json.dumps(row)}\n" for row in [*rows, {"to": BRUNO, **rows[1]}]))

    for people in (str(lines), [*rows, {"to": BRUNO, **rows[1]}]):
        made = await planned(people, OFFER)

        assert made.numbers == [BRUNO]
        assert [out.detail for out in made.rejections] == [
            "there is no number: if phone is meant, say --column to=phone",
            "there is no number: give one, or leave the row out",
        ]


async def test_a_row_of_a_program_that_calls_a_variable_otherwise_says_how() -> None:
    with pytest.raises(
        UnusableSource, match=r"1 missing variable\. In row 1: nombre is missing.*if Nombre is"
    ):
        await planned([{"to": ANA, "Nombre": "Ana", "código": "A1"}], OFFER)


@pytest.mark.parametrize(
    "again",
    [
        "to,nombre,código",
        "nombre,to,código",
        "TO,Nombre,Código",
        "telefono,nombre,código",
        '"to","nombre","código"',
        "to,nombre",
        "número,codigo,nombre",
    ],
)
async def test_a_second_header_stops_the_file_with_its_row(tmp_path: Path, again: str) -> None:
    text = f"to,nombre,código\n{ANA},Ana,A1\n{again}\n{BRUNO},Bruno,B1\n"

    with pytest.raises(UnusableSource, match=r"row 3: a second header") as stop:
        await planned(written(tmp_path, text), OFFER)
    assert stop.value.row == 3


@pytest.mark.parametrize(
    "again",
    [
        "Teléfono,Cupón,Nombre y apellido",
        "Tel. 2,Cupón,Cliente",
        "phone,code,name",
        "N° de celular,x,y",
        "WhatsApp,,a",
    ],
)
async def test_a_second_header_with_other_names_stops_it_too(tmp_path: Path, again: str) -> None:
    text = f"to,nombre,código\n{ANA},Ana,A1\n{again}\n{BRUNO},B1,Bruno\n"

    with pytest.raises(UnusableSource, match=r"row 3: a second header"):
        await planned(written(tmp_path, text), OFFER)


async def test_a_row_without_a_number_is_no_header(tmp_path: Path) -> None:
    text = f"to,nombre,código\n{ANA},Ana,A1\nto,Ana,A1\n,nombre,código\nsin teléfono,Ana,A\n"

    made = await planned(written(tmp_path, text), OFFER)

    assert [row for row, _, _ in made.reasons] == [3, 4, 5]


@pytest.mark.parametrize("by", [",", ";", "\t"])
@pytest.mark.parametrize(
    "title", ["Clientes activos", "Clientes{by}{by}", "Lista\n\nal 15/03/2026, 18:30", "Hola, vos"]
)
async def test_a_title_above_the_header_is_passed_over_and_said(tmp_path: Path, by: str, title: str) -> None:
    rows = [by.join(["to", "nombre", "código"]), by.join([ANA, "Ana", "A1"])]
    path = written(tmp_path, "\n".join([title.replace("{by}", by), *rows]))

    made = await planned(path, OFFER)

    assert made.people == [{"to": ANA, "variables": {"nombre": "Ana", "código": "A1"}}]
    (note,) = made.plan.notes
    assert f"row {title.count(chr(10)) + 2} of {path} is taken for its header" in note


async def test_a_row_with_a_number_above_the_header_is_no_title(tmp_path: Path) -> None:
    with pytest.raises(
        UnusableSource, match=r"no header: its first row holds a number.*to, nombre, código"
    ) as no:
        await planned(written(tmp_path, f"{BRUNO},Bruno,B1\nto,nombre,código\n{ANA},Ana,A1\n"), OFFER)
    assert BRUNO not in str(no.value)


async def test_columns_without_a_name_are_not_used_and_named(tmp_path: Path) -> None:
    head: list[str | float] = ["to", "nombre", "código", "", ""]
    book = workbook(tmp_path / "a.xlsx", A=[head, [ANA, "Ana", "A1", "", "llamar"]])
    text = written(tmp_path, f"to;nombre;código;;\n{ANA};Ana;A1;;llamar\n;;;;\n")

    for path in (book, text):
        made = await planned(path, OFFER)

        assert made.people == [{"to": ANA, "variables": {"nombre": "Ana", "código": "A1"}}]
        assert made.plan.ignored_columns == ("column 4", "column 5")
        assert made.plan.read == 1


class LikePandas:
    """The part of a pandas DataFrame that is used."""

    def __init__(self, *columns: object) -> None:
        self.columns = columns

    def itertuples(self, *, index: bool, name: None) -> list[tuple[object, ...]]:
        return [(ANA, "Ana", "A1")]


class LikePolars:
    """The part of a polars DataFrame that is used."""

    def __init__(self, *columns: str) -> None:
        self.columns = columns

    def iter_rows(self, *, named: bool) -> Iterator[dict[str, object]]:
        yield dict(zip(self.columns, (ANA, "Ana", "A1"), strict=True))


async def test_the_columns_of_a_polars_frame_have_the_names_that_are_seen() -> None:
    assert (await planned(LikePolars("to\ufeff", " nombre", "co\u0301digo"), OFFER)).numbers == [ANA]  # type: ignore[arg-type]
    with pytest.raises(UnusableSource, match="two columns named 'to'"):
        await planned(LikePolars("to", "to\u200b", "código"), OFFER)  # type: ignore[arg-type]


async def test_the_columns_of_a_data_frame_are_found_and_named_as_those_of_a_file() -> None:
    for frame in (LikePandas, LikePolars):
        assert (await planned(frame("TO", "Nombre", "Código​"), OFFER)).numbers == [ANA]  # type: ignore[arg-type]
        with pytest.raises(TemplateUnusable, match="--column código=codigo"):
            await planned(frame("to", "nombre", "codigo"), OFFER)  # type: ignore[arg-type]
        with pytest.raises(UnusableSource, match=r"data frame has no column 'to'.* to=Celular"):
            await planned(frame("Celular", "nombre", "código"), OFFER)  # type: ignore[arg-type]
        named = {"to": "celular", "código": "CODIGO"}
        renamed = await planned(frame("Celular", "nombre", "codigo"), OFFER, columns=named)  # type: ignore[arg-type]
        assert renamed.people == [{"to": ANA, "variables": {"nombre": "Ana", "código": "A1"}}]


async def test_two_columns_of_one_name_in_a_data_frame_are_refused_as_in_a_file() -> None:
    with pytest.raises(UnusableSource, match="two columns named 'nombre'"):
        await planned(LikePandas("to", "nombre", "nombre "), OFFER)  # type: ignore[arg-type]
    assert (await planned(LikePandas("to\ufeff", "nombre", "co\u0301digo"), OFFER)).numbers == [ANA]  # type: ignore[arg-type]


async def test_a_column_that_tells_about_numbers_is_not_proposed_for_them(tmp_path: Path) -> None:
    head = "First Name,Phone 1 - Label,Phone 1 - Value"
    with pytest.raises(UnusableSource, match='"to=Phone 1 - Value"'):
        await planned(written(tmp_path, f"{head}\nAna,Mobile,{ANA}\n"), OFFER)


@given(st.text(max_size=8), st.lists(st.text(max_size=8), max_size=4))
def test_what_is_found_or_near_is_one_of_the_columns(name: str, columns: list[str]) -> None:
    assert found_in(columns, name) in {None, *columns}
    assert nearest(name, columns) in {None, *columns}
    assert visible(visible(name)) == visible(name)


NUMBER_AS_NAME = {
    "ignored.csv": "to,nombre,código,+5491155550199\n+5491155550101,Ana,A1,x\n",
    "headless.csv": "+5491155550199,Ana,A1\n+5491155550198,Bea,A2\n",
    "missing.csv": "to,nombre,+54 9 11 5555-0199\n+5491155550101,Ana,A1\n",
    "twice.csv": "to,nombre,código,5491155550199,5491155550199\n+5491155550101,Ana,A1,x,y\n",
    "extra.jsonl": '{"to":"+5491155550101","variables":{"nombre":"A","código":"1","5491155550199":"x"}}\n',
    "field.jsonl": '{"to":"+5491155550101","nombre":"A","código":"1","5491155550199":"x"}\n',
}


@pytest.mark.parametrize("name", NUMBER_AS_NAME)
async def test_a_number_that_stands_where_a_name_should_is_shown_to_nobody(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(NUMBER_AS_NAME[name], encoding="utf-8")
    try:
        made = await planned(str(tmp_path / name), OFFER)
        said = f"{made.plan.ignored_columns}"
    except InvalidInput as error:
        said = f"{error} {error.field} {error.value}"

    assert "…0199" in said or "has no header" in said
    assert "5555" not in said
