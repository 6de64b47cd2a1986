"""Broadcasts of Whautomate: one template to the people of segments, with one list of parameters for all."""

from collections.abc import AsyncGenerator, Iterable
from datetime import datetime
from functools import partial
from typing import Final, Unpack

import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import InvalidInput
from keebai_async.inputs import check_word
from keebai_async.polling.planner import pace_of
from keebai_async.polling.waiter import POLL_FLOOR, STUCK_AFTER, OnStuck, Waiter
from keebai_async.quota.gate import Lane
from keebai_async.quota.window import Quota
from keebai_async.transport.address import segment
from keebai_async.transport.broadcast_names import BroadcastNames
from keebai_async.transport.tolerant_reader import Fields, text
from keebai_async.whautomate.api import WhautomateApi, whole
from keebai_async.whautomate.draft import DraftFields, draft_of, fields_of_broadcast, utc
from keebai_async.whautomate.log_summary import LogSummary, summarize
from keebai_async.whautomate.models import Broadcast, LogRow, ProcessedStats, moment
from keebai_async.whautomate.replies import read_broadcast, read_log_row
from keebai_async.whautomate.settings import LOG_PAGE_SIZES, WHAUTOMATE_PAGE_SIZE, WHAUTOMATE_QUOTAS

BROADCASTS_PATH: Final = "/broadcasts"
_BROADCAST_ROUTE: Final = f"{BROADCASTS_PATH}/{{broadcast_id}}"

QUIET_AT_MOST: Final = 300.0
"""Seconds without a look at a broadcast that is scheduled for later: somebody may move it."""


class WhautomateBroadcasts:
    """POST, GET, PUT and DELETE of /broadcasts, and their logs."""

    def __init__(
        self,
        api: WhautomateApi,
        *,
        clock: Clock = SYSTEM_CLOCK,
        poll_floor: float = POLL_FLOOR,
        quotas: tuple[Quota, ...] = WHAUTOMATE_QUOTAS,
        names: BroadcastNames | None = None,
    ) -> None:
        self._api = api
        self._names = BroadcastNames() if names is None else names
        self._clock = clock
        self._waiter = Waiter(
            self._look,
            lambda broadcast: broadcast.progress,
            quiet=lambda broadcast: quiet(broadcast, wall=clock.wall()),
            forward=not_before,
            clock=clock,
            floor=poll_floor,
            pace=pace_of(quotas or WHAUTOMATE_QUOTAS),
            apart=True,
            observer=api.exchange.observer,
        )

    async def create(
        self, *, allow_past: bool = False, timeout: float | None = None, **fields: Unpack[DraftFields]
    ) -> Broadcast:
        """Schedule a broadcast. It messages everybody in its audience: created twice, twice.

        *name*, *type*, *template*, *language*, *location* and one of *segments*, *target_class* and
        *retarget_broadcast* are needed; all of these are names and ids. *schedule_date_time* is an aware
        datetime; in the past it is an error, unless *allow_past*. Without it the service decides when.

        Put something unique into *name* (see `marked`): if the answer is lost, `find_lost` finds it by that.

        Raises:
            InvalidInput: nothing was created; *field* names what to fix.
            OutcomeUnknown: it may have been created, also if the answer names an earlier broadcast of this
                client; it is never created again by itself.
            RequestError: it was not created.

        Source: contract, sections 4.1 and 4.2.
        """
        draft = draft_of(fields, wall=self._clock.wall(), allow_past=allow_past)
        return await self._api.write(
            "POST", BROADCASTS_PATH, draft, self._read_new, label=draft.name, timeout=timeout
        )

    async def get(self, broadcast_id: str, *, timeout: float | None = None) -> Broadcast:
        """One broadcast with its counters. Raises InvalidInput, RequestError (NotFound if there is none)."""
        return await self._get(broadcast_id, Lane.SUBMIT, timeout)

    async def list(
        self,
        *,
        start_date: datetime | None = None,
        end_date: datetime | None = None,
        location_id: str | None = None,
        search_text: str | None = None,
        page_size: int = WHAUTOMATE_PAGE_SIZE,
        timeout: float | None = None,
    ) -> AsyncGenerator[Broadcast, None]:
        """Broadcasts in the service's order, page by page as they are asked for, none twice.

        The dates are aware datetimes; which of a broadcast's times they filter is not documented.

        Raises:
            InvalidInput: a date has no time zone.
            RequestError: a page could not be read.
        """
        query = (
            ("startDate", None if start_date is None else utc(start_date, field="start_date")),
            ("endDate", None if end_date is None else utc(end_date, field="end_date")),
            ("locationId", location_id),
            ("searchText", search_text),
        )
        pages = self._api.pages(BROADCASTS_PATH, page_sizes=(page_size,), query=query, timeout=timeout)
        async for item in pages:
            if (broadcast := read_broadcast(item)) is not None:
                yield broadcast

    async def replace(
        self,
        broadcast_id: str,
        *,
        allow_past: bool = False,
        timeout: float | None = None,
        **changes: Unpack[DraftFields],
    ) -> Broadcast:
        """Read a broadcast, change what is given, and write all of it back without the service's own fields.

        A change that somebody else makes between the read and the write is lost. What becomes of a
        broadcast that has started is not documented.

        Raises:
            InvalidInput: nothing was written.
            OutcomeUnknown: it may have been written: `get` tells.
            RequestError: it was not written.
        """
        path = _path(broadcast_id)
        before = await self.get(broadcast_id, timeout=timeout)
        if "schedule_date_time" in changes:
            merged = fields_of_broadcast(msgspec.structs.replace(before, schedule_date_time=None))
        else:
            merged = fields_of_broadcast(before)
            allow_past = True  # a time that was there before is not ours to judge
        merged.update(changes)
        draft = draft_of(merged, wall=self._clock.wall(), allow_past=allow_past)
        read = partial(read_broadcast, broadcast_id=broadcast_id)
        return await self._api.write(
            "PUT", path, draft, read, label=draft.name, route=_BROADCAST_ROUTE, timeout=timeout
        )

    async def delete(self, broadcast_id: str, *, timeout: float | None = None) -> None:
        """Delete a broadcast. Whether one that runs is stopped by this is not documented.

        Raises:
            OutcomeUnknown: it may be deleted: `get` tells, by NotFound.
            RequestError: it was not deleted.
        """
        await self._api.delete(_path(broadcast_id), route=_BROADCAST_ROUTE, timeout=timeout)

    async def logs(
        self, broadcast_id: str, *, page_size: int | None = None, timeout: float | None = None
    ) -> AsyncGenerator[LogRow, None]:
        """One row for each person, page by page as they are asked for, whatever their number.

        Without a *page_size*, 1,000 rows are asked for at once, and 100 if the service refuses that.
        Rows change in place: read again for later news, instead of adding to what was read. While a
        broadcast runs, rows may move from page to page, and one may be missed.

        Raises:
            InvalidInput, RequestError: as `get` does.
        """
        path = f"{_path(broadcast_id)}/logs"
        sizes = LOG_PAGE_SIZES if page_size is None else (page_size,)
        rows = self._api.pages(
            path,
            page_sizes=sizes,
            key=_row_key,
            lane=Lane.POLL,
            timeout=timeout,
            route=f"{_BROADCAST_ROUTE}/logs",
        )
        async for item in rows:
            yield read_log_row(item)

    async def log_summary(self, broadcast_id: str, *, page_size: int | None = None) -> LogSummary:
        """The whole log counted by status and by reason of failure, in bounded memory. Raises as `logs`."""
        return await summarize(self.logs(broadcast_id, page_size=page_size))

    async def wait(
        self,
        broadcast_id: str,
        *,
        timeout: float | None = None,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck | None = None,
    ) -> Broadcast:
        """Look until the broadcast is finished, as rarely as its progress allows.

        *timeout* is for the whole wait, in seconds of the client's clock. *on_stuck* is told when nothing
        has moved for *stuck_after* seconds; one that is scheduled for later is not stuck.

        Raises:
            TimedOut: it was not finished in time.
            RequestError: as `get` raises it, unless the next look may do better.
        """
        return await self._waiter.wait(
            broadcast_id,
            path=_path(broadcast_id),
            words=lambda seen: str(seen.progress),
            timeout=timeout,
            stuck_after=stuck_after,
            on_stuck=on_stuck,
        )

    def watch(
        self,
        broadcasts: Iterable[str | Broadcast],
        *,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck | None = None,
    ) -> AsyncGenerator[Broadcast, None]:
        """Yield every change of many broadcasts until all are finished; `progress` is how far each is.

        Counters never go back. Raises RequestError as `wait` does.
        """
        ids = [one if isinstance(one, str) else one.id for one in broadcasts]
        return self._waiter.watch(ids, stuck_after=stuck_after, on_stuck=on_stuck)

    async def find_lost(self, name: str, *, timeout: float | None = None) -> Broadcast | None:
        """The broadcast of exactly this name, after a create whose answer was lost.

        None says that it is not in the list now. A request that was still on its way may appear later:
        look again before creating another. The list is searched for the name, and, as how the service
        searches is not documented, read whole if that finds nothing.

        Raises:
            InvalidInput: several have that name, so it tells nothing: put a marker into it, see `marked`.
            RequestError: the list could not be read.
        """
        check_word(name, field="name")
        for search in (name, None):
            found = [one async for one in self.list(search_text=search, timeout=timeout) if one.name == name]
            if len(found) > 1:
                ids = ", ".join(one.id for one in found[:5])
                raise InvalidInput(
                    f"{len(found)} broadcasts have this name, and nothing tells which is the lost one: {ids}",
                    field="name",
                )
            if found:
                return found[0]
        return None

    def _read_new(self, fields: Fields) -> Broadcast | None:
        """What was just made; None if the answer names none, or one that was made before."""
        made = read_broadcast(fields)
        return made if made is not None and self._names.is_new(made.id) else None

    async def _look(self, broadcast_id: str) -> Broadcast:
        return await self._get(broadcast_id, Lane.POLL, None)

    async def _get(self, broadcast_id: str, lane: Lane, timeout: float | None) -> Broadcast:
        return await self._api.one(
            _path(broadcast_id),
            partial(read_broadcast, broadcast_id=broadcast_id),
            route=_BROADCAST_ROUTE,
            lane=lane,
            timeout=timeout,
        )


def quiet(broadcast: Broadcast, *, wall: float) -> float:
    """Seconds in which nothing of it will move, because it is scheduled for later. *wall* is Unix time."""
    schedule = moment(broadcast.schedule_date_time)
    if schedule is None or broadcast.started or broadcast.progress.done:
        return 0.0
    return min(max(0.0, schedule.timestamp() - wall), QUIET_AT_MOST)


def not_before(broadcast: Broadcast, last: Broadcast | None) -> Broadcast:
    """*broadcast* with counters of processing that do not go back behind those that were told *last*."""
    now, then = broadcast.processed_stats, None if last is None else last.processed_stats
    if then is None:
        return broadcast
    if now is None:
        return msgspec.structs.replace(broadcast, processed_stats=then)
    return msgspec.structs.replace(
        broadcast,
        processed_stats=ProcessedStats(
            total_count=max(now.total_count, then.total_count),
            success_count=max(now.success_count, then.success_count),
            failure_count=max(now.failure_count, then.failure_count),
        ),
    )


def _path(broadcast_id: str) -> str:
    return f"{BROADCASTS_PATH}/{segment(broadcast_id, field='broadcast_id')}"


def _row_key(item: Fields) -> tuple[str | None, ...] | str:
    # Not the status: a row that has moved to the next page may have advanced meanwhile.
    phone, created = text(item, "phone"), text(item, "createdAt")
    if phone is None or created is None:
        return whole(item)
    return (text(item, "recepientName", "recipientName"), text(item, "countryCode"), phone, created)
