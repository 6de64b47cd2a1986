"""Who of those who failed may get the same once more: by code, once, and nobody who may have it. Pure.

A failure is told by webhooks alone, and may be told wrong for a while: the same message can be delivered
after it was told as failed. So everything that is known of a person is weighed each time, of the campaign and
of all its retries, and the worst counts: who has it, or may have it, is never sent to again.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from enum import StrEnum
from typing import Final

import msgspec

from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import Fate, PersonState
from keebai_async.model.meta_codes import Again, about
from keebai_async.model.result import Result


class RetryChoice(StrEnum):
    """What follows for somebody whose message failed."""

    NOW = "now"
    """Sent to again."""
    NOT_YET = "not yet"
    """Once the code's wait is over."""
    NEVER = "never"
    """The code says that nothing helps, or that the person wants no more."""
    FIX = "fix"
    """Not before somebody fixes or settles what the code names."""
    RETRIED = "retried"
    """Has had a retry already, which failed too."""
    DELIVERED = "delivered"
    """Has it: from this campaign, by a late word, or from a retry of it."""
    PENDING = "pending"
    """Another retry is on its way to them, or is still to leave."""


class Sending(msgspec.Struct, frozen=True):
    """One time that a person was, or is to be, sent to: where its chunk stands, and what was told.

    *earlier* says that it is not the last request of its chunk: a lost one, which was accepted after all.
    """

    state: ChunkState
    told: PersonState
    earlier: bool = False

    @property
    def failed(self) -> bool:
        """Certainly left, and was told as failed and as nothing better."""
        return self.state is ChunkState.ACCEPTED and self.told.fate is Fate.FAILED


def sendings_of(chunk: Chunk, told: PersonState) -> tuple[Sending, ...]:
    """What somebody was sent, or is to be sent, in *chunk*; *told* is all that is known of them.

    That is one message, unless two requests with them were accepted: a lost one, of which somebody said that
    it did not arrive, and the one after it. Webhooks do not say of which of the two they speak. A failure
    from before the last request left is that of the lost one, and says nothing of the other message, which
    may be on its way.
    """
    of_the_lost_one = bool(told.failed_at) and chunk.before_last_attempt(told.failed_at)
    once = not chunk.left_perhaps_twice or (chunk.twice_at is None and not of_the_lost_one)
    if once or told.fate >= Fate.DELIVERED:
        return (Sending(chunk.state, told),)
    # Of more than two requests nobody can say which ones are told of.
    lost = told if of_the_lost_one and chunk.times_left == 2 else PersonState()
    last = _of_the_last_request(chunk, told, of_the_lost_one=of_the_lost_one)
    return (Sending(ChunkState.ACCEPTED, lost, earlier=True), Sending(chunk.state, last))


def _of_the_last_request(chunk: Chunk, told: PersonState, *, of_the_lost_one: bool) -> PersonState:
    """What is known of the last message: the later failure, or that its broadcast failed for everybody."""
    again_at = told.failed_again_at
    if again_at and not chunk.before_last_attempt(again_at):
        return msgspec.structs.replace(told, failed_at=again_at, code=told.code_again)
    failed_for_everybody = chunk.final and 0 < chunk.accepted <= chunk.failed
    return told if failed_for_everybody or not of_the_lost_one else PersonState()


def choose(sendings: Sequence[Sending], *, at: float, again: bool = False) -> RetryChoice:
    """What follows at the time *at* (Unix time) for somebody to whom all of *sendings* were made.

    *again* lets those pass who had a retry already. Who was sent to by none is pending: nothing is proven.
    """
    if any(each.told.fate >= Fate.DELIVERED for each in sendings):
        return RetryChoice.DELIVERED
    if not sendings or not all(each.failed for each in sendings):
        return RetryChoice.PENDING
    words = {about(each.told.code or None).again for each in sendings}
    if Again.NEVER in words:
        return RetryChoice.NEVER
    if about(last_failure(sendings).code or None).again is Again.FIXED:
        return RetryChoice.FIX
    if sum(not each.earlier for each in sendings) > 1 and not again:
        return RetryChoice.RETRIED
    return RetryChoice.NOW if due_at(last_failure(sendings)) <= at else RetryChoice.NOT_YET


def last_failure(sendings: Iterable[Sending]) -> PersonState:
    """The failure that happened last; one of nothing where nobody was sent to."""
    return max((each.told for each in sendings), key=lambda told: told.failed_at, default=PersonState())


def due_at(told: PersonState) -> float:
    """When somebody with this failure may be sent to again, by its code, in Unix time."""
    return told.failed_at + about(told.code or None).wait


class RetryGroup(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """People of whom the same follows by the same code, 0 where none was told.

    Of those who are not due yet, *first* and *last* are when the first and the last of them will be.
    """

    choice: RetryChoice
    code: int
    people: int
    first: float | None = None
    last: float | None = None


class RetryAccount(Result, frozen=True, kw_only=True, omit_defaults=True):
    """What a retry of the campaign *of* would do at the time *at*, and whom it leaves out.

    *unnamed* people failed by the service's own counters, and no webhook told who they are: nobody of them is
    sent to again. *again* says that those may be who had a retry already. Times are Unix time. It names
    nobody.
    """

    of: str
    name: str
    at: float
    groups: tuple[RetryGroup, ...] = ()
    unnamed: int = 0
    again: bool = False

    def people(self, choice: RetryChoice) -> int:
        """How many there are of whom this follows."""
        return sum(group.people for group in self.groups if group.choice is choice)


LEFT_OUT_OF_RETRY: Final = "left out before it was submitted, as webhooks told since"
"""What the reason begins with for which people of a retry are not submitted after all."""


class NotAgain(msgspec.Struct, frozen=True):
    """People of a chunk, by index, who are not to be submitted after all, and why, in words."""

    items: tuple[int, ...]
    reason: str


class RetryTally:
    """Counts people by what follows for them."""

    def __init__(self) -> None:
        self._people: Counter[tuple[RetryChoice, int]] = Counter()
        self._due: dict[int, tuple[float, float]] = {}

    def add(self, choice: RetryChoice, sendings: Sequence[Sending]) -> None:
        told = last_failure(sendings)
        self._people[choice, told.code] += 1
        if choice is RetryChoice.NOT_YET:
            due = due_at(told)
            first, last = self._due.get(told.code, (due, due))
            self._due[told.code] = (min(first, due), max(last, due))

    def groups(self) -> tuple[RetryGroup, ...]:
        """Every group: by what follows, then the largest first."""
        order = list(RetryChoice)

        def place(each: RetryGroup) -> tuple[int, int, int]:
            return order.index(each.choice), -each.people, each.code

        return tuple(sorted(map(self._group, self._people), key=place))

    def _group(self, kind: tuple[RetryChoice, int]) -> RetryGroup:
        choice, code = kind
        first, last = self._due[code] if choice is RetryChoice.NOT_YET else (None, None)
        return RetryGroup(choice=choice, code=code, people=self._people[kind], first=first, last=last)
