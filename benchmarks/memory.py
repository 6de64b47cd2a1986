"""What planning keeps in memory, and how soon the first body is there, whatever the length of the list.

    python benchmarks/memory.py [--people 1000000,10000000]

Each measurement is a process of its own, which plans a generated CSV, and Parquet from 1 million on; its peak
is what the system says, less the peak of a process that plans one person. Bodies go nowhere. The lists are
made in other processes too: what Linux says of a process begins with what its parent held by then.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import anyio

sys.path.insert(0, str(Path(__file__).parent))
from plan import HEADER, Nowhere, goal, number, planning

WITHOUT = "without-pyroaring"


class First(Nowhere):
    """Notes when the first body came."""

    def __init__(self) -> None:
        super().__init__()
        self.at: float | None = None

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        self.at = self.at or time.perf_counter()


def child(path: str, large: bool) -> None:
    """Plan a file; print the peak in KiB and the milliseconds to the first body."""
    if not large:
        sys.modules["pyroaring"] = None  # type: ignore[assignment]  # as if it were not installed
        import importlib.util

        find = importlib.util.find_spec
        importlib.util.find_spec = lambda name, *rest: None if name == "pyroaring" else find(name, *rest)
    anyio.run(planning, [{"to": "+5491155555555", "nombre": "Ana", "saldo": "1"}])  # imports, once a process
    journal = First()
    start = time.perf_counter()
    anyio.run(planning, Path(path), journal)
    first = ((journal.at or start) - start) * 1e3
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, first)


def measured(path: Path, *, large: bool) -> tuple[int, float]:
    """The peak in bytes, and the milliseconds to the first body."""
    command: Sequence[str] = [sys.executable, __file__, "--child", str(path), *([] if large else [WITHOUT])]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    peak, first = done.stdout.split()
    return int(peak) * 1024, float(first)


def written(folder: Path, count: int, kind: str = "csv") -> Path:
    """A list of so many people, made by another process."""
    path = folder / f"{count}.{kind}"
    subprocess.run([sys.executable, __file__, "--write", str(path), str(count)], check=True)
    return path


def write(path: Path, count: int) -> None:
    (write_parquet if path.suffix == ".parquet" else write_csv)(path, count)


def write_csv(path: Path, count: int) -> None:
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(HEADER) + "\n")
        file.writelines(f"{number(n)},María José {n},$ {n}.50,A-{n}\n" for n in range(count))


def write_parquet(path: Path, count: int) -> None:
    """The same people, as pandas and others write them by default: a million in a row group."""
    import pyarrow as pa  # type: ignore[import-untyped]
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    with pq.ParquetWriter(path, pa.schema([(name, pa.string()) for name in HEADER])) as file:
        for start in range(0, count, 1_000_000):
            rows = range(start, min(count, start + 1_000_000))
            columns = (
                [number(n) for n in rows],
                [f"María José {n}" for n in rows],
                [f"$ {n}.50" for n in rows],
                [f"A-{n}" for n in rows],
            )
            file.write_table(pa.table(dict(zip(HEADER, columns, strict=True))))


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", default="50000,1000000,10000000")
    arguments.add_argument("--child", nargs="+")
    arguments.add_argument("--write", nargs=2)
    chosen = arguments.parse_args()
    if chosen.write:
        path, count = chosen.write
        write(Path(path), int(count))
        return
    if chosen.child:
        child(chosen.child[0], WITHOUT not in chosen.child)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        base, _ = measured(written(folder, 1), large=True)
        print(f"one person: {base / 1e6:.0f} MB")
        for count in map(int, chosen.people.split(",")):
            path = written(folder, count)
            for large in (False, True):
                peak, first = measured(path, large=large)
                each = (peak - base) / count
                title = "with pyroaring" if large else "without"
                print(
                    f"{count:>12,} people, {title:<15}{(peak - base) / 1e6:8.1f} MB,"
                    f" {each:7.1f} B each, first body after {first:.1f} ms"
                )
                if count >= 1_000_000 and not large:
                    goal("bytes each", each, most=130)
                if count >= 1_000_000 and large:
                    goal("bytes each", each, most=20)
                if count >= 10_000_000 and large:
                    goal("MB for all", peak / 1e6, most=200)
            path.unlink()
            if count >= 1_000_000:
                path = written(folder, count, "parquet")
                peak, first = measured(path, large=True)
                print(
                    f"{count:>12,} people, Parquet        {(peak - base) / 1e6:8.1f} MB,"
                    f" {(peak - base) / count:7.1f} B each, first body after {first:.1f} ms"
                )
                goal("MB for all", peak / 1e6, most=200)
                path.unlink()


if __name__ == "__main__":
    main()
