"""A process of another machine that is frozen after it wrote an intent: it stops itself, once.

Called with the sandbox's URL and token, the journal, the campaign, and the instant: `intent`, when that is on
disk, a signal of aiohttp's tracing on the way from there to the first byte, or `answer`, when all were read
and none is written down yet.
"""

import os
import signal
import sys

import aiohttp
import anyio

from keebai_async.campaign import freshness
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy
from keebai_async.journal.open import open_journal
from keebai_async.journal.stored import StoredJournal
from keebai_async.model.chunk import Chunk
from keebai_async.model.lifecycle import Move, Submit
from keebai_async.storage import process

CHUNKS = 2
"""Whose answers are read before it is frozen with them."""


class Freezer:
    def __init__(self, instant: str) -> None:
        self.instant = instant
        self._meant = self._over = False

    def reached(self, instant: str) -> None:
        self._meant = self._meant or instant == "intent"
        if self._meant and instant == self.instant and not self._over:
            self._over = True
            os.kill(os.getpid(), signal.SIGSTOP)

    def lent(self) -> aiohttp.ClientSession:
        trace = aiohttp.TraceConfig()
        if self.instant not in {"intent", "answer"}:
            getattr(trace, self.instant).append(self._hook)
        return aiohttp.ClientSession(trace_configs=[trace])

    async def _hook(self, *_: object) -> None:
        self.reached(self.instant)


def freeze_around(journal: StoredJournal, freezer: Freezer) -> None:
    record, answers, writing = journal.record, list[Move](), list[Move]()

    async def freezing(campaign_id: str, move: Move) -> Chunk:
        if not isinstance(move, Submit) and freezer.instant == "answer":
            answers.append(move)
            # Bytes that did not leave are no answer. Who is frozen while it writes keeps a file locked.
            while len(answers) < CHUNKS or writing:  # noqa: ASYNC110
                await anyio.sleep(0.005)
            freezer.reached("answer")
        writing.append(move)
        try:
            chunk = await record(campaign_id, move)
        finally:
            writing.remove(move)
        if isinstance(move, Submit):
            freezer.reached("intent")
        return chunk

    setattr(journal, "record", freezing)  # noqa: B010 - it is a method


async def main(*words: str) -> None:
    url, token, path, campaign, instant = words
    freezer = Freezer(instant)
    journal = open_journal(path, lease=3.0)
    assert isinstance(journal, StoredJournal)
    freeze_around(journal, freezer)
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
    if sys.argv[-1] != "answer":  # none of its bytes may stay here, however slow the machine is
        freshness.LONGEST_INTENT = 0.5  # type: ignore[misc]
    anyio.run(main, *sys.argv[1:])
