"""What a good engineer writes today instead: a lean script with msgspec, and one with polars.

Both check what ours does of numbers and texts that are right or plainly wrong, dedupe, and cut chunks. They
have no reasons, no rows of rejected people, no countries, and hold all people in memory.
"""

import csv
import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import msgspec

CHUNK = 5_000
E164 = re.compile(r"\+[1-9][0-9]{6,14}")
BAD = re.compile(r"[\x00-\x1f\x7f]| {5}")
MOBILE = re.compile(r"^\+(54)9|^\+(52)1|^\+(55[1-9]{2})9(?=[6-9][0-9]{7}$)")

Keep = Callable[[bytes], object]
Runner = Callable[[Keep], int]
"""Plans, hands on the recipients of each chunk as JSON, and says how many people are ready."""

Value = Annotated[str, msgspec.Meta(min_length=1, max_length=1024)]


class Variables(msgspec.Struct, forbid_unknown_fields=True, gc=False):
    nombre: Value
    saldo: Value


class Row(msgspec.Struct, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    to: Annotated[str, msgspec.Meta(pattern=r"^\+[1-9][0-9]{6,14}$")]
    variables: Variables
    meta_data: msgspec.Raw | dict[str, str] = msgspec.Raw(b"{}")


class Lean:
    """The people of a lean script so far."""

    def __init__(self) -> None:
        self.seen: set[str] = set()
        self.ready: list[Row] = []

    def add(self, row: Row) -> None:
        nombre, saldo = row.variables.nombre, row.variables.saldo
        if BAD.search(nombre) or BAD.search(saldo) or not nombre.strip() or not saldo.strip():
            return
        person = MOBILE.sub(r"+\1\2\3", row.to)
        if person not in self.seen:
            self.seen.add(person)
            self.ready.append(row)

    def cut(self, keep: Keep) -> int:
        for start in range(0, len(self.ready), CHUNK):
            keep(msgspec.json.encode(self.ready[start : start + CHUNK]))
        return len(self.ready)


def lean_lines(path: Path) -> Runner:
    """JSON Lines: a struct with a pattern, which is checked while it is decoded."""
    decoder = msgspec.json.Decoder(Row)

    def run(keep: Keep) -> int:
        people = Lean()
        with path.open("rb") as file:
            for line in file:
                try:
                    people.add(decoder.decode(line))
                except msgspec.DecodeError:
                    continue
        return people.cut(keep)

    return run


def lean_table(path: Path) -> Runner:
    """CSV: the standard library's reader, and the same structs."""

    def run(keep: Keep) -> int:
        people = Lean()
        with path.open(encoding="utf-8", newline="") as file:
            reader = csv.reader(file)
            next(reader)
            for to, nombre, saldo, order in reader:
                if E164.fullmatch(to) and len(nombre) <= 1024 and len(saldo) <= 1024:
                    people.add(Row(to, Variables(nombre, saldo), {"order": order}))
        return people.cut(keep)

    return run


def with_polars(path: Path) -> dict[str, Runner]:
    """CSV or Parquet with polars, on all processors; nothing if it is not installed."""
    if importlib.util.find_spec("polars") is None:
        print("polars is not installed: that rival is left out")
        return {}
    import polars as pl  # type: ignore[import-not-found, unused-ignore]

    names = ("nombre", "saldo")

    def run(keep: Keep) -> int:
        is_csv = path.suffix == ".csv"
        frame = pl.scan_csv(path, infer_schema=False) if is_csv else pl.scan_parquet(path)
        fine = pl.col("to").str.contains(r"^\+[1-9][0-9]{6,14}$")
        for name in names:
            value = pl.col(name)
            fine &= ~value.str.contains(r"[\x00-\x1f\x7f]| {5}") & (value.str.len_chars() <= 1024)
            fine &= value.str.strip_chars() != ""
        person = (
            pl.col("to")
            .str.replace(r"^\+549", "+54")
            .str.replace(r"^\+521", "+52")
            .str.replace(r"^\+(55[1-9]{2})9([6-9][0-9]{7})$", "+${1}${2}")
        )
        ready = (
            frame.filter(fine)
            .with_columns(person.alias("person"))
            .unique(subset="person", keep="first", maintain_order=True)
            .select(
                "to",
                pl.struct(*names).alias("variables"),
                pl.struct(pl.col("meta_order").alias("order")).alias("meta_data"),
            )
            .collect()
        )
        for start in range(0, len(ready), CHUNK):
            keep(ready[start : start + CHUNK].write_json().encode())
        return len(ready)

    return {"polars, all processors": run}
