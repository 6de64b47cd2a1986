"""What a campaign needs of a messaging service."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from keebai_async.model.progress import Progress
from keebai_async.model.requests import Requests
from keebai_async.transport.verdict import Verdict


class Service(Protocol):
    """The part of a messaging service that a running campaign uses."""

    requests: Requests

    async def submit(
        self, body: bytes, *, recipients: int, leaving: Callable[[], Awaitable[None]]
    ) -> Verdict:
        """Make one attempt, and say what it means.

        *leaving* is awaited when the quota has given a place, before the first byte is written; if
        it raises, nothing is sent and its exception comes out. Otherwise only QuotaUnusable is raised,
        when no place could be asked for and nothing was sent.
        """

    async def progress(self, broadcast_id: str) -> Progress:
        """Read where a broadcast stands. Raises RequestError or QuotaUnusable."""

    async def probe(self) -> None:
        """Make one cheap read without retries. Raises RequestError if the service does not answer it."""
