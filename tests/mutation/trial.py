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
TEST_LIMIT = 20
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


class _FirstFailure:
    def __init__(self, out: int) -> None:
        self._out = out

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            os.write(self._out, report.nodeid.rpartition("::")[2].encode()[:400] + b"\n")


class Trial:
    """A trial under way. *name* is the module's, as it is imported."""

    def __init__(self, name: str, path: Path, source: str, tests: Sequence[str]) -> None:
        self._read, write = os.pipe()
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.close(self._read)
                code = _run(_Mutated(name, path, source), name, tests, write)
            except BaseException:  # it does not even import: noticed
                code = 1
            os._exit(code)
        os.close(write)

    def ended(self, status: int) -> str | None:
        """Who noticed the break, by the exit status of the process; None if nobody did."""
        with os.fdopen(self._read) as said:
            failed = said.readline().strip()
        if os.waitstatus_to_exitcode(status) == 0:
            return None
        return failed or "it did not import, or ran for ever"


def _run(mutated: _Mutated, name: str, tests: Sequence[str], out: int) -> int:
    resource.setrlimit(resource.RLIMIT_CPU, (CPU_LIMIT, CPU_LIMIT))
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in (0, 1, 2):
        os.dup2(nowhere, stream)
    sys.dont_write_bytecode = True
    sys.meta_path.insert(0, mutated)
    importlib.import_module(name)
    options = ["-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    options += ["--hypothesis-profile=few", "--hypothesis-seed=0"]
    # By a thread, which ends the process: an error out of a signal may be swallowed by a loop.
    options += ["-o", f"timeout={TEST_LIMIT}", "-o", "timeout_method=thread"]
    options += ["-W", "ignore::pytest.PytestAssertRewriteWarning"]
    return int(pytest.main([*options, *tests], plugins=[_FirstFailure(out)]))
