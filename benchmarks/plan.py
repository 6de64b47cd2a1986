"""Planning, measured: ours beside scripts that people write, in one process, interleaved.

    python benchmarks/plan.py [--people 50000] [--rounds 7] [--only jsonl,dicts,csv] [--dirty]

Every round runs every rival once, in turn, so that a slow moment of the machine hits all of them. Printed
are the median and the spread in microseconds a recipient, and the ratios that matter. All rivals must
give the same people in the same chunks.
"""

import argparse
import csv
import gc
import io
import json
import re
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Annotated, Any

import anyio
import msgspec

from keebai_async.campaign.planned import Plan
from keebai_async.campaign.recipient import Rejection
from keebai_async.keebai.models import Sender, Template
from keebai_async.planning.plan import make_plan
from keebai_async.sources import People, open_source

TEMPLATE = Template(name="promo", language="es", status="APPROVED", variables=("nombre", "saldo"))
HEADER = ("to", "nombre", "saldo", "meta_order")
CHUNK = 5_000
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
BAD = re.compile(r"[\x00-\x1f\x7f]| {5}")
MOBILE = re.compile(r"^\+(54)9|^\+(52)1|^\+(55[1-9]{2})9(?=[6-9][0-9]{7}$)")

Person = dict[str, object]
Runner = Callable[[], int]


def people(count: int, *, dirty: bool) -> list[Person]:
    """Rows in the service's shape; dirty: 1 % cannot be sent, 1 % repeat the row before."""
    rows: list[Person] = []
    for n in range(count):
        row: Person = {
            "to": f"+54911{10_000_000 + n}",
            "variables": {"nombre": f"María José {n}", "saldo": f"$ {n},50"},
            "meta_data": {"order": f"A-{n}"},
        }
        if dirty and n % 100 == 17:
            row["to"] = "011 15-5555-1111"
        elif dirty and n % 100 == 43:
            row["to"] = rows[-1]["to"]
        rows.append(row)
    return rows


class Nowhere:
    """A journal that keeps nothing but a count of bytes: what is measured is the planning."""

    def __init__(self) -> None:
        self.bytes = 0

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        self.bytes += len(items)

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None: ...

    async def freeze(self, plan: Plan) -> None: ...

    async def discard(self, campaign_id: str) -> None: ...


async def planning(source: People, journal: Nowhere | None = None) -> Plan:
    return await make_plan(
        open_source(source),
        campaign_id="bench",
        name="bench",
        template=TEMPLATE,
        sender=Sender(phone_number_id="1"),
        journal=journal or Nowhere(),  # type: ignore[arg-type]  # all of it that planning uses
        created_at=0.0,
    )


def ours(source: People) -> Runner:
    return lambda: anyio.run(planning, source).ready


def script(rows: Callable[[], Iterator[Person]]) -> Runner:
    """The same checks, as a careful person writes them with json, re and set."""

    def run() -> int:
        seen: set[str] = set()
        ready: list[Person] = []
        bodies = 0
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
            bodies += len(json.dumps({"recipients": ready[start : start + CHUNK]}).encode())
        return len(ready)

    return run


def pydantic(rows: Callable[[], Iterator[Person]]) -> Runner:
    """A model per row, which checks what it can, and a set."""
    from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

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

    def run() -> int:
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
            [model.model_dump_json() for model in ready[start : start + CHUNK]]
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

    def run() -> int:
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
    def run() -> int:
        encoder = msgspec.json.Encoder()
        for start in range(0, len(rows), 250):
            encoder.encode(rows[start : start + 250])
        return len(rows)

    return run


def floor_csv(path: Path) -> Runner:
    def run() -> int:
        done = 0
        encoder = msgspec.json.Encoder()
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            while rows := list(islice(reader, 250)):
                encoder.encode(rows)
                done += len(rows)
        return done

    return run


class Variables(msgspec.Struct, gc=False):
    nombre: str
    saldo: str


class Floor(msgspec.Struct, gc=False):
    to: str
    variables: Variables
    meta_data: msgspec.Raw


def compare(title: str, rivals: dict[str, Runner], count: int, rounds: int) -> dict[str, float]:
    """Run the rivals in turn; print and return the median of each, in microseconds a recipient."""
    taken: dict[str, list[float]] = {name: [] for name in rivals}
    ready: dict[str, int] = {}
    for _ in range(rounds):
        for name, run in rivals.items():
            gc.collect()
            start = time.perf_counter()
            ready[name] = run()
            taken[name].append((time.perf_counter() - start) / count * 1e6)
    print(f"\n{title}: {count:,} people, median of {rounds} rounds, us a recipient")
    medians = {name: statistics.median(times) for name, times in taken.items()}
    for name, times in taken.items():
        print(f"  {name:<28}{medians[name]:8.2f}   ({min(times):.2f} to {max(times):.2f})")
    checked = {count for name, count in ready.items() if not name.startswith("floor")}
    assert len(checked) == 1, f"the rivals disagree: {ready}"
    return medians


def goal(words: str, ratio: float, *, least: float | None = None, most: float | None = None) -> None:
    met = (least is None or ratio >= least) and (most is None or ratio <= most)
    print(
        f"  {words}: {ratio:.2f} (goal {'>=' if least else '<='} {least or most}){'' if met else '  MISSED'}"
    )


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    arguments.add_argument("--people", type=int, default=50_000)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments.add_argument("--only", default="jsonl,dicts,csv")
    arguments.add_argument("--dirty", action="store_true", help="1 %% bad rows and 1 %% duplicates")
    chosen = arguments.parse_args()
    rows = people(chosen.people, dirty=chosen.dirty)
    with tempfile.TemporaryDirectory() as folder:
        measure(rows, Path(folder), set(chosen.only.split(",")), chosen.rounds)


def measure(rows: list[Person], folder: Path, kinds: set[str], rounds: int) -> None:
    jsonl, table_path = folder / "people.jsonl", folder / "people.csv"
    write(rows, jsonl, table_path)
    count = len(rows)
    if "jsonl" in kinds:
        rivals = {
            "ours": ours(jsonl),
            "script": script(lines(jsonl)),
            "orjson + pydantic": pydantic(orjson_lines(jsonl)),
            "floor": floor_lines(jsonl),
        }
        medians = compare("JSON Lines", rivals, count, rounds)
        goal("ours / floor", medians["ours"] / medians["floor"], most=3.0)
        goal("orjson + pydantic / ours", medians["orjson + pydantic"] / medians["ours"], least=8.0)
    if "dicts" in kinds:
        rivals = {
            "ours": ours(rows),
            "script": script(lambda: iter(rows)),
            "pydantic": pydantic(lambda: iter(rows)),
            "floor": floor_dicts(rows),
        }
        medians = compare("dicts", rivals, count, rounds)
        goal("script / ours", medians["script"] / medians["ours"], least=3.5)
        goal("pydantic / ours", medians["pydantic"] / medians["ours"], least=4.5)
    if "csv" in kinds:
        rivals = {
            "ours": ours(table_path),
            "script": script(table(table_path)),
            "floor": floor_csv(table_path),
        }
        medians = compare("CSV", rivals, count, rounds)
        goal("script / ours", medians["script"] / medians["ours"], least=6.0)
        goal("ours / floor", medians["ours"] / medians["floor"], most=2.0)


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


if __name__ == "__main__":
    main()
