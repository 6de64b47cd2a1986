"""What an engine needs of us to ring."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final, Protocol

from keebai_async.campaigns import Campaigns

RING_EVERY: Final = 5
"""Seconds between two looks at what is due."""


class CampaignsHolder(Protocol):
    """A client with campaigns, such as Keebai."""

    @property
    def campaigns(self) -> Campaigns: ...


OpenClient = Callable[[], AbstractAsyncContextManager[CampaignsHolder]]
"""Opens a client with the journal, for one job: `lambda: Keebai(journal=...)`."""
