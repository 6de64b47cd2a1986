"""Campaigns as jobs of Procrastinate, which needs the extra `procrastinate`.

    app = App(connector=PsycopgConnector(conninfo="postgresql://..."))
    app.add_tasks_from(campaign_jobs(lambda: Keebai(journal="postgresql://...")), namespace="keebai")

A job of a process that was killed stays "doing", and nothing of Procrastinate runs it again by itself. So
nothing depends on it: a periodic job rings for what the journal says is due, again and again. A job too many
finds that there is nothing to do. No lock of Procrastinate is used, since a dead job would keep it.
"""

from contextlib import suppress

from procrastinate import Blueprint
from procrastinate.exceptions import AlreadyEnqueued

from keebai_async.workers.bell import RING_EVERY, OpenClient


def campaign_jobs(open_client: OpenClient, *, queue: str = "campaigns", every: int = RING_EVERY) -> Blueprint:
    """Tasks that run what is wanted (`campaigns.want`, `launch`), each campaign in one worker at a time.

    `ring` looks every so many seconds (1 to 59) what is due, and defers `run` for each. Both are in *queue*,
    so a worker's concurrency there is how many campaigns it runs at once. What needs a person fails its job.
    """
    jobs = Blueprint()

    @jobs.task(name="run", queue=queue)
    async def run(campaign_id: str) -> None:
        async with open_client() as client:
            await client.campaigns.take_up(campaign_id)

    @jobs.periodic(cron=f"* * * * * */{every}")
    @jobs.task(name="ring", queue=queue, queueing_lock="keebai ring")
    async def ring(timestamp: int) -> None:
        async with open_client() as client:
            due = await client.campaigns.due()
        for want in due:
            deferrer = run.configure(queueing_lock=f"keebai run {want.campaign_id}")
            with suppress(AlreadyEnqueued):
                await deferrer.defer_async(campaign_id=want.campaign_id)

    return jobs
