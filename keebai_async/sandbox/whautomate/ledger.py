"""Everything that the sandbox's Whautomate accepted, in order: the truth that clients are compared with."""

from collections import Counter

import msgspec


class Created(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted POST: what it made, and the sandbox clock's time."""

    kind: str
    """`broadcast`, `segment`, `contact` or `message`."""
    id: str
    name: str
    at: float
    body: dict[str, object]


class WhautomateLedger:
    """All that was created, written again and deleted. Nothing is deduped."""

    __slots__ = {
        "created": "What was made, in order.",
        "deleted": "Ids of broadcasts that were deleted.",
        "replaced": "Ids of broadcasts that were written again.",
    }

    created: list[Created]
    deleted: list[str]
    replaced: list[str]

    def __init__(self) -> None:
        self.created = []
        self.replaced = []
        self.deleted = []

    @property
    def broadcasts(self) -> list[Created]:
        return [one for one in self.created if one.kind == "broadcast"]

    @property
    def messages(self) -> list[Created]:
        """Single template messages."""
        return [one for one in self.created if one.kind == "message"]

    def repeated(self) -> dict[str, int]:
        """Broadcasts that were created more than once by their name, and how often."""
        names = Counter(one.name for one in self.broadcasts)
        return {name: times for name, times in names.items() if times > 1}
