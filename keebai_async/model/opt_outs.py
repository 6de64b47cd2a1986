"""Who wants no more: what was said of each person, and what follows from it; the same in any order. Pure.

The naive way keeps a list, adds who says stop and takes away who says yes again. Webhooks come twice, late
and in any order, through several receivers: a stop that is delivered again after the person came back would
silence them for ever, and a yes that was on its way for an hour would undo the stop that followed it. So
nothing is taken away. Of each person the newest time of each kind of word is kept, by the clock of who said
it, and whether they are out follows from the times alone.

What the person said (a code, a preference, a word, a button) is undone by the person, later, or by hand. What
somebody else wrote down (a file, by hand) is undone by hand only. At the same instant the stop counts.

Source: webhooks contract, sections 3.3 and 4.5.
"""

import enum
import struct
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

from keebai_async.model.identity import spelling
from keebai_async.model.result import Result

PAGES: Final = 1_000
"""Into so many pages people are laid, by the last digits of their keys, which no rule on spelling changes."""

CODE_OF_STOP: Final = 131050
"""Meta's code for a message to somebody who stopped marketing messages.

Source: webhooks contract, section 1.
"""

OPTED_OUT_LATER: Final = "opted out after the plan was made"
"""Why a chunk keeps people who are not submitted."""


class OptOutSource(enum.StrEnum):
    """How it is known that somebody wants no more."""

    CODE = "code"
    """A message failed with Meta's code 131050."""
    PREFERENCE = "preference"
    """They stopped marketing messages in WhatsApp."""
    WORD = "word"
    """They answered with a stop word."""
    BUTTON = "button"
    """They tapped a button that says so."""
    FILE = "file"
    """They stood in a file that was imported."""
    HAND = "hand"
    """Somebody added them."""


_SOURCES: Final = tuple(OptOutSource)
_BY_HAND: Final = frozenset({OptOutSource.FILE, OptOutSource.HAND})


class ConsentWord(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Something that was said of one person: to *stop*, or to go on again.

    *key* is the identity key of their number, *at* Unix time by the clock of who said it. What comes from a
    file or by hand counts from when it is kept, and undoes whatever is known by then.
    """

    key: int
    stop: bool
    source: OptOutSource
    at: float


class OptOut(Result, frozen=True, kw_only=True, gc=False):
    """Somebody who wants no more, how that is known, and since when (Unix time; the newest word counts)."""

    key: int
    source: OptOutSource
    since: float

    @property
    def number(self) -> str:
        """A number of theirs in E.164: see `spelling`."""
        return spelling(self.key)


class OptOutCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many *people* of a list opted out by one *source*; *since* is the first such word, in Unix time."""

    source: OptOutSource
    people: int
    since: float


def counted(opt_outs: Iterable[OptOut]) -> tuple[OptOutCount, ...]:
    """How many there are of each source, in the order of `OptOutSource`."""
    times: dict[OptOutSource, list[float]] = {}
    for each in opt_outs:
        times.setdefault(each.source, []).append(each.since)
    return added_up(
        OptOutCount(source=source, people=len(found), since=min(found)) for source, found in times.items()
    )


def added_up(counts: Iterable[OptOutCount]) -> tuple[OptOutCount, ...]:
    """One count of each source, in the order of `OptOutSource`."""
    sums: dict[OptOutSource, OptOutCount] = {}
    for each in counts:
        other = sums.get(each.source) or OptOutCount(source=each.source, people=0, since=each.since)
        people, since = other.people + each.people, min(other.since, each.since)
        sums[each.source] = OptOutCount(source=each.source, people=people, since=since)
    return tuple(sums[source] for source in OptOutSource if source in sums)


class _Said(msgspec.Struct, gc=False):
    """Of one person: the newest word of each kind, in milliseconds since 1970; 0 where there was none.

    *stop* and *resume* are the person's own, *written* and *freed* those of a file or a hand.
    """

    stop: int = 0
    resume: int = 0
    written: int = 0
    freed: int = 0
    told_by: int = 0
    """The place of the source of *stop* among all."""
    written_by: int = 0

    @property
    def told(self) -> bool:
        return self.stop > 0 and self.stop >= max(self.resume, self.freed)

    @property
    def noted(self) -> bool:
        return self.written > 0 and self.written >= self.freed

    def opt_out(self, key: int) -> "OptOut | None":
        """What is to be known of the person of *key*, if they are out."""
        if not self.told and not self.noted:
            return None
        at, source = (self.stop, self.told_by) if self.told else (self.written, self.written_by)
        return OptOut(key=key, source=_SOURCES[source], since=at / 1_000)

    def take(self, word: ConsentWord) -> bool:
        """Say whether anything is known now that was not."""
        at, source = max(1, round(word.at * 1_000)), _SOURCES.index(word.source)
        if word.source in _BY_HAND:
            return self._write(at, source) if word.stop else self._free(at)
        if not word.stop:
            changed, self.resume = at > self.resume, max(at, self.resume)
            return changed
        if (at, source) <= (self.stop, self.told_by):
            return False
        self.stop, self.told_by = at, source
        return True

    def _write(self, at: int, source: int) -> bool:
        if self.noted:
            return False
        self.written, self.written_by = max(at, self.freed), source
        return True

    def _free(self, at: int) -> bool:
        """Who does it by hand knows all that is known here, whatever the clocks say."""
        if not self.told and not self.noted:
            return False
        self.freed = max(at, self.stop + 1, self.written + 1)
        return True


_PERSON: Final = struct.Struct("<QQQQQBB")
_MANY_KEYS: Final = 16
"""From so many of a page on, all of it is read rather than searched for each."""
_KEY: Final = struct.Struct("<Q")
BYTES_A_PERSON: Final = _PERSON.size


class OptOutPage:
    """What was said of the people of one page. 42 bytes a person, before they are compressed."""

    __slots__ = ("_said",)

    def __init__(self, packed: bytes = b"") -> None:
        """Raises ValueError for what `packed` did not give."""
        try:
            self._said = {key: _Said(*said) for key, *said in _PERSON.iter_unpack(packed)}
        except struct.error as error:
            raise ValueError(str(error)) from error

    @property
    def packed(self) -> bytes:
        """All of it as bytes, the same on every machine, in whatever order it was said."""
        fields = msgspec.structs.astuple
        return b"".join(_PERSON.pack(key, *fields(self._said[key])) for key in sorted(self._said))

    def take(self, word: ConsentWord) -> bool:
        """Take *word* in; say whether anything is known now that was not."""
        said = self._said.get(word.key) or _Said()
        if not said.take(word):
            return False
        self._said[word.key] = said
        return True

    def get(self, key: int) -> OptOut | None:
        """The person of *key*, if they are out."""
        said = self._said.get(key)
        return None if said is None else said.opt_out(key)

    def __iter__(self) -> Iterator[OptOut]:
        yield from (found for key in self._said if (found := self.get(key)) is not None)


def keys_out(packed: bytes) -> list[int]:
    """The keys of those of a page who are out: as `OptOutPage` says, and quick enough for a million."""
    return [
        key
        for key, stop, resume, written, freed, _, _ in _PERSON.iter_unpack(packed)
        if (stop and stop >= resume and stop >= freed) or (written and written >= freed)
    ]


def find_in(packed: bytes, keys: Sequence[int]) -> list[OptOut]:
    """Those of *keys* who are out: as `OptOutPage` says, without making anything of the others."""
    if len(keys) >= _MANY_KEYS:
        wanted = set(keys)
        said = {key: rest for key, *rest in _PERSON.iter_unpack(packed) if key in wanted}
    else:
        said = dict(_searched(packed, keys))
    out = (_Said(*said[key]).opt_out(key) for key in keys if key in said)
    return [each for each in out if each is not None]


def _searched(packed: bytes, keys: Iterable[int]) -> Iterator[tuple[int, list[int]]]:
    """People of a page, which are in the order of their keys."""
    people = range(len(packed) // BYTES_A_PERSON)
    for key in keys:
        place = bisect_left(people, key, key=lambda at: _KEY.unpack_from(packed, at * BYTES_A_PERSON)[0])
        if place < len(people):
            found, *said = _PERSON.unpack_from(packed, place * BYTES_A_PERSON)
            if found == key:
                yield key, said


def page_of(key: int) -> int:
    """The page of a person: 1 to PAGES."""
    return key % PAGES + 1


def by_page(words: Sequence[ConsentWord]) -> dict[int, list[ConsentWord]]:
    """*words* by the pages of their people."""
    pages: dict[int, list[ConsentWord]] = {}
    for word in words:
        pages.setdefault(page_of(word.key), []).append(word)
    return pages
