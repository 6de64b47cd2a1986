"""A process of another machine that is frozen after it wrote an intent: it stops itself, once.

Called with the sandbox's URL and token, the journal, the campaign, and the instant: `intent`, when that is on
disk, or a signal of aiohttp's tracing on the way from there to the first byte.
"""

import os
import signal
import sys

import aiohttp
import anyio

from keebai_async.campaign import freshness
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import Chunk
from keebai_async.model.lifecycle import Move, Submit
from keebai_async.storage import process


class Freezer:
    def __init__(self, instant: str) -> None:
        self._instant = instant
        self._meant = self._over = False

    def reached(self, instant: str) -> None:
        self._meant = self._meant or instant == "intent"
        if self._meant and instant == self._instant and not self._over:
            self._over = True
            os.kill(os.getpid(), signal.SIGSTOP)

    def lent(self) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        if self._instant != "intent":
            getattr(trace, self._instant).append(self._hook)
        return aiohttp.ClientSession(trace_configs=[trace])

    async def _hook(self, *_: object) -> None:
        self.reached(self._instant)


class Freezing(SqliteJournal):
    freezer: Freezer

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        chunk = await super().record(campaign_id, move)
        if isinstance(move, Submit):
            self.freezer.reached("intent")
        return chunk


async def main(*words: str) -> None:
    url, token, path, campaign, instant = words
    freezer = Freezer(instant)
    journal = Freezing(path)
    journal.freezer = freezer
    async with (
        freezer.lent() as lent,
        Keebai(
            token, base_url=url, phone_number_id="100000000000001", journal=journal, session=lent
        ) as keebai,
    ):
        try:
            async with keebai.campaigns.resume(campaign) as run:
                await run.report()
        except CampaignBusy:
            print("lost the lease")
    await journal.aclose()


if __name__ == "__main__":
    process._place = lambda: "another machine"  # type: ignore[assignment]
    freshness.LONGEST_INTENT = 0.5  # type: ignore[misc]
    anyio.run(main, *sys.argv[1:])
