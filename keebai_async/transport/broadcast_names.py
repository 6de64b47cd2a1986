"""The ids that a service gave to what a client made: one that comes back names something else."""

from typing import Final

_NAMES_KEPT: Final = 10_000


class BroadcastNames:
    """The ids of the broadcasts that a client made, the last ones: each names one."""

    def __init__(self) -> None:
        self._seen: dict[str, None] = {}

    def is_new(self, broadcast_id: str) -> bool:
        """Whether it is seen for the first time; from now on it is not."""
        new = broadcast_id not in self._seen
        self._seen[broadcast_id] = None
        if len(self._seen) > _NAMES_KEPT:
            del self._seen[next(iter(self._seen))]
        return new
