"""What a row costs that is not simply fine: rejected, a duplicate, or a number in a local spelling.

    python benchmarks/slow.py [--people 20000] [--rounds 5]

All rows of a list are of one kind (every second one of the duplicates), and the lists are planned in turns
with a clean one, as CSV. Printed is how many clean rows of the same round such a row costs, the median of all
rounds. Two lists are long and half duplicates: what one costs must not depend on how many people there are.
"""

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import anyio
import msgspec

sys.path.insert(0, str(Path(__file__).parent))
from plan import HEADER, goal, number, planning

from keebai_async.errors import UnusableSource
from keebai_async.planning.options import PlanOptions

Row = tuple[str, str, str, str]


class Kind(msgspec.Struct):
    """A kind of row, how often it comes, and the region of its numbers."""

    name: str
    make: Callable[[int], Row]
    share: float = 1.0
    region: str | None = None


def clean(n: int) -> Row:
    return (number(n), f"María José {n}", f"$ {n}.50", f"A-{n}")


def to(make: Callable[[str], str]) -> Callable[[int], Row]:
    """Rows whose number is spelled by *make*, which is given the eight digits of a subscriber."""
    return lambda n: (make(number(n)[-8:]), *clean(n)[1:])


KINDS = (
    Kind("a blank value", lambda n: (number(n), "", f"$ {n}.50", "A")),
    Kind("a number that was cut off", to(lambda local: f"+54911{local[:-3]}")),
    Kind("a number with letters", to(lambda local: f"tel {local}")),
    Kind("a number in columns, no region", to(lambda local: f"011 15-{local[:4]}-{local[4:]}")),
    Kind("a duplicate", lambda n: clean(n // 2), share=0.5),
    Kind("+54 9 11 5555-5555", to(lambda local: f"+54 9 11 {local[:4]}-{local[4:]}")),
    Kind("011 15-5555-5555, AR", to(lambda local: f"011 15-{local[:4]}-{local[4:]}"), region="AR"),
    Kind("1155555555, AR", to(lambda local: f"11{local}"), region="AR"),
    Kind("(11) 95555-5555, BR", to(lambda local: f"(11) 9{local[:4]}-{local[4:]}"), region="BR"),
    Kind("044 55 5555 5555, MX", to(lambda local: f"044 55 {local[:4]} {local[4:]}"), region="MX"),
)


def seconds(path: Path, region: str | None) -> float:
    gc.collect()
    start = time.process_time()
    with suppress(UnusableSource):  # nobody is left, as it should be
        anyio.run(partial(planning, path, options=PlanOptions(default_region=region)))
    return time.process_time() - start


def written(folder: Path, name: str, make: Callable[[int], Row], count: int) -> Path:
    path = folder / f"{name}.csv"
    with path.open("w", encoding="utf-8") as file:
        file.write(",".join(HEADER) + "\n")
        file.writelines(",".join(make(n)) + "\n" for n in range(count))
    return path


def main() -> None:
    arguments = argparse.ArgumentParser()
    arguments.add_argument("--people", type=int, default=20_000)
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--long", type=int, default=1_000_000)
    chosen = arguments.parse_args()
    count = chosen.people
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        fine = written(folder, "clean", clean, count)
        files = {kind.name: written(folder, str(at), kind.make, count) for at, kind in enumerate(KINDS)}
        cost: dict[str, list[float]] = {kind.name: [] for kind in KINDS}
        for _ in range(chosen.rounds):
            each = seconds(fine, None) / count
            for kind in KINDS:
                taken = seconds(files[kind.name], kind.region) / count
                cost[kind.name].append((taken - (1 - kind.share) * each) / kind.share / each)
        print(f"what one row costs, in clean rows of its round; {count:,} rows, {chosen.rounds} rounds")
        for title, found in cost.items():
            goal(title, statistics.median(found), most=6.0, spread=(min(found), max(found)))
        duplicate = next(kind for kind in KINDS if kind.share < 1)
        for many in (chosen.long // 10, chosen.long):
            path = written(folder, "long", duplicate.make, many)
            print(
                f"  {many:>9,} rows, half of them duplicates: {seconds(path, None) / many * 1e6:.1f} us a row"
            )


if __name__ == "__main__":
    main()
