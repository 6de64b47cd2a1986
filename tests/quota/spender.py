"""A program that shares a token with others: as many tasks and requests as it can.

Arguments: base URL, store (`sqlite:PATH` or a Redis URL), the quota, how many places to take and keep
without ever making a request. It says `ready`, begins at the first line it is given, says `holds` for each
place that it keeps, and ends at the second line.
"""

import sys

import anyio

from keebai_async.client import Keebai
from keebai_async.quota.gate import Lane
from keebai_async.quota.limiter import Margin, RateLimiter
from keebai_async.quota.redis import RedisStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import Store
from keebai_async.quota.window import parse_quotas
from keebai_async.sandbox.keebai.catalogue import DEFAULT_TOKEN

TASKS = 100
LAPSE = 2.0  # seconds until a place of a program that died is given back


async def main(base_url: str, where: str, quota: str, keep: int) -> None:
    store: Store
    if where.startswith("sqlite:"):
        store = SqliteStore(where.removeprefix("sqlite:"), "token", longest=LAPSE)
    else:
        store = RedisStore(where, "token", longest=LAPSE)
    limiter = RateLimiter(parse_quotas(quota), store=store, margin=Margin(seconds=0.02))
    async with Keebai(
        DEFAULT_TOKEN.secret, base_url=base_url, phone_number_id="1", limiter=limiter
    ) as client:

        async def ask() -> None:
            while True:
                await client.me()

        async def hold() -> None:
            async with limiter.place(Lane.INTERACTIVE):
                print("holds", flush=True)
                await anyio.sleep_forever()

        print("ready", flush=True)
        await anyio.to_thread.run_sync(sys.stdin.readline)
        async with anyio.create_task_group() as tasks:
            for _ in range(keep):
                tasks.start_soon(hold)
            for _ in range(0 if keep else TASKS):
                tasks.start_soon(ask)
            await anyio.to_thread.run_sync(sys.stdin.readline)
            tasks.cancel_scope.cancel()
    await limiter.aclose()


if __name__ == "__main__":
    _, base_url, where, quota, keep = sys.argv
    anyio.run(main, base_url, where, quota, int(keep))
