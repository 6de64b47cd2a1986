"""What became of a block: people who are ready, and rows that are rejected."""

from collections.abc import Sequence

import msgspec

from keebai_async.model.recipient import Rejection
from keebai_async.planning.codec import WireRow
from keebai_async.planning.rows import Rows


class Checked(msgspec.Struct, gc=False):
    """The *ready* of a block with their identity *keys*, and its *rejections*, each in order.

    *where* are the positions of the ready in *rows*, of which the first *read* were looked at.
    *region* is that of all numbers, if it is known to be one; the values of nobody have more
    than *longest* characters.
    """

    rows: Rows
    read: int
    ready: Sequence[WireRow]
    keys: list[int]
    where: Sequence[int]
    rejections: Sequence[Rejection] = ()
    region: str | None = None
    longest: int = 0

    def up_to(self, place: int) -> "Checked":
        """The part of it that ends with the person at *place* among the ready."""
        read = self.where[place] + 1
        last = self.rows.numbers[read - 1]
        return Checked(
            self.rows,
            read,
            self.ready[: place + 1],
            self.keys[: place + 1],
            self.where[: place + 1],
            [rejection for rejection in self.rejections if rejection.row < last],
            self.region,
            self.longest,
        )
