"""Everything that was accepted, in order: the truth that reports are compared with."""

from collections import Counter
from collections.abc import Iterator
from typing import Final

import msgspec

from keebai_async.sandbox.keebai.identity import identity


class Messaged(msgspec.Struct, frozen=True, kw_only=True):
    """One person of an accepted request, as it was written there."""

    to: str
    variables: dict[str, str] = {}
    meta_data: dict[str, object] = {}


class _Numbered(msgspec.Struct, frozen=True, gc=False):
    to: str


_MESSAGED: Final = msgspec.json.Decoder(list[Messaged])
_WITH_NUMBERS: Final = msgspec.json.Decoder(list[_Numbered])


class Submission(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted request. The people are kept as the bytes they came in, and read when asked for."""

    kind: str
    """`bulk`, `template` or `text`."""
    at: float
    """The sandbox clock's time."""
    sender: str
    """The phone_number_id, whichever field named it."""
    accepted: int
    """How many of the people were taken: the first so many."""
    items: bytes
    broadcast_id: str | None = None
    message_id: str | None = None
    template: str | None = None
    language: str | None = None
    text: str | None = None
    campaign_name: str | None = None
    token: str = ""

    @property
    def recipients(self) -> list[Messaged]:
        return _MESSAGED.decode(self.items)[: self.accepted]

    @property
    def numbers(self) -> list[str]:
        return [one.to for one in _WITH_NUMBERS.decode(self.items)[: self.accepted]]


class Ledger:
    """All accepted requests. Nothing is deduped, as the service does not: contract, section 3.1."""

    __slots__ = {
        "submissions": "What was accepted, in order.",
    }

    submissions: list[Submission]

    def __init__(self) -> None:
        self.submissions = []

    def add(self, submission: Submission) -> None:
        self.submissions.append(submission)

    def __len__(self) -> int:
        return len(self.submissions)

    @property
    def total(self) -> int:
        """How many messages were accepted, repeated ones included."""
        return sum(one.accepted for one in self.submissions)

    @property
    def recipients(self) -> Iterator[Messaged]:
        """Everybody, in the order of acceptance."""
        for submission in self.submissions:
            yield from submission.recipients

    def times_messaged(self) -> Counter[str]:
        """How often each number was accepted, by its spelling."""
        return Counter(number for submission in self.submissions for number in submission.numbers)

    def repeated(self) -> dict[str, int]:
        """The people who were accepted more than once, in any spelling, and how often."""
        people: Counter[str] = Counter()
        for number, times in self.times_messaged().items():
            people[identity(number)] += times
        return {person: times for person, times in people.items() if times > 1}

    def broadcast(self, broadcast_id: str) -> Submission:
        """Raises KeyError if no such broadcast was accepted."""
        for submission in self.submissions:
            if submission.broadcast_id == broadcast_id:
                return submission
        raise KeyError(broadcast_id)
