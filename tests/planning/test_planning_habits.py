"""A clean list, with habits of real lists at random rows: nobody is lost, changed or new.

A person who was ready stays ready, with the same number and text, or is rejected with a reason.
"""

import csv
import html
import io
import json
import re
import tempfile
import unicodedata
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Literal, NamedTuple

from hypothesis import given, settings
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identity
from keebai_async.model.template import Template
from keebai_async.planning.number_forms import calling_code
from keebai_async.planning.plan import PlanOptions
from keebai_async.sources.header import folded
from tests.planning.made import planned
from tests.planning.workbook import workbook

Habit = Callable[[str], str]
"""What becomes of a number."""


def code(to: str) -> str:
    """The plus and country code of a number."""
    return f"+{calling_code(to[1:])}"


def local(to: str) -> str:
    """The rest of it."""
    return to.removeprefix(code(to))


NUMBERS: list[Habit] = [
    lambda to: to,
    lambda to: f" {to} ",
    lambda to: f"'{to}",
    lambda to: f'="{to}"',
    lambda to: f"\u202a{to}\u202c",
    lambda to: f"\ufeff{to}\u200b",
    lambda to: f"{code(to)}\u00a0{local(to)}",
    lambda to: f"({code(to)}) {local(to)}",
    lambda to: f"+ {to[1:]}",
    lambda to: f"00{to[1:]}",
    lambda to: f"+00 {to[1:]}",
    lambda to: f"{to}.0",
    lambda to: f"tel:{to}",
    lambda to: f"https://wa.me/{to[1:]}",
    lambda to: f"{to[1:]}@s.whatsapp.net",
    lambda to: f"{code(to)} 0{local(to)}",
    lambda to: f"{code(to)}0{local(to)}",
    lambda to: to[1:],
    lambda to: f"{to[1:]}.0",
    lambda to: local(to),
    lambda to: f"0{local(to)}",
    lambda to: to[:-2],
    lambda to: f"{to}12",
    lambda to: f"{to[1:]}@lid",
    lambda to: f"{to} / {to[:-1]}9",
    lambda to: f"{float(to[1:]):.5E}",
    lambda to: f"{to[1:-6]}000000",
    lambda to: f"{to} int. 204",
    lambda to: "",
]
TEXTS: list[Habit] = [
    lambda text: text,
    lambda text: f'="{text}"',
    lambda text: "#N/A",
    lambda text: "#¡REF!",
    lambda text: "\\N",
    lambda text: "{{nombre}}",
    lambda text: "=BUSCARV(A2;B:C;2;0)",
    lambda text: "=A2",
    lambda text: "[object Object]",
    lambda text: text.replace("a", "\ufffd"),
    lambda text: "\u200b\u3164",
    lambda text: f"{text}\n",
    lambda text: "",
]
PLACES = [
    ("AR", ["+5491155550{:03}", "+541144440{:03}", "+5493513330{:03}"]),
    ("BR", ["+5511987650{:03}", "+555133330{:03}"]),
    ("MX", ["+525512340{:03}", "+528181230{:03}"]),
    ("UY", ["+59899123{:03}", "+59824123{:03}"]),
    ("PE", ["+51987654{:03}"]),
]


HEADERS: list[Habit] = [
    lambda name: name,
    str.upper,
    str.capitalize,
    lambda name: f" {name}\u00a0",
    lambda name: f"\ufeff{name}\u200b",
    lambda name: unicodedata.normalize("NFD", name),
]
HEADER = ["to", "nombre", "código"]
DIALLED: list[Habit] = [
    local,
    lambda to: f"0{local(to)}",
    lambda to: f"{local(to)[:3]} {local(to)[3:6]}-{local(to)[6:]}",
    lambda to: f"({local(to)[:2]}) {local(to)[2:6]} {local(to)[6:]}",
    lambda to: local(to)[2:],
    lambda to: f"{local(to)[:-4]}-{local(to)[-4:]}/99",
    lambda to: f"{local(to)} int. 204",
    lambda to: f"llamar al {local(to)} (Ana)",
]
"""What becomes of a number in a list of who said no."""
OFFER = Template(name="oferta", language="es", status="APPROVED", variables=("nombre", "código"))
ZOE = "+12025550123"
Rows = list[list[str]]


class Person(NamedTuple):
    """Somebody of the clean list, and the number and text that stand in the list of the habits."""

    to: str
    text: str
    number: str
    damaged: str

    @property
    def row(self) -> list[str]:
        return [self.number, self.damaged, "1"]


class Habits(NamedTuple):
    """What was done to a list; *row* and *column* say where."""

    header: Habit
    row: int
    column: int
    blanks: int
    """1: lines with nothing, 2: rows of empty cells."""
    over: int
    """Columns without a name: empty, or with a note in one row."""
    title: bool
    again: Rows
    """A second header, with the columns in another order, and perhaps other names."""

    def table(self, people: list[Person]) -> Rows:
        """The list as a table with a header."""
        order = [(self.column + at) % len(HEADER) for at in range(len(HEADER))]
        rows = [[ZOE, "Zoe", "1"], *(person.row for person in people)]
        where = 1 + self.row % len(rows)
        rows[where:where] = self.again
        rows = [list(map(self.header, HEADER)), *rows]
        rows = [[row[at] for at in order] + [""] * self.over for row in rows]
        if self.over == 2:
            rows[where][-1] = "llamar"
        if self.blanks:
            rows.insert(where, [""] * (len(rows[0]) if self.blanks == 2 else 0))
        return [["Clientes de marzo"], [], *rows] if self.title else rows


PEOPLE = st.tuples(
    st.sampled_from(PLACES),
    st.lists(
        st.tuples(st.integers(0, len(NUMBERS) - 1), st.integers(0, len(TEXTS) - 1), st.sampled_from("ntc")),
        min_size=1,
        max_size=20,
    ),
)
LISTS = st.builds(
    Habits,
    header=st.sampled_from(HEADERS),
    row=st.integers(0, 30),
    column=st.integers(0, 2),
    blanks=st.integers(0, 2),
    over=st.integers(0, 2),
    title=st.booleans(),
    again=st.sampled_from([[], [], [], [HEADER[::-1]], [["Teléfono", "Cupón", "Cliente"]]]),
)


def people_of(forms: list[str], habits: list[tuple[int, int, str]]) -> list[Person]:
    """People whose number, text, or neither is spelled in the way of a habit."""
    people = []
    for n, (number, damage, what) in enumerate(habits):
        to, text = forms[n % len(forms)].format(n), f"Aña {n}"
        spelled = NUMBERS[number](to) if what == "n" else to
        people.append(Person(to, text, spelled, TEXTS[damage](text) if what == "t" else text))
    return people


async def check(people: object, clean: list[Person], options: PlanOptions, *, left: int = 0) -> bool:
    """Whether there is a plan; in it nobody is lost, changed or new. *left* are left out without a reason."""
    try:
        made = await planned(people, OFFER, options=options)  # type: ignore[arg-type]  # any list
    except InvalidInput:  # that says what and where, see the tests of each kind
        return False
    ready = dict(zip(map(str, made.numbers), (one["variables"] for one in made.people), strict=True))
    assert ready.pop(ZOE) == {"nombre": "Zoe", "código": "1"}
    who = {identity(person.to): person.text for person in clean}
    for number, variables in ready.items():
        assert variables == {"nombre": who[identity(number)], "código": "1"}
    assert len(ready) + len(made.rejections) == len(clean) - left
    assert all(out.detail for out in made.rejections)
    return True


@given(
    PEOPLE,
    LISTS,
    st.sampled_from([",", ";", "\t", "|"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "cp1252"]),
    st.sampled_from(["", "sep", "stray", "inner", "escaped", "tail", "crlf", "all", "bom"]),
)
@settings(deadline=None, max_examples=120)
async def test_habits_of_a_text_lose_change_or_add_nobody(
    people: tuple[tuple[str, list[str]], list[tuple[int, int, str]]],
    habits: Habits,
    by: str,
    encoding: str,
    more: str,
) -> None:
    (region, forms), each = people
    clean = people_of(forms, each)
    rows = habits.table(clean)
    text = io.StringIO(newline="")
    end = "\r\n" if more == "crlf" else "\n"
    quoting: Literal[0, 1] = csv.QUOTE_ALL if more == "all" else csv.QUOTE_MINIMAL
    csv.writer(text, delimiter=by, lineterminator=end, quoting=quoting).writerows(rows)
    lines = text.getvalue().split(end)
    at = habits.row % len(lines)
    if more == "sep":
        lines.insert(0, f"sep={by}")
    elif more == "stray":
        lines[at] = lines[at].replace(f"{by}Aña", f'{by}"Aña', 1)
    elif more in {"inner", "escaped"}:
        quote = '\\"' if more == "escaped" else '"'
        lines[at] = re.sub(f"{re.escape(by)}(Aña [0-9]+)", rf'{by}"\1 {quote}Nena{quote}"', lines[at])
    elif more == "tail" and lines[at]:
        lines[at] += by * 2
    elif more == "bom":
        lines[0] = "\ufeff\ufeff" + lines[0]
    try:
        data = end.join(lines).encode(encoding)
    except UnicodeEncodeError:
        data = end.join(lines).encode()
    with tempfile.NamedTemporaryFile("wb", suffix=".csv") as file:
        file.write(data)
        file.flush()

        read = await check(file.name, clean, PlanOptions(default_region=region))

    may_stop = bool(habits.again) or more in {"stray", "sep", "bom"} or encoding == "cp1252"
    assert not (read and habits.again)
    assert read or may_stop


@given(PEOPLE, LISTS, st.sets(st.integers(0, 19), max_size=3), st.booleans())
@settings(deadline=None, max_examples=600)
async def test_habits_of_a_workbook_lose_change_or_add_nobody(
    people: tuple[tuple[str, list[str]], list[tuple[int, int, str]]],
    habits: Habits,
    hidden: set[int],
    as_numbers: bool,
) -> None:
    (region, forms), each = people
    clean = people_of(forms, each)
    table = habits.table(clean)
    rows: list[list[str | float]] = [
        [float(text[1:]) if as_numbers and text == ZOE else html.escape(text) for text in row]
        for row in table
    ]
    if as_numbers:
        rows = [[f"+{value:.0f}" if isinstance(value, float) else value for value in row] for row in rows]
    below = next(at for at, row in enumerate(table, start=1) if ZOE in row)
    marked = [below + 1 + n for n in hidden if below + 1 + n <= len(table) and table[below + n]]
    with tempfile.TemporaryDirectory() as folder:
        path = workbook(Path(folder) / "people.xlsx", Base=rows)
        hide(path, marked)
        headers = [number for number in marked if {"to", "teléfono"} & set(map(folded, table[number - 1]))]
        filled = sum(any(table[number - 1][:3]) for number in marked) - len(headers)

        read = await check(path, clean, PlanOptions(default_region=region), left=filled)

    assert read != (bool(habits.again) and not headers)


def hide(path: Path, numbers: list[int]) -> None:
    """Hide rows of the first sheet of a workbook."""
    with zipfile.ZipFile(path) as book:
        parts = {name: book.read(name) for name in book.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    for number in numbers:
        parts[sheet] = parts[sheet].replace(
            f'<row r="{number}">'.encode(), f'<row r="{number}" hidden="1">'.encode()
        )
    with zipfile.ZipFile(path, "w") as book:
        for name, part in parts.items():
            book.writestr(name, part)


@given(
    PEOPLE,
    st.lists(
        st.sampled_from(["flat", "nested", "twice", "key", "number", "broken"]), min_size=21, max_size=21
    ),
    st.booleans(),
)
@settings(deadline=None, max_examples=120)
async def test_habits_of_json_lines_and_dicts_lose_change_or_add_nobody(
    people: tuple[tuple[str, list[str]], list[tuple[int, int, str]]], kinds: list[str], as_file: bool
) -> None:
    (region, forms), each = people
    clean = people_of(forms, each)
    options = PlanOptions(default_region=region)
    everyone = [Person(ZOE, "Zoe", ZOE, "Zoe"), *clean]
    if not as_file:
        dicts = [dict_of(person, kind) for person, kind in zip(everyone, ["flat", *kinds], strict=False)]
        assert await check(dicts, clean, options)
        return
    lines = [line_of(person, kind) for person, kind in zip(everyone, ["flat", *kinds], strict=False)]
    with tempfile.NamedTemporaryFile("w", suffix=".jsonl", encoding="utf-8") as file:
        file.write("\n".join(lines))
        file.flush()

        assert await check(file.name, clean, options)


def dict_of(person: Person, kind: str) -> dict[str, object]:
    """A row in the service's own shape, or flat."""
    code_value: object = 1.0 if kind == "number" else "1"
    values: dict[str, object] = {"nombre": person.damaged, "código": code_value}
    if kind == "key":
        values["nombre "] = values.pop("nombre")
    if kind == "broken":
        values["nombre"] = [person.damaged]
    return {"to": person.number, "variables": values} if kind == "nested" else {"to": person.number, **values}


def line_of(person: Person, kind: str) -> str:
    """The same as a line of JSON; it may have a key twice, or be cut off."""
    line = json.dumps(dict_of(person, kind), ensure_ascii=len(person.text) % 2 == 0)
    if kind == "twice":
        return f'{line[:-1]}, "nombre": "Otra"}}'
    return line[:-3] if kind == "broken" else line


@given(
    PEOPLE,
    st.sets(st.integers(0, 19), min_size=1, max_size=8),
    st.sampled_from(["txt", "csv", "xlsx", "jsonl", "json", "utf-16"]),
    st.sampled_from(["", "to", "teléfono;motivo", "Bajas de marzo"]),
)
@settings(deadline=None, max_examples=60)
async def test_nobody_who_said_no_is_ready_whatever_the_habits_of_both_lists(
    people: tuple[tuple[str, list[str]], list[tuple[int, int, str]]], chosen: set[int], kind: str, head: str
) -> None:
    (region, forms), each = people
    clean = people_of(forms, each)
    out = [clean[at] for at in chosen if at < len(clean)]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"bajas.{'csv' if kind == 'utf-16' else kind}"
        if kind == "xlsx":
            held: list[list[str | float]] = [[head]] if head else []
            workbook(path, Bajas=held + [[person.to, "baja"] for person in out])
        elif kind == "json":
            path.write_text(json.dumps([{"to": person.to} for person in out], indent=len(out) % 3))
        elif kind == "jsonl":
            path.write_text("\n".join(json.dumps({"to": person.to}) for person in out))
        else:
            lines = [*([head] if head else []), *(f"{person.to};baja" for person in out)]
            path.write_text("\n".join(lines), encoding="utf-16" if kind == "utf-16" else "utf-8")
        rows = [[ZOE, "Zoe", "1"], *(person.row for person in clean)]
        people_list = [dict(zip(HEADER, row, strict=True)) for row in rows]
        options = PlanOptions(default_region=region, suppress=[path])

        made = await planned(people_list, OFFER, options=options)

    assert not {identity(person.to) for person in out} & {identity(str(number)) for number in made.numbers}
    assert made.plan.suppress_lists[0].numbers >= len({identity(person.to) for person in out})


@given(
    st.sampled_from(PLACES),
    st.lists(st.sampled_from([*NUMBERS, *DIALLED]), min_size=1, max_size=4),
    st.integers(0, 999),
    st.sampled_from(["txt", "csv", "xlsx", "jsonl"]),
    st.booleans(),
    st.sampled_from(["", "telefono", "cliente", "dni;celular"]),
)
@settings(deadline=None, max_examples=400)
async def test_nobody_who_said_no_is_ready_however_the_number_is_written_down(
    place: tuple[str, list[str]], habits: list[Habit], first: int, kind: str, told: bool, head: str
) -> None:
    region, forms = place
    out = [forms[n % len(forms)].format((first + n) % 1000) for n in range(len(habits))]
    written = [habit(to) for habit, to in zip(habits, out, strict=True)]
    rows = [["30123456", each] if ";" in head else [each] for each in written]
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"bajas.{kind}"
        if kind == "xlsx":
            workbook(path, Bajas=[*([head.split(";")] if head else []), *rows])  # type: ignore[list-item]
        elif kind == "jsonl":
            path.write_text("\n".join(json.dumps({"to": each}) for each in written))
        else:
            path.write_text("\n".join([*([head] if head else []), *map(";".join, rows)]), encoding="utf-8")
        people = [dict(zip(HEADER, [to, "Ana", "1"], strict=True)) for to in (ZOE, *out)]
        options = PlanOptions(default_region=region if told else None, suppress=[path])
        try:
            made = await planned(people, OFFER, options=options)
        except InvalidInput:  # that says where, see the tests of opt-outs
            return

    given_away = {to for to, each in zip(out, written, strict=True) if each}
    ready = {identity(str(number)) for number in made.numbers}
    cut = {identity(to) for to, each in zip(out, written, strict=True) if not is_whole(to, each)}
    assert not ({identity(to) for to in given_away} - cut) & ready


def is_whole(to: str, written: str) -> bool:
    """Whether what was written still has all digits that say who it is, and no others."""
    digits = re.sub("[^0-9]", "", written)
    return digits.endswith(local(to)[-8:]) or local(to)[-8:] in digits
