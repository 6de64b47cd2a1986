"""How text goes out of a command: the one place that writes to stdout and stderr.

A campaign must not depend on who reads its progress. The plain way, `print`, raises in the middle of a
launch when the reader has ended (EPIPE), the terminal was closed (EIO), the disk behind the output is
full (ENOSPC) or the code page has no such letter; and it waits for ever, and the event loop with it, for
a reader that has stopped to read. So the process has streams that never raise and hardly wait. What a
stream cannot show is replaced, what nobody takes is kept until somebody does or the command ends.
"""

import errno
import io
import os
import select
import signal
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Final, TextIO

from keebai_async.cli.fitting import fitted

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

_PATIENCE = 0.1
"""Seconds to wait for a reader that is slow; while it stays slow, no line waits for it again."""

_WRITTEN_AT_ONCE = 4_096
"""Bytes that a pipe or a terminal that is ready takes without making us wait (POSIX: at least 512)."""

_READER_LEFT: Final = frozenset({errno.EPIPE, errno.EIO, errno.EBADF, errno.ENXIO, errno.ECONNRESET})
"""Nobody is there to read any more, which is no trouble of ours."""

_HANGUP: Final[int | None] = getattr(signal, "SIGHUP", None)


class Outlet(io.RawIOBase):
    """Writes to a file descriptor, and never raises because of it."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._door = _door_of(descriptor)
        self._kept = bytearray()
        self._slow = False
        self.trouble: OSError | None = None
        """Why nothing goes out any more."""

    def writable(self) -> bool:
        return True

    def fileno(self) -> int:
        return self._descriptor

    def isatty(self) -> bool:
        return self.trouble is None and os.isatty(self._descriptor)

    def write(self, data: "ReadableBuffer", /) -> int:
        if self.trouble is None:
            self._kept += memoryview(data)
            self._pass_on(0.0 if self._slow else _PATIENCE)
        return memoryview(data).nbytes

    def drain(self) -> None:
        """Wait until everything has gone out, however slow the reader is, or until there is none."""
        while self._kept and self.trouble is None:
            self._pass_on(None)
            if self._slow:
                time.sleep(_PATIENCE)

    def _pass_on(self, patience: float | None) -> None:
        try:
            while self._kept and self._ready(patience):
                del self._kept[: os.write(self._door, self._kept[:_WRITTEN_AT_ONCE])]
            self._slow = bool(self._kept)
        except BlockingIOError:  # another program made the terminal or pipe non-blocking, and was faster
            self._slow = True
        except OSError as error:
            self._give_up(error)

    def _ready(self, patience: float | None) -> bool:
        if sys.platform == "win32":  # select knows only sockets there
            return True
        poll = select.poll()
        poll.register(self._door, select.POLLOUT)
        return bool(poll.poll(None if patience is None else patience * 1_000))

    def _give_up(self, error: OSError) -> None:
        self.trouble = error
        self._kept.clear()
        if error.errno == errno.EIO and _HANGUP is not None:
            os.kill(os.getpid(), _HANGUP)  # the terminal is closed, and not every process is told so

    @property
    def lost(self) -> str:
        """Why a reader who is still there did not get everything, such as a full disk; empty if it did."""
        if self.trouble is None or self.trouble.errno in _READER_LEFT:
            return ""
        return self.trouble.strerror or str(self.trouble)


def _door_of(descriptor: int) -> int:
    """Where to write for *descriptor*: a terminal is opened again, so that only we do not wait for it."""
    try:
        return os.open(os.ttyname(descriptor), os.O_WRONLY | os.O_NONBLOCK | os.O_NOCTTY)
    except (OSError, AttributeError):  # no terminal, or Windows
        return descriptor


_outlets: dict[str, Outlet] = {}


def open_output() -> None:
    """Give the process its streams. Before anything is written, and once."""
    _fill_descriptors()
    for name, descriptor in (("stdout", 1), ("stderr", 2)):
        if name not in _outlets:
            _outlets[name] = Outlet(descriptor)
            setattr(sys, name, _stream(_outlets[name], getattr(sys, name)))
    if sys.stdin is None:
        sys.stdin = Path(os.devnull).open(encoding="utf-8")  # noqa: SIM115 - as long as the process lives


def close_output() -> None:
    """Wait until the readers have everything; say on stderr if stdout could not take it."""
    for stream in (sys.stdout, sys.stderr):
        stream.flush()
    out = _outlets.get("stdout")
    if out is not None:
        out.drain()
        if out.lost:
            say(f"what was printed on stdout is not complete: {out.lost}")
    if "stderr" in _outlets:
        _outlets["stderr"].drain()


def _fill_descriptors() -> None:
    """Where the process was started with a closed descriptor (`>&-`), the next file would take its number."""
    for descriptor in (0, 1, 2):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)


def _stream(outlet: Outlet, before: TextIO | None) -> TextIO:
    encoding = getattr(before, "encoding", None) or "utf-8"
    errors = "replace" if outlet.fileno() == 1 else "backslashreplace"
    return io.TextIOWrapper(
        io.BufferedWriter(outlet), encoding=encoding, errors=errors, line_buffering=True, write_through=True
    )


def say(line: str) -> None:
    """One line on stderr, for people; on a terminal in lines that fit it."""
    print(fitted(line, _columns()) if sys.stderr.isatty() else line, file=sys.stderr, flush=True)


def answer(text: str) -> None:
    """What was asked for, on stdout; on a terminal in lines that fit it."""
    print(fitted(text, _columns()) if sys.stdout.isatty() else text, flush=True)


def _columns() -> int:
    from shutil import get_terminal_size

    return get_terminal_size().columns


def answer_account(text: str, *, alarm: str) -> None:
    """The same, with the lines that begin with *alarm* in red on a terminal that shows colours."""
    if sys.stdout.isatty() and not os.environ.get("NO_COLOR"):
        lines = fitted(text, _columns()).split("\n")
        text = "\n".join(f"\x1b[31m{line}\x1b[0m" if line.startswith(alarm) else line for line in lines)
    answer(text)


def answer_json(line: bytes) -> None:
    """One line of JSON on stdout. JSON is UTF-8, whatever the code page of the terminal is."""
    sys.stdout.flush()
    binary = getattr(sys.stdout, "buffer", None)
    if binary is None:  # a stream that a program put in the place of stdout
        answer(line.decode())
        return
    binary.write(line + b"\n")
    binary.flush()
