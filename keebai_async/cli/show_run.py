"""One run of a campaign on the screen, from its first event to its report."""

from functools import partial

import anyio

from keebai_async.campaign.run import CampaignRun
from keebai_async.cli.console import answer, drop_output, say
from keebai_async.cli.exit_codes import Exit, code_of
from keebai_async.cli.interrupts import watch_interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.progress import CampaignMeter, meter
from keebai_async.cli.text_output import next_steps, report_text
from keebai_async.model.events import Event
from keebai_async.model.report import ChunkLine, Report


async def follow(
    run: CampaignRun,
    *,
    ready: int,
    chunks: tuple[ChunkLine, ...] = (),
    json: bool,
    resumable: bool = True,
) -> Report:
    """Run it and show how far it is. The first Ctrl-C or SIGTERM stops it in good order."""
    farewell = "left at once"
    if resumable:
        farewell += f"; to go on: keebai-async resume {run.campaign_id}"
    with meter() as shown:
        campaign = CampaignMeter(shown, ready=ready, chunks=chunks)

        def tell(event: Event) -> None:
            campaign.event(event)
            if json and not _said(event):
                run.stop("nobody reads its output any more")

        async with run, anyio.create_task_group() as tasks:
            tasks.start_soon(partial(watch_interrupts, partial(run.stop, "interrupted"), farewell=farewell))
            async for event in run.events():
                tell(event)
            report = await run.report()
            tasks.cancel_scope.cancel()
    return report


def _said(thing: object) -> bool:
    """Print one line of JSON; False if whoever read our output is gone."""
    try:
        emit(thing)
    except BrokenPipeError:
        drop_output()
        return False
    return True


def conclude(report: Report, *, json: bool, resumable: bool = True) -> Exit:
    """Print the report and, on stderr, what can be done next; give the exit code."""
    if json:
        _said(report)
    else:
        answer(f"\n{report_text(report)}")
    if resumable:
        for step in next_steps(report):
            say(step)
    return code_of(report)
