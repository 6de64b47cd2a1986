"""One run of a campaign on the screen, from its first event to its report."""

from functools import partial
from typing import Final

from msgspec.structs import replace

from keebai_async.campaign.run import CampaignRun
from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.account_text import NO_SUCCESS, PROCESS_GONE, cannot_be_called_back
from keebai_async.cli.exit_codes import Exit, code_of_run
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import account, emit
from keebai_async.cli.options import journal_option
from keebai_async.cli.output import answer_account, say
from keebai_async.cli.progress import CampaignMeter, meter
from keebai_async.cli.text_output import report_text, step_lines
from keebai_async.model.events import Event
from keebai_async.model.fates import FateCounts
from keebai_async.model.report import ChunkLine
from keebai_async.model.situation import Situation, Standing
from keebai_async.model.stop import Cause


async def follow(
    run: CampaignRun,
    *,
    ready: int,
    chunks: tuple[ChunkLine, ...] = (),
    json: bool,
    resumable: bool = True,
    journal: str | None = None,
) -> Situation:
    """Run it and show how far it is. The first Ctrl-C, SIGTERM or SIGHUP stops it in good order."""
    last_words = "left at once"
    if resumable:
        last_words += f"; to go on: keebai-async resume {run.campaign_id}{journal_option(journal)}"
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
                return run.situation()
    raise AssertionError("a run ends in a situation or an error")  # no context manager here hides one


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
            say(PROCESS_GONE)
    else:
        answer_account(f"\n{report_text(situation)}", alarm=NO_SUCCESS)
    if situation.cause in _WANTED_AN_END:
        for line in cannot_be_called_back(situation):
            say(line)
    if resumable:
        for line in step_lines(situation, journal=journal):
            say(line)
    return code_of_run(situation)
