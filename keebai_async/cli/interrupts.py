"""Ctrl-C, SIGTERM and SIGHUP: what they do, at every moment of a command.

The defaults of Python and of asyncio leave gaps: SIGTERM and SIGHUP kill, process 1 of a container does
not even hear SIGTERM, a request on its way is dropped and with it the word whether a person was messaged.
So one handler stands from the first instant to the last, and each part of a command says what it means:

    before the work         the process ends where it stands: `interrupted`, code 130
    nothing under way       the work is cancelled: `interrupted`, code 130
    a submit on its way     its answer is waited for (its own time limit holds), and told as always
    a campaign runs         it is stopped in good order, and can be resumed
    a question is asked     as no answer: `interrupted`, code 130
    after the work          what was done is done, and told with its own code

A second Ctrl-C leaves at once. SIGTERM and SIGHUP only ever ask: programs that pass them on often send
them twice. A SIGHUP that was ignored when we were started (`nohup`) stays ignored. The other signals that
would end a process (SIGQUIT of a terminal, those of users and timers, Ctrl-Break) are heard as SIGTERM is,
unless somebody ignores or handles them already.
"""

import os
import signal
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.output import say
from keebai_async.errors import OutcomeUnknown
from keebai_async.lazy_names import LazyModule

if TYPE_CHECKING:
    import asyncio

    import keebai_async.observe.request_records as request_records
    from keebai_async.observe.records import Record
else:  # the help runs nothing
    asyncio = LazyModule("asyncio")
    request_records = LazyModule("keebai_async.observe.request_records")

_ENDED_BY: Final = ("SIGINT", "SIGTERM", "SIGHUP")
_ENDED_BY_DEFAULT: Final = (
    "SIGQUIT",
    "SIGUSR1",
    "SIGUSR2",
    "SIGALRM",
    "SIGVTALRM",
    "SIGXCPU",
    "SIGPWR",
    "SIGBREAK",
)

TWICE_WITHIN = 0.2
"""Seconds in which a second Ctrl-C is the same one: launchers pass it on to who has it already."""

_MAY_TAKE = 3.0
"""Seconds that work that was cancelled has to end, such as a thread that waits for a line of stdin."""

Result = TypeVar("Result")


class Interrupts:
    """What a signal does now. One object a process: `interrupts`."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[object] | None = None
        self._stop: Callable[[], None] | None = None
        self._last_words = "left at once"
        self._submitting = False
        self._asking = False
        self._begun = False
        self._asked_at: float | None = None

    def install(self) -> None:
        """Be the handler of all signals that end a command. From the main thread."""
        for name in _ENDED_BY:
            number = getattr(signal, name, None)
            if number is None or (name == "SIGHUP" and signal.getsignal(number) is signal.SIG_IGN):
                continue
            signal.signal(number, self._handle)
        for name in _ENDED_BY_DEFAULT:
            number = getattr(signal, name, None)
            if number is not None and signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, self._handle)

    def run(self, work: Callable[[], Awaitable[Result]]) -> Result:
        """Run *work* in a loop of its own, to its end or to a signal.

        Raises:
            KeyboardInterrupt: a signal ended it, and nothing was on its way.
            OutcomeUnknown: a second Ctrl-C ended it while a submit was.
        """
        try:
            return asyncio.run(self._run(work))
        finally:
            if self._heard_here():
                self._loop = self._task = None

    async def _run(self, work: Callable[[], Awaitable[Result]]) -> Result:
        if not self._heard_here():
            return await work()
        self._loop, self._task, self._begun = asyncio.get_running_loop(), asyncio.current_task(), True
        if self._asked():
            raise KeyboardInterrupt
        try:
            return await work()
        except asyncio.CancelledError as error:
            if not self._asked():
                raise
            if may_have_left(error):
                raise OutcomeUnknown(
                    "interrupted while a request was on its way: it may have been accepted or not",
                    method="",
                    path="",
                ) from error
            raise KeyboardInterrupt from error

    def _asked(self) -> bool:
        return self._asked_at is not None

    @staticmethod
    def _heard_here() -> bool:
        """Whether this is the thread in which signals arrive."""
        return threading.current_thread() is threading.main_thread()

    @contextmanager
    def stopping(self, stop: Callable[[], None], *, last_words: str) -> Iterator[None]:
        """Inside, a signal calls *stop*, in the loop; a second Ctrl-C prints *last_words* and ends all.

        What must survive is on disk before it is told to anyone, so the process may end wherever it stands.
        """
        if not self._heard_here():
            yield
            return
        self._stop, self._last_words = stop, last_words
        try:
            if self._asked_at is not None:
                stop()  # the signal came before there was anything to stop
            yield
        finally:
            self._stop, self._last_words = None, "left at once"

    @contextmanager
    def asking(self) -> Iterator[None]:
        """Inside, a signal raises KeyboardInterrupt where the program waits for a key."""
        self._asking = True
        try:
            yield
        finally:
            self._asking = False

    def heed(self) -> None:
        """Raises KeyboardInterrupt if a signal has come: before a wait in which the loop cannot hear it."""
        if self._asked():
            raise KeyboardInterrupt

    def observe(self, record: "Record") -> None:
        """Hear of requests: while a submit outside of a campaign is on its way, its answer is waited for."""
        match record:
            case request_records.RequestStarted(kind="submit"):
                self._submitting = True  # until the end: who was answered is told of it
            case request_records.RetryScheduled(kind="submit"):
                self._submitting = False  # it was certainly not accepted
                if self._asked_at is not None:
                    self._cancel()
            case _:
                pass

    def _handle(self, number: int, _: FrameType | None) -> None:
        if self._asking:
            raise KeyboardInterrupt
        if not self._begun:
            leave("interrupted")  # an exception would end in the hands of who reads the arguments
        now = time.monotonic()
        if self._loop is None:
            self._asked_at = now
        elif self._asked_at is None:
            self._asked_at = now
            self._loop.call_soon_threadsafe(self._ask)
        elif number == signal.SIGINT and now - self._asked_at > TWICE_WITHIN:
            self._loop.call_soon_threadsafe(self._insist)

    def _ask(self) -> None:
        if self._stop is None and not self._submitting:
            self._cancel()
            return
        say("stopping: waiting for the requests under way. Press Ctrl-C again to leave at once.")
        if self._stop is not None:
            self._stop()

    def _insist(self) -> None:
        if self._stop is not None:
            leave(self._last_words)
        self._cancel()

    def _cancel(self) -> None:
        if self._task is None:
            return
        self._task.cancel()
        late = threading.Timer(_MAY_TAKE, leave, ["interrupted"])
        late.daemon = True
        late.start()


def may_have_left(error: BaseException) -> bool:
    """Whether a cancelled submit says that some of it had left."""
    return bool(getattr(error, "__notes__", ()))


def leave(last_words: str) -> NoReturn:
    """End the process here and now."""
    say(last_words)
    os._exit(Exit.INTERRUPTED)


interrupts: Final = Interrupts()
