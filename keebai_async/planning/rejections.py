"""The rows that are not sent: what is wrong with one (Problem), and all of them on their way to the journal.

A list may be nothing but rejections, so they are never all in memory: they are counted, the first examples
of each reason are kept, and the rest is handed on in batches.
"""

from collections.abc import Iterator

import msgspec

from keebai_async.model.plan import ReasonCount
from keebai_async.model.recipient import Reason, Rejection

EXAMPLES = 3
BATCH = 1_000
"""So many are handed on at once, and wait before it is worth to look for the rows that they repeat."""
PART = 250
"""So many get the row that they repeat before the event loop has its turn."""
MOST_HELD = 40_000
"""So many wait at most, in some 25 MB. The look-up reads all people: among 4 million, with a quarter of these
held, it would take half of all the time of a duplicate."""


class Problem(msgspec.Struct, frozen=True, gc=False):
    """What is wrong with a row, in which field, and how to fix it; *number* is its number, if known."""

    reason: Reason
    detail: str
    field: str = ""
    number: str = ""


class Rejections:
    """Rejections on their way to the journal, in the order of the list.

    A duplicate waits here with its key until the row that it repeats has been looked up, and the other
    rejections wait with it, so that their order stays that of the list.
    """

    def __init__(self) -> None:
        self._counts: dict[Reason, int] = {}
        self._examples: dict[Reason, list[Rejection]] = {}
        self._waiting: list[Rejection] = []
        self._repeated: list[int | None] = []
        """For each that waits, the key of the person that it repeats, if it is a duplicate."""

    def add(self, rejection: Rejection, *, repeats: int | None = None) -> None:
        """Add a row; *repeats* is the identity key of a duplicate."""
        self._counts[rejection.reason] = self._counts.get(rejection.reason, 0) + 1
        self._waiting.append(rejection)
        self._repeated.append(repeats)

    def due(self, people: int) -> bool:
        """Whether it is time to hand on. A look-up reads all *people*, so many share one."""
        return len(self._waiting) >= min(MOST_HELD, max(BATCH, people // 20))

    @property
    def sought(self) -> set[int]:
        """The keys of the duplicates that wait for the row they repeat."""
        return set(filter(None, self._repeated))

    def hand_on(self, rows: dict[int, int]) -> Iterator[list[Rejection]]:
        """All that waits, a part at a time; *rows* says where each sought key was first."""
        waiting, self._waiting = self._waiting, []
        repeated, self._repeated = self._repeated, []
        while waiting:
            ready = [
                rejection if key is None else _repeating(rejection, rows[key])
                for rejection, key in zip(waiting[:PART], repeated[:PART], strict=True)
            ]
            del waiting[:PART], repeated[:PART]  # to forget all of them at once takes 15 ms
            for rejection in ready:
                examples = self._examples.get(rejection.reason)
                if examples is None:
                    examples = self._examples[rejection.reason] = []
                if len(examples) < EXAMPLES:
                    # A caller gets it, and what all rejections share is nobody's to change.
                    own = {**rejection.cells}
                    examples.append(msgspec.structs.replace(rejection, cells=own))
            yield ready

    def count(self, *reasons: Reason) -> int:
        """How many there are of *reasons*; of all when none is named."""
        return sum(self._counts.get(reason, 0) for reason in reasons or self._counts)

    def summary(self) -> tuple[ReasonCount, ...]:
        """Counts by reason, the most frequent first."""
        order = sorted(self._counts, key=lambda reason: (-self._counts[reason], reason.value))
        return tuple(
            ReasonCount(
                reason=reason, count=self._counts[reason], examples=tuple(self._examples.get(reason, ()))
            )
            for reason in order
        )


def _repeating(duplicate: Rejection, row: int) -> Rejection:
    detail = f"the same person as in row {row}, who would be messaged and billed twice"
    return msgspec.structs.replace(duplicate, repeats_row=row, detail=detail)
