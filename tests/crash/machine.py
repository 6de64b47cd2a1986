"""One of several machines that carry campaigns on from one journal, for the storm on PostgreSQL.

    python -m tests.crash.machine NAME URL TOKEN SENDER JOURNAL SPEED LEASE

It runs what nobody runs and is not ended, a few at a time, until it is told to stop by the end of its stdin.
On stdout it says what it took and what it left, a line each. Its name is that of its machine: who shares it
can see its process, as on one machine; nobody else can.
"""

import sys

import anyio
import anyio.to_thread

from keebai_async.client import Keebai
from keebai_async.clock import ScaledClock
from keebai_async.errors import CampaignBusy, JournalUnusable
from keebai_async.journal.open import open_journal
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.quota.window import Quota
from keebai_async.storage import process

AT_ONCE = 2
PAUSE = 0.2
"""Seconds between two looks at what is there to do."""


def say(*words: str) -> None:
    print(*words, flush=True)


class Machine:
    def __init__(self, keebai: Keebai) -> None:
        self._keebai = keebai
        self._runs: set[str] = set()

    async def carry_on(self) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(self._until_told, tasks.cancel_scope)
            while True:
                for campaign in await self._left():
                    if len(self._runs) < AT_ONCE and campaign not in self._runs:
                        self._runs.add(campaign)
                        tasks.start_soon(self._run, campaign)
                await anyio.sleep(PAUSE)

    async def _until_told(self, scope: anyio.CancelScope) -> None:
        await anyio.to_thread.run_sync(sys.stdin.read, abandon_on_cancel=True)
        scope.cancel()

    async def _left(self) -> list[str]:
        """The campaigns that nobody runs, and in which there is something to do for a program."""
        try:
            kept = await self._keebai.journal.campaigns()
        except JournalUnusable:
            return []
        return [
            each.plan.campaign_id
            for each in kept
            if each.holder is None
            and each.state is not CampaignState.FINISHED
            and any(not chunk.settled and chunk.state is not ChunkState.UNKNOWN for chunk in each.chunks)
        ]

    async def _run(self, campaign: str) -> None:
        try:
            async with self._keebai.campaigns.resume(campaign) as run:
                say("took", campaign)
                await run.report()
        except (CampaignBusy, JournalUnusable) as error:
            say("lost", campaign, type(error).__name__)
        finally:
            self._runs.discard(campaign)
            say("left", campaign)


async def main(*words: str) -> None:
    name, url, token, sender, journal, speed, lease = words
    setattr(process, "_place", lambda: name)  # noqa: B010 - it is a function
    async with Keebai(
        token,
        base_url=url,
        phone_number_id=sender,
        clock=ScaledClock(float(speed)),
        quotas=[Quota(10_000, 1.0)],
        limiter="memory:",
        journal=(kept := open_journal(journal, lease=float(lease))),
        poll_floor=2.0,
    ) as keebai:
        await Machine(keebai).carry_on()
    await kept.aclose()


if __name__ == "__main__":
    anyio.run(main, *sys.argv[1:])
