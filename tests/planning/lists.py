"""Lists of people in every form that we read, clean and dirty, the same at every run and in every version.

What a version after 0.1 reads in another way on purpose (`tel:`, invisible marks, `{{nombre}}`, a key that is
twice in an object, `1E5` and `1.0` in JSON) is not in them. Nothing
of the package but `Recipient` and the options of a plan is used, so that any version of it can
be asked what it makes of them.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pyarrow as pa  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]

from keebai_async import Guards, PlanOptions, Recipient
from tests.planning.workbook import workbook

ROWS = 1_300
BODY = '{"type":"BODY","text":"Hola {{nombre}}, te quedan {{saldo}}. %s"}'
NUMBERS = (
    "", " ", "+", "+0541155555555", "+549", "+5491177777777555", "5491177777777", "011 15-5555-1111",
    "5.49116E+12", "5491177777777.5", "+\u0665\u0664\u0669\u0661\u0661\u0665", "+5491177777777\n",
    "+5491177777777\n+5491155555556", "*+5491177777777", "+5491177777777 / +5491166666666",
    "Tel +5491177777777", "+5491177777777x", "'+5491166666666", " +5491166666667\t",
)  # fmt: skip
VALUES = (
    "", " ", "\u3000", "\u2009", "a\nb", "a\r\nb", "a\tb", "a     b", "a    b", "a\u2028b", "a\x85b",
    "a\x7fb", "x" * 1_024, "x" * 1_025, "\U0001f468" * 400, "5.49E+12", "E+", "=1+1", "{nombre}",
    "Pe\u00f1a, Juli\u00e1n", 'Roberto "Tito"', "\\n", "\\", "|", "\u0627\u0644\u0639", "e\u0301", "true",
)  # fmt: skip
ODD: tuple[object, ...] = (None, True, 0, -1.5, 10**14, 0.25, [], {}, ["a"], {"a": "b"}, 7, 12.50)
BROKEN = (
    "", "   ", "[]", "null", "7", '"text"', "{", '{"to":', '{"to":"+5491155555555"}}', "[" * 3_000,
    '{"to":"+5491155555555","variables":[]}', '{"to":"+5491155555555","variables":null,"meta_data":{}}',
    '{"to":"+5491155555555","nombre":"a","saldo":"b"}{"to":"+5491155555556","nombre":"a","saldo":"b"}',
    '{"to":"+5491155555578","variables":{"nombre":"\\ud800","saldo":"c"}}', ' { "to" : "+5491155555579" } ',
    '{"to":"+5491155555580","variables":{"nombre":"a","saldo":-0},"meta_data":{"x": 1.10}}',
    '{"to":"+5491155555581","variables":{"nombre":1.10,"saldo":105},"meta_data":{ }}',
    '{"to":"+5491155555582","variables":{"nombre":"a","saldo":"b"},"meta_data":null,"otra":1}',
    '{"to":"+5491155555583","nombre":-0.5,"saldo":12345678901234567890,"meta_x":1.10,"meta_y":-0}',
)  # fmt: skip

Row = dict[str, object]


class Case(NamedTuple):
    """A list, the JSON of its template's body if the service shows that, and what is asked of the plan."""

    people: object
    body: str | None = None
    options: PlanOptions = PlanOptions()
    columns: dict[str, str] | None = None


def number(place: int) -> str:
    """A mobile of Argentina, Mexico or Brazil; every 19th is somebody from before in another spelling."""
    again = place % 19 == 18
    place -= 9 * again
    local = 10_000_000 + place * 7_919 % 60_000_000
    spellings = (("+54911", "+5411"), ("+52155", "+5255"), ("+55119", "+5511"))[place % 3]
    return f"{spellings[again]}{local if place % 3 < 2 else 70_000_000 + local % 9_999_999}"


def clean(place: int) -> Row:
    """A row in the service's own shape."""
    row: Row = {"to": number(place), "variables": {"nombre": f"María {place}", "saldo": f"$ {place},50"}}
    return row | ({"meta_data": {"order": place, "ñ": [None, 1.5]}} if place % 2 else {})


def dirty(place: int) -> Row:
    """The same; past the first 500 rows, of which a whole block is clean, with something in every third."""
    row = clean(place)
    values = {"nombre": f"María {place}", "saldo": f"$ {place},50"}
    if place < 500 or place % 3:
        return row
    step = place // 3
    match step % 6:
        case 0:
            row["to"] = NUMBERS[step // 6 % len(NUMBERS)]
        case 1:
            row["variables"] = values | {"saldo": VALUES[step // 6 % len(VALUES)]}
        case 2:
            row["variables"] = values | {"nombre": ODD[step // 6 % len(ODD)]}
        case 3:
            row["variables"] = {"nombre": "Ana"} if step % 12 < 6 else values | {"sobra": 1}
        case 4:
            row["meta_data"] = ODD[step // 6 % len(ODD)]
        case _:
            row["otra"] = "x"
    return row


def flat(row: Row) -> Row:
    """A row in the service's own shape as one with a column for each thing, if it can be one."""
    variables, metas = row.get("variables"), row.get("meta_data")
    made = {name: value for name, value in row.items() if name not in {"variables", "meta_data"}}
    made |= variables if isinstance(variables, dict) else {}
    return made | (
        {f"meta_{name}": value for name, value in metas.items()} if isinstance(metas, dict) else {}
    )


def renamed(place: int) -> Row:
    """A row of a list that has its own words for ours."""
    row = dirty(place)
    return {{"to": "phone", "variables": "vars"}.get(name, name): value for name, value in row.items()}


class Opaque:
    """What no JSON can hold."""

    def __repr__(self) -> str:
        return "opaque"


def cells(make: Callable[[int], Row]) -> Iterator[list[object]]:
    """The rows of a table under `to, nombre, meta_n, saldo, ciudad`."""
    for place in range(ROWS):
        row = flat(make(place))
        yield [row["to"], row.get("nombre"), place % 40, row.get("saldo"), "Córdoba"]


HEADER = ["to", "nombre", "meta_n", "saldo", "ciudad"]


def json_lines(path: Path, make: Callable[[int], Row], *, broken: bool = False) -> Path:
    def lines() -> Iterator[str]:
        for place in range(ROWS):
            if broken and place > 800 and place % 7 == 0:
                yield BROKEN[place // 7 % len(BROKEN)]
            yield json.dumps(make(place), ensure_ascii=place % 5 > 0, separators=(",", ":"))

    path.write_text("\n".join(lines()), encoding="utf-8", newline="")
    return path


def table(path: Path, make: Callable[[int], Row], *, quoting: int = csv.QUOTE_MINIMAL, by: str = ",") -> Path:
    text = io.StringIO(newline="")
    writer = csv.writer(text, quoting=quoting, delimiter=by)  # type: ignore[arg-type]  # of the csv module
    writer.writerow(HEADER)
    for place, row in enumerate(cells(make)):
        cut = make is dirty and place > 700 and place % 41 == 0
        writer.writerow(row[: place % 5] if cut and place % 2 else [*row, "uno", "dos"] if cut else row)
    path.write_text(text.getvalue(), encoding="utf-8", newline="")
    return path


def parquet(path: Path, make: Callable[[int], Row]) -> Path:
    def text(value: object) -> str | None:
        return None if value is None else str(value)

    to, names, metas, amounts, cities = zip(*cells(make), strict=True)
    columns = {
        "to": list(map(text, to)),
        "nombre": list(map(text, names)),
        "meta_n": list(metas),
        "saldo": [float(place) / 4 if make is clean else text(value) for place, value in enumerate(amounts)],
        "ciudad": list(cities),
    }
    pq.write_table(pa.table(columns), path, row_group_size=400)
    return path


def excel(path: Path, make: Callable[[int], Row]) -> Path:
    def cell(value: object) -> str | float:
        return value if isinstance(value, int | float) else str(value or "")

    def plain(place: int) -> Row:  # what XML cannot hold is for the other formats
        row = make(place)
        variables = row["variables"] if isinstance(row["variables"], dict) else {}
        tame = {name: "<>" if str(value) in VALUES else value for name, value in variables.items()}
        return row | {"to": str(row["to"]).strip("\n"), "variables": tame}

    rows = [[cell(value) for value in row] for row in cells(plain)]
    escaped = [
        [
            value.replace("&", "&amp;").replace("<", "&lt;") if isinstance(value, str) else value
            for value in row
        ]
        for row in rows
    ]
    return workbook(path, People=[list(HEADER), *escaped[:600], [], *escaped[600:]])


def objects() -> list[object]:
    """Dicts, Recipients, dicts with defaults, and what no list should hold."""
    rows: list[object] = []
    for place in range(ROWS):
        row = dirty(place)
        match place % 11 if place > 600 else 0:
            case 1:
                row = flat(row)
            case 2:
                rows.append(Recipient(to=number(place), variables={"nombre": "Ana", "saldo": "1"}))
                continue
            case 3:
                rows.append(defaultdict(str, row))
                continue
            case 4 if place % 2:
                rows.append(ODD[place % len(ODD)])
                continue
            case 5:
                row["variables"] = {"nombre": Decimal("12.50"), "saldo": place}
            case 6:
                row["meta_data"] = {"a": Decimal("1.10"), "b": Opaque() if place % 4 else b"bytes"}
        rows.append(row)
    return rows


def cases(folder: Path) -> dict[str, Case]:
    """The lists by name; their files are written to *folder*."""
    stop = folder / "stop.csv"
    stop.write_text("name;to\n" + "".join(f"x;{number(place)}\n" for place in range(3, 1_000, 101)))
    asked = PlanOptions(
        chunk_size=333,
        suppress=[stop, "+5491100000001"],
        fix_whitespace=True,
        extra_variables="drop",
        guards=Guards(canary=20),
    )
    tight = BODY % ("x" * 700)
    return {
        "csv": Case(table(folder / "clean.csv", clean)),
        "csv without quotes": Case(table(folder / "plain.csv", clean, by=";"), BODY % ""),
        "csv, all in quotes": Case(table(folder / "quoted.csv", clean, quoting=csv.QUOTE_ALL)),
        "csv, dirty": Case(table(folder / "dirty.csv", dirty)),
        "csv, dirty, asked": Case(table(folder / "asked.csv", dirty, by="\t"), tight, asked),
        "csv, other names": Case(folder / "dirty.csv", columns={"nombre": "ciudad", "meta_data": "x"}),
        "csv, the first 400": Case(folder / "dirty.csv", options=PlanOptions(limit=400, chunk_size=150)),
        "csv, a test": Case(folder / "dirty.csv", options=PlanOptions(test_to=["+5491199999999"])),
        "jsonl": Case(json_lines(folder / "clean.jsonl", clean)),
        "jsonl, flat": Case(json_lines(folder / "flat.jsonl", lambda place: flat(clean(place)))),
        "jsonl, dirty": Case(json_lines(folder / "dirty.jsonl", dirty, broken=True)),
        "jsonl, dirty, asked": Case(folder / "dirty.jsonl", tight, asked),
        "jsonl, other names": Case(
            json_lines(folder / "renamed.jsonl", renamed), columns={"to": "phone", "variables": "vars"}
        ),
        "jsonl, flat, dirty": Case(
            json_lines(folder / "dirty-flat.jsonl", lambda place: flat(dirty(place)), broken=True)
        ),
        "jsonl, numbers": Case(
            json_lines(
                folder / "numbers.jsonl",
                lambda place: clean(place) | {"variables": {"nombre": place + 0.25, "saldo": -place}},
                broken=True,
            )
        ),
        "jsonl, flat, numbers": Case(
            json_lines(
                folder / "flat-numbers.jsonl",
                lambda place: {"to": number(place), "nombre": place + 0.25, "saldo": -place, "meta_n": place},
            )
        ),
        "dicts": Case([clean(place) for place in range(ROWS)]),
        "dicts, flat": Case([flat(clean(place)) for place in range(ROWS)]),
        "dicts, dirty": Case([dirty(place) for place in range(ROWS)], BODY % ""),
        "dicts, flat, dirty, a generator": Case(flat(dirty(place)) for place in range(ROWS)),
        "objects": Case(objects(), options=PlanOptions(chunk_size=100)),
        "parquet": Case(parquet(folder / "clean.parquet", clean)),
        "parquet, dirty": Case(parquet(folder / "dirty.parquet", dirty), options=asked),
        "excel": Case(excel(folder / "clean.xlsx", clean)),
        "excel, dirty": Case(excel(folder / "dirty.xlsx", dirty), tight),
    }
