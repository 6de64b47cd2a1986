"""Who decided what about a campaign, and when: planned, approved, launched, stopped, reconciled. Pure.

A program cannot know who sits before it. It knows who that person says they are, and as which user of which
machine they are logged in; both are kept. It is a record for people who trust each other, and no proof
against one who lies.
"""

import enum
import unicodedata
from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput

LONGEST_NAME: Final = 100
"""Characters of a person's name."""

MOST_DECIDED: Final = 500
"""Decisions that are kept of a campaign: who resumes it every minute fills no disk."""


class Act(enum.StrEnum):
    """What was decided."""

    PLANNED = "planned"
    APPROVED = "approved"
    LAUNCHED = "launched"
    RESUMED = "resumed"
    PAUSED = "paused"
    UNPAUSED = "unpaused"
    STOPPED = "stopped"
    RECONCILED = "reconciled"


class Decider(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A person: the *name* that they give, and their *login*, `user@machine`; empty where it is not known."""

    name: str = ""
    login: str = ""


class Decided(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One decision. *act* is an open set, so that an older version reads a newer one; *at* is Unix time.

    *by* and *login* are those of a `Decider`; *words* say more of it, if there is more to say.
    """

    act: str
    at: float
    by: str = ""
    login: str = ""
    words: str = ""


class DecidedLine(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A decision in a report: see `Decided`; *at* is in UTC."""

    act: str
    at: datetime
    by: str = ""
    login: str = ""
    words: str = ""


def decided_by(who: Decider, act: Act, *, at: float, words: str = "") -> Decided:
    """The decision of a person."""
    return Decided(act=act.value, at=at, by=who.name, login=who.login, words=words)


def with_decided(before: tuple[Decided, ...], *new: Decided) -> tuple[Decided, ...]:
    """All of them, the oldest first. Of too many the first ones stay, who approved and launched it, and the
    newest."""
    every = (*before, *new)
    if len(every) <= MOST_DECIDED:
        return every
    half = MOST_DECIDED // 2
    return (*every[:half], *every[-half:])


def checked_name(name: str) -> str:
    """A person's *name* as it is kept. Raises InvalidInput if it is none."""
    name = unicodedata.normalize("NFC", " ".join(name.split()))
    if not name:
        raise InvalidInput("the name of the person is empty: write one, or leave it out", field="by")
    if len(name) > LONGEST_NAME or not name.isprintable():
        raise InvalidInput(
            f"a name of a person is up to {LONGEST_NAME} letters, without control characters", field="by"
        )
    return name


def same_person(one: str, other: str) -> bool:
    """Whether two names are the same but for capital letters and blanks; an empty one is nobody's."""
    names = {unicodedata.normalize("NFKC", " ".join(each.split())).casefold() for each in (one, other)}
    return len(names) == 1 and names != {""}


def nameless_beside(one: Decider, other: Decider) -> bool:
    """Whether two have the same login, and one of them gave no other name: nobody knows that they are two."""
    user = one.login.partition("@")[0]
    return one.login == other.login != "" and any(same_person(each.name, user) for each in (one, other))


def decided_together(parts: Iterable[Iterable[DecidedLine]]) -> tuple[DecidedLine, ...]:
    """The decisions about all parts of a list, each once, in the order of their times."""
    found: dict[tuple[str, str, str, str], list[DecidedLine]] = {}
    for line in sorted((line for part in parts for line in part), key=lambda line: line.at):
        same = found.setdefault((line.act, line.by, line.login, line.words), [])
        if not same or (line.at - same[-1].at).total_seconds() > _SAME_DECISION:
            same.append(line)
    return tuple(sorted((line for same in found.values() for line in same), key=lambda line: line.at))


_SAME_DECISION: Final = 10.0
"""Seconds in which the same was said of every part of a list."""
