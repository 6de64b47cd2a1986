"""One run of a campaign on the screen, from its first event to its report."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from typing import Final

import anyio
from msgspec.structs import replace

from keebai_async.campaign.run import CampaignRun
from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.account_text import cannot_be_called_back, no_success, process_gone
from keebai_async.cli.campaign_codes import code_of_run
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import account, emit
from keebai_async.cli.language import phrase
from keebai_async.cli.options import journal_option
from keebai_async.cli.output import answer_account, say
from keebai_async.cli.progress import CampaignMeter, WatchedPart, meter
from keebai_async.cli.text_output import report_text, step_lines
from keebai_async.errors import QuotaUnusable
from keebai_async.model.events import Event
from keebai_async.model.fates import FateCounts
from keebai_async.model.report import ChunkLine
from keebai_async.model.situation import Situation, Standing
from keebai_async.model.stop import Cause

Spent = Callable[[], Awaitable[str]]
"""What is spent of the quota, in words."""

_QUOTA_READ_EVERY: Final = 5.0
"""Seconds between two looks at what is spent of the quota, which cost no request."""
_SHOWN_EVERY: Final = 1.0
"""Seconds between two looks at a run of our own; they cost nothing."""


async def follow(
    run: CampaignRun,
    *,
    ready: int,
    chunks: tuple[ChunkLine, ...] = (),
    parts: Sequence[WatchedPart] = (),
    json: bool,
    resumable: bool = True,
    journal: str | None = None,
    spent: Spent | None = None,
) -> Situation:
    """Run it and show how far it is. The first Ctrl-C, SIGTERM or SIGHUP stops it in good order.

    *spent* tells what is spent of the quota.
    """
    last_words = phrase("left at once")
    if resumable:
        resume = f"keebai-async resume {run.campaign_id}{journal_option(journal)}"
        last_words += phrase("; to go on: {command}", command=resume)
    with meter() as shown:
        campaign = CampaignMeter(shown, ready=ready, chunks=chunks, parts=parts)

        def tell(event: Event) -> None:
            campaign.event(event)
            if json:
                emit(event)

        with interrupts.stopping(partial(run.stop, "interrupted"), last_words=last_words):
            async with run, _ticking(run, campaign, spent):
                async for event in run.events():
                    tell(event)
                return run.situation()
    raise AssertionError("a run ends in a situation or an error")  # no context manager here hides one


@asynccontextmanager
async def _ticking(run: CampaignRun, campaign: CampaignMeter, spent: Spent | None) -> AsyncIterator[None]:
    """Show every second how far it is likely to be, so that the screen never stands still."""
    error: Exception | None = None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(_tick, run, campaign)
        if spent is not None:
            tasks.start_soon(_look_at_quota, campaign, spent)
        try:
            yield
        except Exception as raised:  # as it is, not in a group
            error = raised
        tasks.cancel_scope.cancel()
    if error is not None:
        raise error


async def _tick(run: CampaignRun, campaign: CampaignMeter) -> None:
    while True:
        await anyio.sleep(_SHOWN_EVERY)
        campaign.tick(run.situation(), datetime.now(UTC))


async def _look_at_quota(campaign: CampaignMeter, spent: Spent) -> None:
    while True:
        with suppress(QuotaUnusable):  # who needs it says so
            campaign.spent = await spent()
        await anyio.sleep(_QUOTA_READ_EVERY)


async def with_fates(keebai: CampaignClient, situation: Situation) -> Situation:
    """The same, with what webhooks told by now."""
    counts = await keebai.campaigns.fates(situation.campaign_id)
    return situation if counts == FateCounts() else replace(situation, fates=counts)


_WANTED_AN_END: Final = frozenset({Cause.INTERRUPTED, Cause.GUARD, Cause.TEMPLATE})


def conclude(situation: Situation, *, json: bool, resumable: bool = True, journal: str | None = None) -> Exit:
    """Print the report and, on stderr, what can be done next; give the exit code."""
    if json:
        emit(account("report", situation))
        if situation.standing is Standing.DIED:
            say(process_gone())
    else:
        answer_account(f"\n{report_text(situation)}", alarm=no_success())
    if situation.cause in _WANTED_AN_END:
        for line in cannot_be_called_back(situation):
            say(line)
    if resumable:
        for line in step_lines(situation, journal=journal):
            say(line)
    return code_of_run(situation)
