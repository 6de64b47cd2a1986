"""Who is told when a worker is done with a campaign: what `--on-end` and `--notify` say, one at a time."""

import math
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import anyio
from anyio.streams.memory import MemoryObjectReceiveStream

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.campaign_codes import code_of_run
from keebai_async.cli.end_notice import EndNotices
from keebai_async.cli.output import say
from keebai_async.cli.show_run import with_fates
from keebai_async.errors import KeebaiError
from keebai_async.observe import CampaignLeft, Record

_LAST_NOTICES: Final = 30.0
"""Seconds in which those who are still to be told are, once the worker is told to end."""


class WorkerNotices:
    """Tells *notices* of each campaign that no worker takes up again: it is finished, or needs a person."""

    def __init__(self, notices: EndNotices) -> None:
        self._notices = notices
        self._outbox, self._inbox = anyio.create_memory_object_stream[str](math.inf)

    def observe(self, record: Record) -> None:
        """The hook of the worker's clients."""
        if isinstance(record, CampaignLeft):
            self._outbox.send_nowait(record.campaign)

    @asynccontextmanager
    async def telling(self, keebai: CampaignClient) -> AsyncIterator[None]:
        """Tell inside `with`, by the journal of *keebai*; at its end the last ones."""
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._tell_all, keebai, self._inbox)
            try:
                yield
            finally:
                self._outbox.close()
                tasks.cancel_scope.deadline = anyio.current_time() + _LAST_NOTICES

    async def _tell_all(self, keebai: CampaignClient, inbox: MemoryObjectReceiveStream[str]) -> None:
        async with inbox:
            async for campaign in inbox:
                try:
                    now = await with_fates(keebai, await keebai.campaigns.situation(campaign))
                    await self._notices.tell(now, code_of_run(now), clock=keebai.clock)
                except KeebaiError as error:  # the next one is told all the same
                    say(f"nobody was told of the end of {campaign}: {error}")
