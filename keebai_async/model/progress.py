"""Progress: how far a broadcast is, in the same words for every service."""

from collections.abc import Iterator
from typing import Final

import msgspec

NOT_KNOWN: Final = "not known"


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Counters of one broadcast. None is "not known", which is not 0.

    *sent* were taken by Meta, *failed* were not; *pending* wait for their turn. Where all three are known
    they add up to *total*. *delivered*, *read* and *replied* are what became of those that were sent, and
    *undelivered* those of them that failed later, as far as the service tells; they may grow after
    *final*, which says that no more will be sent.
    """

    broadcast_id: str
    status: str = ""
    final: bool = False
    total: int | None = None
    sent: int | None = None
    failed: int | None = None
    pending: int | None = None
    delivered: int | None = None
    read: int | None = None
    replied: int | None = None
    undelivered: int | None = None
    started_at: str | None = None
    completed_at: str | None = None

    @property
    def done(self) -> int | None:
        """How many are no longer pending."""
        if self.sent is None and self.failed is None:
            return None
        return (self.sent or 0) + (self.failed or 0)

    def figures(self) -> Iterator[tuple[str, str]]:
        """Each counter by its name, as text for people."""
        for name in ("total", "sent", "failed", "pending", "delivered", "read", "replied", "undelivered"):
            value: int | None = getattr(self, name)
            yield name, NOT_KNOWN if value is None else f"{value:,}"

    def __str__(self) -> str:
        known = [f"{value} {name}" for name, value in self.figures() if value != NOT_KNOWN]
        unknown = [name for name, value in self.figures() if value == NOT_KNOWN]
        parts = [", ".join(known)] if known else []
        if unknown:
            parts.append(f"{NOT_KNOWN}: {', '.join(unknown)}")
        return f"{self.broadcast_id} {self.status or '-'}: {'; '.join(parts)}"
