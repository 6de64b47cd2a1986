"""`python -m tests.mutation quota/window`: break a module in each small way, and say what no test notices."""

import argparse
import importlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from functools import cache
from multiprocessing import get_context
from pathlib import Path

import msgspec

from tests.mutation.breaks import BREAKS
from tests.mutation.collected import CollectedTests
from tests.mutation.known import known_survivors
from tests.mutation.mutants import Mutant, mutants_of
from tests.mutation.table import MODULES
from tests.mutation.trial import noticed

_PACKAGE = Path(__file__).parents[2] / "keebai_async"
_TESTS = Path(__file__).parents[1]


class _Planned(msgspec.Struct, frozen=True):
    """A trial to be made: *source* in place of the module's, against these files of tests."""

    what: str
    module: str
    source: str
    tests: tuple[str, ...]
    mutant: Mutant | None = None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation", description=__doc__)
    parser.add_argument("modules", nargs="*", metavar="MODULE", help="such as quota/window; all if none")
    parser.add_argument("--breaks", action="store_true", help="only the breaks that are written down by hand")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1, help="trials at the same time")
    parser.add_argument("--lines", metavar="FIRST-LAST", help="only breaks in these lines")
    parser.add_argument("--every", type=int, default=1, metavar="N", help="only every Nth break: a sample")
    parser.add_argument("--tests", action="store_true", help="show also which test noticed each break")
    options = parser.parse_args()
    for each in options.modules:
        if each not in MODULES:
            parser.error(f"no tests are named for {each}: add it to tests/mutation/table.py")
    _import_what_is_not_ours()
    if options.breaks:
        return _try_breaks(options.jobs)
    return sum(
        _mutate(
            module,
            jobs=options.jobs,
            lines=_lines(options.lines),
            every=options.every,
            show=options.tests,
        )
        for module in options.modules or MODULES
    )


def _lines(text: str | None) -> range:
    if text is None:
        return range(1, sys.maxsize)
    first, _, last = text.partition("-")
    return range(int(first), int(last or first) + 1)


def _import_what_is_not_ours() -> None:
    """Once, before the trials are forked."""
    for name in ("aiohttp", "anyio.pytest_plugin", "hypothesis.strategies", "pytest_timeout"):
        importlib.import_module(name)


def _mutate(module: str, *, jobs: int, lines: range, every: int, show: bool) -> int:
    """Print what no test of the module notices; 1 if there is something new among it, else 0."""
    source, began = _path(module).read_text(), time.monotonic()
    tests, known = MODULES[module], known_survivors(module)
    tried, survived, new = 0, 0, 0
    with _pool(jobs) as pool:
        failing = pool.submit(_try, _Planned("no break", module, source, tests)).result()
        if failing is not None:
            raise SystemExit(f"{module}: its tests fail without any break: {failing}")
        planned = [
            _Planned(str(mutant), module, mutant.source, tests, mutant)
            for mutant in mutants_of(source)
            if mutant.line in lines
        ][::every]
        for trial, test in zip(planned, pool.map(_try, planned), strict=True):
            tried += 1
            if test is None:
                survived += 1
                if trial.mutant is None or (trial.mutant.before, trial.mutant.after) not in known:
                    new += 1
                    print(f"{module}: not noticed: {trial.what}", flush=True)
            elif show:
                print(f"{module}: {trial.what}\n    {test}", flush=True)
    print(
        f"{module}: {tried} mutants, {tried - survived} killed, {survived} survived"
        f" ({survived - new} of them known), {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return 1 if new else 0


def _try_breaks(jobs: int) -> int:
    planned = []
    for each in BREAKS:
        source = _path(each.module).read_text()
        if source.count(each.before) != 1:
            raise SystemExit(f"{each.module} has changed, and with it must the break: {each.what}")
        broken = source.replace(each.before, each.after)
        planned.append(_Planned(each.what, each.module, broken, each.tests))
    survived = 0
    with _pool(jobs) as pool:
        for trial, test in zip(planned, pool.map(_try, planned), strict=True):
            survived += test is None
            print(f"{trial.module}: {trial.what}\n    {test or 'NOT NOTICED'}", flush=True)
    return 1 if survived else 0


def _path(module: str) -> Path:
    return _PACKAGE / f"{module}.py"


def _pool(jobs: int) -> ProcessPoolExecutor:
    """Processes that import nothing of ours themselves."""
    return ProcessPoolExecutor(jobs, mp_context=get_context("fork"))


@cache
def _collected(module: str, tests: tuple[str, ...]) -> CollectedTests:
    return CollectedTests(_name(module), _path(module), _path(module).read_text(), tests)


def _try(planned: _Planned) -> str | None:
    """Which test noticed the break; None if nothing did."""
    module, tests = planned.module, tuple(str(_TESTS / test) for test in planned.tests)
    found = _collected(module, tests).notice(planned.source) if planned.mutant is not None else None
    return found or noticed(_name(module), _path(module), planned.source, tests)


def _name(module: str) -> str:
    return f"keebai_async.{module.replace('/', '.')}"


if __name__ == "__main__":
    raise SystemExit(main())
