"""Campaigns as workflows of DBOS, which needs the extra `dbos`.

    begin = campaign_workflows(lambda: Keebai(journal="postgresql://..."))
    DBOS(config={"name": "shop", "system_database_url": "postgresql://...", "executor_id": "worker-1"})
    DBOS.launch()
    end = begin()
    ...
    end()
    DBOS.destroy()

A workflow of a process that was killed is recovered when a process of the same executor id starts again, and
by no other. So nothing depends on it: a schedule rings for what the journal says is due, again and again. A
workflow too many, or one that was recovered while another runs, finds that there is nothing to do.
"""

import threading
from collections.abc import Callable
from datetime import datetime
from typing import Final

from dbos import DBOS, SetWorkflowID

from keebai_async.workers.bell import RING_EVERY, OpenClient

CAMPAIGN_QUEUE: Final = "keebai campaigns"


def campaign_workflows(
    open_client: OpenClient, *, at_once: int = 8, every: int = RING_EVERY
) -> Callable[[], Callable[[], None]]:
    """Workflows that run what is wanted (`campaigns.want`, `launch`), each campaign in one process at a time.

    Call it before `DBOS.launch()`, and what it gives, `begin`, after it, outside of an event loop.
    *open_client* opens a client with the journal, for one step. *at_once* is how many campaigns a process
    runs at a time, *every* how many seconds pass between two looks at what is due (1 to 59). What needs a
    person is an error of its workflow.

    `begin` gives what to call before `DBOS.destroy()`: from then on this process takes up no campaign. DBOS
    cancels what runs, but may still begin what waits in its queue, and stops its event loop without a second
    look: such a campaign would be cut off in the middle of a submit, and its people be unknown.
    """
    ending = threading.Event()

    @DBOS.step(name="keebai due")
    async def look() -> list[str]:
        async with open_client() as client:
            return [want.campaign_id for want in await client.campaigns.due()]

    @DBOS.step(name="keebai take up")
    async def take_up(campaign_id: str) -> None:
        if ending.is_set():
            return  # it is still due: another process takes it up, or this one once it is back
        async with open_client() as client:
            await client.campaigns.take_up(campaign_id)

    @DBOS.workflow(name="keebai run")
    async def run(campaign_id: str) -> None:
        await take_up(campaign_id)

    @DBOS.workflow(name="keebai ring")
    async def ring(at: datetime, _: object) -> None:
        queued = await DBOS.list_queued_workflows_async(queue_name=CAMPAIGN_QUEUE, status="ENQUEUED")
        there = {each.workflow_id.partition("@")[0] for each in queued}
        for campaign_id in await look():
            if campaign_id not in there:
                with SetWorkflowID(f"{campaign_id}@{at.timestamp():.0f}"):
                    await DBOS.enqueue_workflow_async(CAMPAIGN_QUEUE, run, campaign_id)

    def begin() -> Callable[[], None]:
        DBOS.register_queue(CAMPAIGN_QUEUE, worker_concurrency=at_once)
        DBOS.apply_schedules(
            [{"schedule_name": "keebai ring", "workflow_fn": ring, "schedule": f"*/{every} * * * * *"}]
        )
        return ending.set

    return begin
