"""One campaign that is wanted, run by who takes it up; and what follows from how its run ended.

Who runs campaigns is a supervisor, or a task of an engine such as Procrastinate. Neither decides anything:
the journal holds what is wanted (`Want`), its leases say who runs it, and what ends a run decides what
follows, as a table (`AFTER`). A shutdown leaves the campaign wanted, so that the next process takes it up; a
person's stop does not, and what only a person can fix neither. What passes by itself is put off in the
journal, for longer each time, so that others wait, too.
"""

import enum
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final, Protocol

from keebai_async.campaign.run import CampaignRun
from keebai_async.clock import Clock
from keebai_async.errors import (
    AlreadyLaunched,
    AnotherToken,
    CampaignBusy,
    CampaignNotFound,
    InvalidInput,
    JournalUnusable,
    KeebaiError,
    Misused,
    PeoplePurged,
)
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import CampaignState
from keebai_async.model.report import Report, report_of
from keebai_async.model.stop import Cause
from keebai_async.model.want import Want
from keebai_async.observe import Observer
from keebai_async.observe.campaign_records import CampaignLeft, CampaignTakenUp

FIRST_RETRY: Final = 5.0
LAST_RETRY: Final = 600.0
"""Seconds before a campaign is tried again: twice as many each time, from the first to the last."""


class Next(enum.Enum):
    """What becomes of a campaign that is wanted and whose run has ended."""

    DONE = "done"
    """Nothing is left, or nothing that a program can do: it is not wanted any more."""
    AGAIN = "again"
    """It is taken up again at once, by who is there."""
    LATER = "later"
    """It is put off, for longer each time."""
    WAIT = "wait"
    """It stays wanted, and waits until somebody settles what is unknown."""


AFTER: Final[Mapping[Cause | None, Next]] = MappingProxyType(
    {
        None: Next.DONE,
        # A person's stop took the want away by itself (`Journal.ask`). Any other is a shutdown: of the
        # process, or of the client under its supervisor.
        Cause.INTERRUPTED: Next.AGAIN,
        Cause.TOKEN: Next.DONE,
        Cause.SCOPE: Next.DONE,
        Cause.NOT_FOUND: Next.DONE,
        Cause.REFUSED: Next.DONE,
        Cause.TEMPLATE: Next.DONE,
        Cause.GUARD: Next.DONE,
        # Its broadcasts cannot be read (any more): each run asks once, out of the quota of all.
        Cause.NOT_TRACKED: Next.LATER,
        Cause.SETTLED: Next.AGAIN,
        Cause.UNKNOWN: Next.WAIT,
        Cause.UNREACHABLE: Next.LATER,
        Cause.THROTTLED: Next.LATER,
        Cause.QUOTA: Next.LATER,
        Cause.JOURNAL: Next.LATER,
    }
)


class TakingHost(Protocol):
    """What taking a campaign up needs of the client."""

    @property
    def journal(self) -> Journal: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def observer(self) -> Observer: ...

    def token_mark(self, salt: str) -> str: ...


StartRun = Callable[[Want], CampaignRun]
"""Makes the run of a campaign that is wanted."""


def retry_wait(tries: int) -> float:
    """Seconds to wait after the nth run in a row (from 1) that ended with what passes by itself."""
    return min(LAST_RETRY, FIRST_RETRY * 2.0 ** min(tries - 1, 30))


def tries_after(tries: int, lasted: float) -> int:
    """How many such runs there were in a row, *tries* before this one, which lasted so many seconds.

    A run that was well for longer than it had been waited for is no part of the row.
    """
    return 1 if tries == 0 or lasted > retry_wait(tries) else tries + 1


def is_still_due(seen: Want, now: Want | None) -> bool:
    """Whether a campaign that was *seen* due is so *now*: nobody stopped, held or put it off meanwhile."""
    return now is not None and not now.held and now.at <= seen.at


def is_due(want: Want, host: TakingHost) -> bool:
    """Whether this host may take up what is to run by now: nobody runs it, and nothing holds it."""
    free = want.holder is None and not want.held and not want.waits
    return free and want.account in ("", host.token_mark(want.salt))


async def take_up(
    host: TakingHost, want: Want, start: StartRun, *, began: Callable[[CampaignRun], None] | None = None
) -> Report:
    """Run a campaign to its end, and keep in the journal what follows. *began* is given its run.

    Cancelled, it ends in good order, and the campaign stays wanted.

    Raises:
        CampaignBusy: another process was quicker, or it may not begin (yet); nothing changed.
        AlreadyLaunched, PeoplePurged, AnotherToken, CampaignNotFound, InvalidInput: it needs a person, and is
            not wanted any more.
        JournalUnusable: whatever it was, it could not be kept.
        KeebaiError: it was put off.
    """
    since = host.clock.now()
    try:
        report = await _run(host, want, start, began)
    except (AlreadyLaunched, PeoplePurged, AnotherToken, CampaignNotFound, InvalidInput) as error:
        await _leave(host, want, f"{error}")
        raise
    except (CampaignBusy, JournalUnusable, Misused):
        raise
    except KeebaiError:
        await _put_off(host, want, since)
        raise
    match AFTER[report.stopped_by]:
        case Next.DONE:
            finished = report.state is CampaignState.FINISHED
            await _leave(host, want, report.reason or "finished", finished=finished)
        case Next.LATER:
            await _put_off(host, want, since)
        case Next.AGAIN:
            if await host.journal.want_of(want.campaign_id) is None:
                _tell_left(host, want, report.reason or "stopped")
        case Next.WAIT:  # for what the journal knows by itself
            pass
    return report


async def _run(
    host: TakingHost, want: Want, start: StartRun, began: Callable[[CampaignRun], None] | None
) -> Report:
    campaign = await host.journal.load(want.campaign_id)
    if campaign.state is CampaignState.FINISHED:
        return report_of(campaign)
    async with start(want) as run:
        host.observer(CampaignTakenUp(campaign=want.campaign_id, state=campaign.state))
        if began is not None:
            began(run)
        return await run.report()


async def _put_off(host: TakingHost, want: Want, since: float) -> None:
    tries = tries_after(want.tries, host.clock.now() - since)
    await host.journal.put_off(want.campaign_id, seconds=retry_wait(tries), tries=tries)


async def _leave(host: TakingHost, want: Want, reason: str, *, finished: bool = False) -> None:
    # Not what somebody who saw it end has wanted since.
    await host.journal.unwant(want.campaign_id, seen=want)
    _tell_left(host, want, reason, finished=finished)


def _tell_left(host: TakingHost, want: Want, reason: str, *, finished: bool = False) -> None:
    host.observer(CampaignLeft(campaign=want.campaign_id, reason=reason, finished=finished))
