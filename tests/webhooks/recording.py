"""A program of somebody's own: it takes deliveries and writes what they tell into a journal, until it ends.

Usage: python -m tests.webhooks.recording SPOOL JOURNAL PORT

The secret is KEEBAI_WEBHOOK_SECRET.
"""

import asyncio
import os
import signal
import sys
from functools import partial

import anyio
from aiohttp import web

from keebai_async import open_journal
from keebai_async.webhooks import FateRecorder, WebhookReceiver, WebhookSecrets, record_fates
from tests.webhooks.receiving import with_aiohttp


async def main(spool: str, journal: str, port: str) -> None:
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    kept = open_journal(journal)
    secrets = WebhookSecrets(os.environ["KEEBAI_WEBHOOK_SECRET"])
    async with WebhookReceiver(spool, secrets=secrets) as receiver, anyio.create_task_group() as tasks:
        runner = web.AppRunner(with_aiohttp(receiver))
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", int(port)).start()
        tasks.start_soon(record_fates, receiver, FateRecorder(kept))
        print("receiving", flush=True)
        await ended.wait()
        await runner.cleanup()
        tasks.cancel_scope.cancel()
    await kept.aclose()


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))
