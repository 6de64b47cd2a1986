"""Planning, measured: ours beside scripts that people write, in one process, interleaved.

    python benchmarks/plan.py [--people 50000] [--million] [--rounds 7] [--only jsonl,dicts,csv,parquet]

Every round runs every rival once, in turn, so that a slow moment of the machine hits all of them. Printed
are the median and the spread in microseconds of the processor a recipient, because others on the machine make
any other time meaningless (a rival that uses all processors is charged for all); and the ratios that matter,
each the median of the rounds' own ratios. "Dirty" is the same list with 1 % bad rows and 1 % duplicates;
"plain-csv" has no value that needs a quote; "no marks" leaves out of ours what no rival writes: a mark in
each person, by which webhooks are told apart.

Before the clock starts, the bodies of every rival are decoded and compared with ours: the same people, in
the same order, cut into the same chunks. Left out of that are the floors, which check nothing and cut no
chunks: "floor" reads and writes what we do, "bare cells" writes the lists of csv.reader without the names
that a body has. Left out of all: the HTTP requests, the journal's disk (the bodies go nowhere), and the
reasons for rows not sent, which ours has and the scripts have not.
"""

import argparse
import csv
import gc
import hashlib
import io
import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import anyio
import msgspec

from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.marks import MARK_KEY
from keebai_async.model.opt_outs import PAGES
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.sender import Sender
from keebai_async.model.template import Template
from keebai_async.planning.options import PlanOptions
from keebai_async.planning.plan import make_plan
from keebai_async.sources import PeopleLike, open_source

sys.path.insert(0, str(Path(__file__).parent))
from rivals import BAD, CHUNK, E164, MOBILE, Keep, Runner, lean_lines, lean_table, with_polars

TEMPLATE = Template(name="promo", language="es", status="APPROVED", variables=("nombre", "saldo"))
HEADER = ("to", "nombre", "saldo", "meta_order")
Person = dict[str, object]


def number(n: int) -> str:
    """One of 90 million mobiles, in no order, so that neighbours in a list are not neighbours in memory."""
    return f"+54911{10_000_000 + n * 7_919 % 90_000_000}"


def people(count: int, *, dirty: bool, point: str = ",") -> list[Person]:
    """Rows in the service's shape; dirty: 1 % cannot be sent, 1 % repeat the row before."""
    rows: list[Person] = []
    for n in range(count):
        row: Person = {
            "to": number(n),
            "variables": {"nombre": f"María José {n}", "saldo": f"$ {n}{point}50"},
            "meta_data": {"order": f"A-{n}"},
        }
        if dirty and n % 100 == 17:
            row["to"] = "011 15-5555-1111"
        elif dirty and n % 100 == 43:
            row["to"] = rows[-1]["to"]
        rows.append(row)
    return rows


REST = 0.05
"""Seconds for which threads of a rival that wait by turning may go on at the cost of the next one."""
NOBODY_OUT = (0,) * PAGES


class Nowhere(MemoryJournal):
    """A journal that hands on the bodies and keeps nothing: what is measured is the planning."""

    def __init__(self, keep: Keep = len) -> None:
        super().__init__()
        self.keep = keep

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        self.keep(items)

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None: ...

    async def opt_out_changes(self) -> tuple[int, ...]:
        return NOBODY_OUT

    async def freeze(self, *plans: Plan) -> None: ...

    async def discard(self, campaign_id: str) -> None: ...


async def planning(
    source: PeopleLike, journal: Nowhere | None = None, *, options: PlanOptions | None = None
) -> Plan:
    return await make_plan(
        open_source(source),
        campaign_id="bench",
        name="bench",
        template=TEMPLATE,
        sender=Sender(phone_number_id="1"),
        journal=journal or Nowhere(),
        created_at=0.0,
        service="keebai",
        largest_chunk=5_000,
        options=options or PlanOptions(),
    )


def ours(source: PeopleLike, *, marks: bool = True) -> Runner:
    """With *marks* in each person, as a plan has them unless it is told otherwise."""

    async def plan(keep: Keep) -> int:
        return (await planning(source, Nowhere(keep), options=PlanOptions(marks=marks))).ready

    return lambda keep: anyio.run(plan, keep)


def script(rows: Callable[[], Iterator[Person]]) -> Runner:
    """The same checks, as a careful person writes them with json, re and set."""

    def run(keep: Keep) -> int:
        seen: set[str] = set()
        ready: list[Person] = []
        for row in rows():
            to = str(row["to"]).strip()
            variables = row.get("variables")
            if not E164.fullmatch(to) or not isinstance(variables, dict):
                continue
            if set(variables) != set(TEMPLATE.variables):
                continue
            if any(
                not isinstance(v, str) or not v.strip() or len(v) > 1024 or BAD.search(v)
                for v in variables.values()
            ):
                continue
            person = MOBILE.sub(r"+\1\2\3", to)
            if person in seen:
                continue
            seen.add(person)
            ready.append({"to": to, "variables": variables, "meta_data": row.get("meta_data", {})})
        for start in range(0, len(ready), CHUNK):
            keep(json.dumps(ready[start : start + CHUNK]).encode())
        return len(ready)

    return run


def pydantic(rows: Callable[[], Iterator[Person]]) -> Runner:
    """A model per row, which checks what it can, and a set; one call writes a chunk."""
    from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, field_validator

    value = Annotated[str, Field(min_length=1, max_length=1024, strict=True)]

    class Values(BaseModel):
        model_config = ConfigDict(extra="forbid")
        nombre: value
        saldo: value

        @field_validator("nombre", "saldo")
        @classmethod
        def clean(cls, value: str) -> str:
            if BAD.search(value) or not value.strip():
                raise ValueError("whitespace")
            return value

    class Model(BaseModel):
        model_config = ConfigDict(extra="forbid")
        to: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]
        variables: Values
        meta_data: dict[str, Any] = {}

    write = TypeAdapter(list[Model]).dump_json

    def run(keep: Keep) -> int:
        seen: set[str] = set()
        ready: list[Model] = []
        for row in rows():
            try:
                model = Model.model_validate(row)
            except ValidationError:
                continue
            person = MOBILE.sub(r"+\1\2\3", model.to)
            if person not in seen:
                seen.add(person)
                ready.append(model)
        for start in range(0, len(ready), CHUNK):
            keep(write(ready[start : start + CHUNK]))
        return len(ready)

    return run


def lines(path: Path) -> Callable[[], Iterator[Person]]:
    def read() -> Iterator[Person]:
        with path.open(encoding="utf-8") as file:
            for line in file:
                yield json.loads(line)

    return read


def orjson_lines(path: Path) -> Callable[[], Iterator[Person]]:
    import orjson

    def read() -> Iterator[Person]:
        with path.open("rb") as file:
            yield from map(orjson.loads, file)

    return read


def table(path: Path) -> Callable[[], Iterator[Person]]:
    def read() -> Iterator[Person]:
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                yield {
                    "to": row["to"],
                    "variables": {"nombre": row["nombre"], "saldo": row["saldo"]},
                    "meta_data": {"order": row["meta_order"]},
                }

    return read


def floor_lines(path: Path) -> Runner:
    """Decode and encode, no checks."""

    def run(keep: Keep) -> int:
        done = 0
        decoder, encoder = msgspec.json.Decoder(Floor), msgspec.json.Encoder()
        with path.open("rb") as file:
            while block := file.read(24 * 1024):
                rows = decoder.decode_lines(block + file.readline())
                encoder.encode(rows)
                done += len(rows)
        return done

    return run


def floor_dicts(rows: list[Person]) -> Runner:
    def run(keep: Keep) -> int:
        encoder = msgspec.json.Encoder()
        for start in range(0, len(rows), 250):
            encoder.encode(rows[start : start + 250])
        return len(rows)

    return run


def csv_floor(path: Path, made_of: Callable[[list[list[str]]], object]) -> Runner:
    """The standard library's reader, and what *made_of* makes of its rows as JSON, no checks."""

    def run(keep: Keep) -> int:
        done = 0
        encoder = msgspec.json.Encoder()
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            while rows := list(islice(reader, 250)):
                encoder.encode(made_of(rows))
                done += len(rows)
        return done

    return run


def floor_csv(path: Path) -> Runner:
    """Bodies in the service's shape."""

    def bodies(rows: list[list[str]]) -> object:
        to, nombre, saldo, order = zip(*rows, strict=True)
        return list(map(FloorRow, to, map(Variables, nombre, saldo), map(Order, order)))

    return csv_floor(path, bodies)


def bare_cells(path: Path) -> Runner:
    """The reader's lists as they are: no bodies that anybody would take."""
    return csv_floor(path, lambda rows: rows)


class Variables(msgspec.Struct, gc=False):
    nombre: str
    saldo: str


class Order(msgspec.Struct, gc=False):
    order: str


class FloorRow(msgspec.Struct, gc=False):
    to: str
    variables: Variables
    meta_data: Order


class Floor(msgspec.Struct, gc=False):
    to: str
    variables: Variables
    meta_data: msgspec.Raw


def agree(rivals: dict[str, Runner]) -> None:
    """Raises AssertionError unless all rivals give the same people in the same order and chunks."""
    expected: list[str] = []
    for name, run in rivals.items():
        if name in {"floor", "bare cells"}:
            continue
        bodies: list[bytes] = []
        run(bodies.append)
        chunks = [meaning(body) for body in bodies]
        expected = expected or chunks
        assert chunks == expected, f"{name} gives other bodies than ours"


def meaning(body: bytes) -> str:
    """A hash of what a body says, but for our marks, however its keys are ordered and its text is escaped."""
    people_of = json.loads(body)
    for each in people_of:
        if not each.get("meta_data", {}).pop(MARK_KEY, None) or each["meta_data"]:
            continue
        del each["meta_data"]  # nothing else was in it
    return hashlib.sha256(json.dumps(people_of, sort_keys=True).encode()).hexdigest()


def compare(
    title: str, rivals: dict[str, Runner], count: int, rounds: int, *, dirty: dict[str, Runner] | None = None
) -> dict[str, list[float]]:
    """Run the rivals in turn; print the median of each, and return all, in microseconds a recipient.

    All rivals must agree about the *dirty* list too; timed there are only ours.
    """
    agree(rivals)
    if dirty is not None:
        agree(dirty)
        rivals = rivals | {"ours, dirty": dirty["ours"]}
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    for _ in range(rounds):
        for name, run in rivals.items():
            gc.collect()
            time.sleep(REST)
            start = time.process_time()
            run(len)
            taken[name].append((time.process_time() - start) / count * 1e6)
    print(f"\n{title}: {count:,} people, {rounds} rounds, us a recipient: median (least to most)")
    for name, times in taken.items():
        print(f"  {name:<28}{statistics.median(times):8.2f}   ({min(times):.2f} to {max(times):.2f})")
    return taken


def ratio(taken: dict[str, list[float]], over: str, under: str, **goals: float) -> None:
    """Print how many times *over* takes what *under* does, as the median of the rounds."""
    ratios = [a / b for a, b in zip(taken[over], taken[under], strict=True)]
    goal(f"{over} / {under}", statistics.median(ratios), **goals, spread=(min(ratios), max(ratios)))


def goal(
    words: str,
    value: float,
    *,
    least: float | None = None,
    most: float | None = None,
    spread: tuple[float, float] | None = None,
) -> None:
    met = (least is None or value >= least) and (most is None or value <= most)
    between = "" if spread is None else f" ({spread[0]:.2f} to {spread[1]:.2f})"
    wanted = f"goal {'>=' if least else '<='} {least or most}"
    print(f"  {words}: {value:.2f}{between}, {wanted}{'' if met else ': MISSED'}")


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--people", type=int, default=50_000)
    arguments.add_argument("--million", action="store_true", help="1,000,000 people too")
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--only", default="jsonl,dicts,csv,parquet,plain-csv")
    chosen = arguments.parse_args()
    for count in (chosen.people, *([1_000_000] if chosen.million else [])):
        with tempfile.TemporaryDirectory() as folder:
            measure(count, Path(folder), set(chosen.only.split(",")), chosen.rounds)


def measure(count: int, folder: Path, kinds: set[str], rounds: int) -> None:
    clean, dirty = (Lists(people(count, dirty=bad), folder, f"{bad}") for bad in (False, True))
    if "jsonl" in kinds:
        taken = compare("JSON Lines", of_lines(clean.jsonl), count, rounds, dirty=of_lines(dirty.jsonl))
        ratio(taken, "ours", "floor", most=3.0)
        ratio(taken, "ours, no marks", "floor", most=3.0)
        print("    ours over the floor: numbers and their keys, values, who is known, hash, file in a thread")
        ratio(taken, "orjson + pydantic", "ours", least=8.0)
        ratio(taken, "lean msgspec", "ours", least=1.0)
        ratio(taken, "ours, dirty", "ours", most=2.0)
    if "dicts" in kinds:
        taken = compare("dicts", of_dicts(clean.rows), count, rounds, dirty=of_dicts(dirty.rows))
        ratio(taken, "script", "ours", least=3.5)
        ratio(taken, "pydantic", "ours", least=4.5)
        ratio(taken, "ours, dirty", "ours", most=2.0)
    if "csv" in kinds:
        taken = compare("CSV", of_table(clean.csv), count, rounds, dirty=of_table(dirty.csv))
        ratio(taken, "script", "ours", least=6.0)
        ratio(taken, "lean msgspec", "ours", least=1.0)
        ratio(taken, "ours", "floor", most=2.0)
        ratio(taken, "ours, no marks", "floor", most=2.0)
        ratio(taken, "ours", "bare cells", most=2.0)
        print(
            "    bare cells have no names: making bodies of them is the floor, which is nearer to that goal"
        )
        ratio(taken, "ours, dirty", "ours", most=2.0)
    if "parquet" in kinds:
        columnar(clean.rows, folder / "people.parquet")
        taken = compare("Parquet", of_parquet(folder / "people.parquet", clean.csv), count, rounds)
        ratio(taken, "ours", "ours, CSV", most=1.0)
    if "plain-csv" in kinds:
        plain = Lists(people(count, dirty=False, point="."), folder, "plain")
        taken = compare("CSV without quotes", of_table(plain.csv), count, rounds)
        ratio(taken, "script", "ours", least=6.0)
        ratio(taken, "ours", "floor", most=2.0)
        ratio(taken, "ours, no marks", "floor", most=2.0)
        ratio(taken, "ours", "bare cells", most=2.0)
        print(
            "    bare cells have no names: making bodies of them is the floor, which is nearer to that goal"
        )


def of_lines(path: Path) -> dict[str, Runner]:
    return {
        "ours": ours(path),
        "ours, no marks": ours(path, marks=False),
        "script": script(lines(path)),
        "orjson + pydantic": pydantic(orjson_lines(path)),
        "lean msgspec": lean_lines(path),
        "floor": floor_lines(path),
    }


def of_dicts(rows: list[Person]) -> dict[str, Runner]:
    return {
        "ours": ours(rows),
        "ours, no marks": ours(rows, marks=False),
        "script": script(lambda: iter(rows)),
        "pydantic": pydantic(lambda: iter(rows)),
        "floor": floor_dicts(rows),
    }


def of_table(path: Path) -> dict[str, Runner]:
    return {
        "ours": ours(path),
        "ours, no marks": ours(path, marks=False),
        "script": script(table(path)),
        "lean msgspec": lean_table(path),
        **with_polars(path),
        "floor": floor_csv(path),
        "bare cells": bare_cells(path),
    }


def of_parquet(path: Path, table_path: Path) -> dict[str, Runner]:
    return {"ours": ours(path), "ours, CSV": ours(table_path), **with_polars(path)}


class Lists:
    """The same people as dicts, as JSON Lines and as CSV."""

    def __init__(self, rows: list[Person], folder: Path, name: str) -> None:
        self.rows = rows
        self.jsonl, self.csv = folder / f"{name}.jsonl", folder / f"{name}.csv"
        write(rows, self.jsonl, self.csv)


def write(rows: list[Person], jsonl: Path, table_path: Path) -> None:
    jsonl.write_bytes(b"".join(msgspec.json.encode(row) + b"\n" for row in rows))
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(HEADER)
    for row in rows:
        variables, meta_data = row["variables"], row["meta_data"]
        assert isinstance(variables, dict)
        assert isinstance(meta_data, dict)
        writer.writerow([row["to"], variables["nombre"], variables["saldo"], meta_data["order"]])
    table_path.write_text(text.getvalue(), encoding="utf-8", newline="")


def columnar(rows: list[Person], path: Path) -> None:
    """The same people as Parquet."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    flat = []
    for row in rows:
        variables, meta_data = row["variables"], row["meta_data"]
        assert isinstance(variables, dict)
        assert isinstance(meta_data, dict)
        flat.append({"to": row["to"], **variables, "meta_order": meta_data["order"]})
    pq.write_table(pa.Table.from_pylist(flat), path)


if __name__ == "__main__":
    main()
