"""Campaigns to supervise, and words for what became of them."""

from collections.abc import Awaitable, Callable, Iterable

import anyio

from keebai_async import CampaignState, Cause, Guards, Keebai, Pace, PlanOptions
from keebai_async.clock import ManualClock
from keebai_async.journal.contract import Journal
from keebai_async.observe import Observer
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Sandbox

BULK = "POST /messages/bulk"


def client(
    sandbox: Sandbox, clock: ManualClock, journal: Journal, *, observer: Iterable[Observer] = ()
) -> Keebai:
    return Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        journal=journal,
        clock=clock,
        limiter=OpenGate(),
        observer=tuple(observer),
    )


def people(count: int, first: int = 0) -> list[dict[str, object]]:
    numbers = range(first, first + count)
    return [{"to": f"+54911{n:08}", "nombre": "Ana", "codigo": f"C{n}"} for n in numbers]


async def launched(
    keebai: Keebai,
    count: int = 20,
    first: int = 0,
    size: int = 5,
    guards: Guards | None = None,
    pace: Pace | None = None,
) -> str:
    options = PlanOptions(chunk_size=size, guards=guards or Guards(), pace=pace)
    plan = await keebai.campaigns.launch(
        people(count, first), template="promo", language="es", name=f"n{first}", options=options
    )
    return plan.campaign_id


async def state_of(keebai: Keebai, campaign_id: str) -> CampaignState:
    return (await keebai.campaigns.status(campaign_id)).state


async def until(happened: Callable[[], Awaitable[bool]], clock: ManualClock, *, step: float = 1.0) -> None:
    """Let the time of *clock* pass, looking every *step* seconds of it."""
    with anyio.fail_after(60.0):
        while not await happened():
            await clock.sleep(step)


async def ended(keebai: Keebai, *campaigns: str) -> bool:
    return all([await state_of(keebai, each) is CampaignState.FINISHED for each in campaigns])


def messaged(sandbox: Sandbox) -> list[str]:
    return sorted(sandbox.ledger.times_messaged().elements())


async def nothing_wanted(keebai: Keebai) -> bool:
    return await keebai.campaigns.wanted() == ()


async def begun(sandbox: Sandbox) -> bool:
    return bool(sandbox.ledger.submissions)


async def stopped(keebai: Keebai, campaign_id: str) -> bool:
    return await state_of(keebai, campaign_id) is CampaignState.STOPPED


async def only_unknown(keebai: Keebai, campaign_id: str) -> bool:
    return (await keebai.campaigns.status(campaign_id)).stopped_by is Cause.UNKNOWN
