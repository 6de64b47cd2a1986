"""What became of each person, as webhooks tell it: small, and the same whatever the order of what is told.

Of each person the earliest time of each kind is kept, and the code of the earliest failure. So what is told
twice, late, or by several receivers at once leads to the same state. 24 bytes a person while a chunk is
worked on, and a few on disk. Of the few who failed at another time as well (their chunk was submitted again)
the latest failure is kept beside that.

Source: webhooks contract, section 6.
"""

import sys
from array import array
from collections import Counter
from collections.abc import Sequence
from enum import IntEnum, StrEnum
from itertools import compress
from typing import Final

import msgspec

from keebai_async.model.meta_codes import MetaCode, about
from keebai_async.model.result import Result

_FIELDS: Final = 6
_CODE: Final = 5
_LATEST: Final = 2**32 - 1
_WITH_FAILED_AGAIN: Final = b"\x02"
"""The end of what is packed with those who failed again; without them it is a whole number of 4 bytes."""


class Fate(IntEnum):
    """What became of one message, as far as it is known; the highest one counts.

    Events may come in any order: who got a message got it, whatever a failure says before or after.
    """

    NONE = 0
    SENT = 1
    FAILED = 2
    DELIVERED = 3
    READ = 4

    @property
    def word(self) -> str:
        """As it stands in files; one of whom nothing was told is `silent`, which proves nothing."""
        return "silent" if self is Fate.NONE else self.name.lower()


class PersonNews(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was told of one person of a campaign.

    *chunk* and *place* are those of the person's mark; *at* is Unix time in seconds. *replied* says that
    they wrote back, *code* is that of a failure. *number* is who was told of, in E.164, and *broadcast_id* in
    which broadcast; either may be empty, and neither is kept in what is known of a person.
    """

    campaign_id: str
    chunk: int
    place: int
    fate: Fate = Fate.NONE
    at: float = 0.0
    code: int = 0
    replied: bool = False
    number: str = ""
    broadcast_id: str = ""


class PersonState(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of one person. Times are Unix seconds, 0 where nothing was told.

    *failed_at* and *code* are of the earliest failure, *failed_again_at* and *code_again* of the latest one,
    where that is another.
    """

    fate: Fate = Fate.NONE
    sent_at: int = 0
    failed_at: int = 0
    delivered_at: int = 0
    read_at: int = 0
    replied_at: int = 0
    code: int = 0
    failed_again_at: int = 0
    code_again: int = 0

    @property
    def at(self) -> int:
        """When what *fate* says happened."""
        return (0, self.sent_at, self.failed_at, self.delivered_at, self.read_at)[self.fate]


class FateGroup(StrEnum):
    """People of a campaign who may have been sent to, by what webhooks told of them."""

    FAILED = "failed"
    """And nothing better was told."""
    DELIVERED = "delivered"
    """Also those who read."""
    NOT_DELIVERED = "not delivered"
    """All others: failed, sent and no more, and those of whom nothing was told, which proves nothing."""
    REPLIED = "replied"

    def has(self, state: PersonState) -> bool:
        """Whether somebody with this *state* is in it."""
        match self:
            case FateGroup.FAILED:
                return state.fate is Fate.FAILED
            case FateGroup.DELIVERED:
                return state.fate >= Fate.DELIVERED
            case FateGroup.NOT_DELIVERED:
                return state.fate < Fate.DELIVERED
            case FateGroup.REPLIED:
                return bool(state.replied_at)


class FailedByCode(msgspec.Struct, frozen=True, kw_only=True):
    """How many people failed by one of Meta's codes, and what it means."""

    people: int
    about: MetaCode


class FateCounts(Result, frozen=True, kw_only=True):
    """How many people of a campaign came how far, as webhooks tell it; each counts once, by the highest.

    They are ours and may lag, lead or lack: never add them to the counters of the service. *delivered* are
    those who did not read, as far as was told. *replied* counts apart: people who wrote back, however far the
    message was told to have come.
    """

    sent: int = 0
    failed: int = 0
    delivered: int = 0
    read: int = 0
    replied: int = 0
    codes: dict[int, int] = msgspec.field(default_factory=dict)
    """Those who failed, by Meta's code; 0 where none was told."""

    @property
    def told(self) -> int:
        """People of whom it was told how far the message came."""
        return self.sent + self.failed + self.delivered + self.read

    @property
    def by_code(self) -> tuple[FailedByCode, ...]:
        """Those who failed, by code, the most frequent first, each with what it means."""
        frequent = sorted(self.codes.items(), key=lambda each: (-each[1], each[0]))
        return tuple(FailedByCode(people=count, about=about(code or None)) for code, count in frequent)

    def __add__(self, other: "FateCounts") -> "FateCounts":
        codes = dict(self.codes)
        for code, count in other.codes.items():
            codes[code] = codes.get(code, 0) + count
        return FateCounts(
            sent=self.sent + other.sent,
            failed=self.failed + other.failed,
            delivered=self.delivered + other.delivered,
            read=self.read + other.read,
            replied=self.replied + other.replied,
            codes=codes,
        )


class ChunkFates:
    """What is known of everybody in one chunk, by place."""

    __slots__ = ("_again", "_told")

    def __init__(self, people: int) -> None:
        self._told = array("I", bytes(4 * _FIELDS * people))
        self._again: dict[int, tuple[int, int]] = {}
        """When the people at some places failed last, and by which code, if that was not the first time."""

    @classmethod
    def read(cls, packed: bytes) -> "ChunkFates":
        """What `packed` gave. Raises ValueError for what it did not."""
        made = cls(0)
        if packed.endswith(_WITH_FAILED_AGAIN) and len(packed) % 4:
            words = _words(packed.removesuffix(_WITH_FAILED_AGAIN))
            people = words.pop() if words else 0
            words, again = words[: people * _FIELDS], words[people * _FIELDS :]
            if len(words) != people * _FIELDS or not again or len(again) % 3:
                raise ValueError("not a whole number of people")
            made._again = {place: (at, code) for place, at, code in zip(*[iter(again)] * 3, strict=True)}
            made._told = words
        else:
            made._told = _words(packed)
        if len(made._told) % _FIELDS:
            raise ValueError("not a whole number of people")
        return made

    @property
    def packed(self) -> bytes:
        """All of it as bytes, the same on every machine."""
        if not self._again:
            return _as_bytes(self._told)
        again = array("I")
        for place, (at, code) in sorted(self._again.items()):
            again.extend((place, at, code))
        again.append(len(self))
        return _as_bytes(self._told) + _as_bytes(again) + _WITH_FAILED_AGAIN

    def __len__(self) -> int:
        return len(self._told) // _FIELDS

    def times(self, fate: Fate) -> Sequence[int]:
        """When *fate* happened to each person, by place, in Unix seconds; 0 where it was not told."""
        return self._told[fate - 1 :: _FIELDS]

    def knows(self, place: int) -> bool:
        """Whether anything was told of the message to the person at *place*."""
        start = place * _FIELDS
        return any(self._told[start : start + Fate.READ])

    def tell(self, news: PersonNews) -> bool:
        """Take *news* in; say whether anything is known now that was not. Raises IndexError."""
        if not 0 <= news.place < len(self):
            raise IndexError(news.place)
        start = news.place * _FIELDS
        at = min(max(1, int(news.at)), _LATEST)  # it happened, even if nobody said when
        changed = False
        if news.fate is not Fate.NONE:
            field = start + news.fate - 1
            if news.fate is Fate.FAILED:
                changed = self._failed(news.place, at, news.code)
            elif not self._told[field] or at < self._told[field]:
                self._told[field] = at
                changed = True
        if news.replied and (not self._told[start + 4] or at < self._told[start + 4]):
            self._told[start + 4] = at
            changed = True
        return changed

    def _failed(self, place: int, at: int, code: int) -> bool:
        """The earliest failure, and the latest; of two at once the larger code, so their order is nothing."""
        field, code_field = place * _FIELDS + Fate.FAILED - 1, place * _FIELDS + _CODE
        failure = (at, code if 0 <= code <= _LATEST else 0)
        before = (self._told[field], self._told[code_field])
        first = last = failure
        if before[0]:
            first = min(before, failure, key=lambda each: (each[0], -each[1]))
            last = max(self._again.get(place, before), failure)
        again = last if last[0] > first[0] else None
        if (first, again) == (before, self._again.get(place)):
            return False
        self._told[field], self._told[code_field] = first
        if again is not None:
            self._again[place] = again
        return True

    def state(self, place: int) -> PersonState:
        """What is known of the person at *place*. Raises IndexError."""
        if not 0 <= place < len(self):
            raise IndexError(place)
        sent, failed, delivered, read, replied, code = self._told[place * _FIELDS : (place + 1) * _FIELDS]
        failed_again_at, code_again = self._again.get(place, (0, 0))
        return PersonState(
            fate=_highest(sent, failed, delivered, read),
            sent_at=sent,
            failed_at=failed,
            delivered_at=delivered,
            read_at=read,
            replied_at=replied,
            code=code,
            failed_again_at=failed_again_at,
            code_again=code_again,
        )

    def counts(self) -> FateCounts:
        """How many came how far."""
        told = [self._told[field::_FIELDS] for field in range(_FIELDS)]
        # A bit for each person, all of them at once: one by one takes ten times as long.
        sent, failed, delivered, read, replied = map(_bits, told[:_CODE])
        failed &= ~(delivered | read)
        codes = Counter(compress(told[_CODE], failed.to_bytes(len(self), "little"))) if failed else {}
        return FateCounts(
            sent=(sent & ~(failed | delivered | read)).bit_count(),
            failed=failed.bit_count(),
            delivered=(delivered & ~read).bit_count(),
            read=read.bit_count(),
            replied=replied.bit_count(),
            codes=dict(codes),
        )


def _words(packed: bytes) -> "array[int]":
    words = array("I")
    words.frombytes(packed)
    if sys.byteorder == "big":
        words.byteswap()
    return words


def _as_bytes(words: "array[int]") -> bytes:
    if sys.byteorder == "big":
        words = words[:]
        words.byteswap()
    return words.tobytes()


def _bits(times: "array[int]") -> int:
    """The lowest bit of a byte for each of *times* that is one."""
    return int.from_bytes(bytes(map(bool, times)), "little")


def _highest(sent: int, failed: int, delivered: int, read: int) -> Fate:
    if read:
        return Fate.READ
    if delivered:
        return Fate.DELIVERED
    if failed:
        return Fate.FAILED
    return Fate.SENT if sent else Fate.NONE


class UnmarkedMatch(msgspec.Struct, frozen=True, kw_only=True):
    """How many *people* of an unknown chunk webhooks told of without a mark since it left, and when.

    It proves nothing: others write to the same numbers. Times are Unix seconds.
    """

    people: int
    first_at: float
    last_at: float
