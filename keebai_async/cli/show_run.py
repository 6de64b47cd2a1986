"""One run of a campaign on the screen, from its first event to its report."""

from functools import partial

from keebai_async.campaign.run import CampaignRun
from keebai_async.cli.exit_codes import Exit, code_of
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.output import answer, say
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
    """Run it and show how far it is. The first Ctrl-C, SIGTERM or SIGHUP stops it in good order."""
    last_words = "left at once"
    if resumable:
        last_words += f"; to go on: keebai-async resume {run.campaign_id}"
    with meter() as shown:
        campaign = CampaignMeter(shown, ready=ready, chunks=chunks)

        def tell(event: Event) -> None:
            campaign.event(event)
            if json:
                emit(event)

        with interrupts.stopping(partial(run.stop, "interrupted"), last_words=last_words):
            async with run:
                async for event in run.events():
                    tell(event)
                return await run.report()
    raise AssertionError("a run ends with a report or an error")  # no context manager here hides one


def conclude(report: Report, *, json: bool, resumable: bool = True) -> Exit:
    """Print the report and, on stderr, what can be done next; give the exit code."""
    if json:
        emit(report)
    else:
        answer(f"\n{report_text(report)}")
    if resumable:
        for step in next_steps(report):
            say(step)
    return code_of(report)
