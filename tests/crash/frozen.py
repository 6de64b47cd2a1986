"""A process of another machine that is frozen right after it wrote an intent: it stops itself there.

Called with the sandbox's URL and token, the journal, and the campaign.
"""

import os
import signal
import sys

import anyio

from keebai_async.campaign import freshness
from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import Chunk
from keebai_async.model.lifecycle import Move, Submit
from keebai_async.storage import process


class Freezing(SqliteJournal):
    async def record(self, campaign_id: str, move: Move) -> Chunk:
        chunk = await super().record(campaign_id, move)
        if isinstance(move, Submit):
            os.kill(os.getpid(), signal.SIGSTOP)
        return chunk


async def main(url: str, token: str, path: str, campaign: str) -> None:
    journal = Freezing(path)
    async with Keebai(token, base_url=url, phone_number_id="100000000000001", journal=journal) as keebai:
        try:
            async with keebai.campaigns.resume(campaign) as run:
                await run.report()
        except CampaignBusy:
            print("lost the lease")
    await journal.aclose()


if __name__ == "__main__":
    process._place = lambda: "another machine"  # type: ignore[assignment]
    freshness.LONGEST_INTENT = 0.5  # type: ignore[misc]
    url, token, path, campaign = sys.argv[1:]
    anyio.run(main, url, token, path, campaign)
