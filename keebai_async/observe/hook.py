"""The one hook: rooms tell it records, and it hands each to every observer.

An observer is called inside the event loop, by the task to which the thing happened, and between a submit
and its verdict. So it must not block, and what it raises stays here: it never decides about sending.
"""

import logging
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final

from keebai_async.observe.base import LOGGER, event_of
from keebai_async.observe.logging_sink import logs_routine, to_logging
from keebai_async.observe.records import Record

Observer = Callable[[Record], None]
"""Takes a record. It must not block, nor change what it gets."""


class Hook:
    """An observer that hands each record to *observers*, in order. One that raises is logged once."""

    __slots__ = ("_failed", "_log_alone", "_observers")

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers
        self._log_alone = all(observer is to_logging for observer in observers)
        self._failed: set[int] = set()

    @property
    def hears_routine(self) -> bool:
        """Whether a record that is logged at DEBUG has anybody who does something with it."""
        return not self._log_alone or logs_routine()

    def __call__(self, record: Record) -> None:
        for place, observer in enumerate(self._observers):
            try:
                observer(record)
            except Exception:  # whatever it is, the campaign goes on
                self._complain(place, record)

    def _complain(self, place: int, record: Record) -> None:
        if place in self._failed:
            return
        self._failed.add(place)
        with suppress(Exception):  # it may be logging itself that fails
            told = {"observer": _name(self._observers[place]), "about": event_of(record)}
            logging.getLogger(LOGGER).error("observer failed", extra=told, exc_info=True)


def hook_of(given: Observer | Iterable[Observer] | None = None) -> Observer:
    """What a client hands down to its rooms: the log, and then what a user gave."""
    if given is None:
        return TO_LOG
    return Hook(to_logging, *([given] if callable(given) else given))


def hears_routine(observer: Observer) -> bool:
    """Whether *observer* does anything with what is routine. If not, such a record need not be made."""
    return not isinstance(observer, Hook) or observer.hears_routine


def _name(observer: Observer) -> str:
    return getattr(observer, "__qualname__", None) or type(observer).__qualname__


TO_LOG: Final[Observer] = Hook(to_logging)
"""What a room tells that was given no observer."""
