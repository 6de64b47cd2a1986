"""One trial: the tests of a module against one mutant, in a process of its own.

Nothing is written into the checkout. The process is forked from one that has imported what is not ours, so a
trial costs a second in place of three, and finds the mutant where it imports the module.
"""

import importlib
import importlib.abc
import importlib.machinery
import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType

import pytest

CPU_LIMIT = 60
"""Seconds of a processor for one trial, after which its mutant counts as noticed: it runs for ever."""
TEST_LIMIT = 10
"""Seconds for one of its tests."""


class _Mutated(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    def __init__(self, name: str, path: Path, source: str) -> None:
        self._name = name
        self._path = path
        self._source = source

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != self._name:
            return None
        spec = importlib.machinery.ModuleSpec(fullname, self, origin=str(self._path))
        spec.has_location = True
        return spec

    def get_source(self, fullname: str) -> str:
        return self._source


class FirstFailure:
    """A plugin that writes the name of each test that fails to *out*, if it is given."""

    def __init__(self, out: int | None = None) -> None:
        self.out = out

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed and self.out is not None:
            os.write(self.out, report.nodeid.rpartition("::")[2].encode()[:400] + b"\n")


def noticed(name: str, path: Path, source: str, tests: Sequence[str]) -> str | None:
    """Which test notices that the module is *source*; None if none does. *name* is as it is imported."""
    read, write = os.pipe()
    pid = os.fork()
    if pid == 0:
        code = 1  # also if it does not even import: noticed
        try:
            os.close(read)
            code = _run(_Mutated(name, path, source), name, tests, write)
        finally:
            os._exit(code)
    os.close(write)
    _, status = os.waitpid(pid, 0)
    with os.fdopen(read) as said:
        failed = said.readline().strip()
    if os.waitstatus_to_exitcode(status) == 0:
        return None
    return failed or "it did not import, or ran for ever"


def options_for(tests: Sequence[str]) -> list[str]:
    """What pytest is called with."""
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    options += ["--hypothesis-profile=few", "--hypothesis-seed=0"]
    # By a thread, which ends the process: an error out of a signal may be swallowed by a loop.
    options += ["-o", f"timeout={TEST_LIMIT}", "-o", "timeout_method=thread"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return [*options, *tests]


def say_nothing() -> None:
    """For a process that only tries: no output, and nothing is written beside the tests."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.dont_write_bytecode = True


def limit_processor() -> None:
    """So that a break that makes a search endless ends."""
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))


def _run(mutated: _Mutated, name: str, tests: Sequence[str], out: int) -> int:
    limit_processor()
    say_nothing()
    sys.meta_path.insert(0, mutated)
    importlib.import_module(name)
    return int(pytest.main(options_for(tests), plugins=[FirstFailure(out)]))
