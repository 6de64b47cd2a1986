"""The tests of a module, collected once, in a process that is forked for each mutant of its functions.

A function of a module that is imported already can be given another body, without a new import. So a trial
costs only what its tests cost. What runs while the module is imported (constants, decorators, defaults) can
not be broken like this, and what only seems to survive it may have run before: both get a trial of their own.
"""

import gc
import importlib
import os
from collections.abc import Sequence
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from types import CodeType, FunctionType
from typing import Final

import pytest

from tests.mutation.trial import FirstFailure, limit_processor, options_for, say_nothing

_FUNCTION: Final = 0x02  # CO_NEWLOCALS, which the body of a class has not
_RUN_AT_ONCE: Final = ("<listcomp>", "<setcomp>", "<dictcomp>", "<genexpr>")


class CollectedTests:
    """*name* is the module's, as it is imported, and *source* its text without a break."""

    def __init__(self, name: str, path: Path, source: str, tests: Sequence[str]) -> None:
        self._asking, answering = Pipe()
        if os.fork() == 0:
            try:
                self._asking.close()
                say_nothing()
                importlib.import_module(name)
                server = _Server(_functions(path, source), path, answering)
                pytest.main(options_for(tests), plugins=[server, server.failure])
            finally:
                os._exit(0)
        answering.close()

    def notice(self, source: str) -> str | None:
        """Which test notices this mutant; None if none does, or if it must be imported to be tried."""
        try:
            self._asking.send_bytes(source.encode())
            return self._asking.recv_bytes().decode() or None
        except (EOFError, OSError):
            return None


class _Server:
    """In place of the loop of pytest: a fork runs the tests against each mutant that is asked about."""

    def __init__(self, functions: "_Bodies", path: Path, asked: Connection) -> None:
        self._functions = functions
        self._path = path
        self._asked = asked
        self.failure = FirstFailure()

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        while True:
            try:
                source = self._asked.recv_bytes().decode()
            except EOFError:
                return True
            self._asked.send_bytes(self._noticed(session, source).encode())

    def _noticed(self, session: pytest.Session, source: str) -> str:
        swapped = self._functions.broken(source, self._path)
        if swapped is None:
            return ""
        read, write = os.pipe()
        if (pid := os.fork()) == 0:
            code = 1
            try:
                limit_processor()
                self.failure.out = write
                for function, body in swapped:
                    function.__code__ = body
                code = _run(session)
            finally:
                os._exit(code)
        os.close(write)
        _, status = os.waitpid(pid, 0)
        with os.fdopen(read) as said:
            failed = said.readline().strip()
        return "" if os.waitstatus_to_exitcode(status) == 0 else failed or "it ran for ever"


def _run(session: pytest.Session) -> int:
    following: list[pytest.Item | None] = [*session.items[1:], None]
    for item, after in zip(session.items, following, strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=after)
        if session.testsfailed:
            return 1
    return 0


class _Bodies:
    """The functions of a module, in their order, and what else it runs when it is imported."""

    def __init__(self, code: CodeType) -> None:
        self._rest, self._codes = _parts(code)
        places = {(body.co_qualname, body.co_firstlineno): at for at, body in enumerate(self._codes)}
        self._functions: list[list[FunctionType]] = [[] for _ in self._codes]
        for each in gc.get_objects():
            if isinstance(each, FunctionType) and each.__code__.co_filename == code.co_filename:
                at = places.get((each.__code__.co_qualname, each.__code__.co_firstlineno))
                if at is not None:
                    self._functions[at].append(each)

    def broken(self, source: str, path: Path) -> list[tuple[FunctionType, CodeType]] | None:
        """Which function gets which body; None if that alone does not make the mutant."""
        try:
            rest, codes = _parts(compile(source, str(path), "exec", dont_inherit=True))
        except SyntaxError:
            return None
        if rest != self._rest or len(codes) != len(self._codes):
            return None
        changed = [
            (functions, after)
            for before, after, functions in zip(self._codes, codes, self._functions, strict=True)
            if _text(before) != _text(after)
        ]
        if not all(functions for functions, _ in changed):
            return None
        if any(after.co_freevars != each.__code__.co_freevars for found, after in changed for each in found):
            return None
        return [(each, after) for functions, after in changed for each in functions]


def _functions(path: Path, source: str) -> _Bodies:
    return _Bodies(compile(source, str(path), "exec", dont_inherit=True))


def _parts(code: CodeType) -> tuple[list[object], list[CodeType]]:
    """What runs at import, to be compared, and the functions it makes."""
    rest: list[object] = [code.co_code, code.co_names, code.co_varnames]
    functions: list[CodeType] = []
    for const in code.co_consts:
        if not isinstance(const, CodeType):
            rest.append((type(const), const))
        elif const.co_flags & _FUNCTION and (
            not const.co_name.startswith("<") or const.co_name == "<lambda>"
        ):
            rest.append(const.co_qualname)
            functions.append(const)
        else:
            inner, more = _parts(const)
            rest.append(inner)
            functions += more
    return rest, functions


def _text(code: CodeType) -> list[object]:
    """All of a function that matters, without its lines."""
    return [
        code.co_code,
        code.co_names,
        code.co_varnames,
        code.co_freevars,
        code.co_cellvars,
        code.co_exceptiontable,
        code.co_flags,
        *(_text(each) if isinstance(each, CodeType) else (type(each), each) for each in code.co_consts),
    ]
