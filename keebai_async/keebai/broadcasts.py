"""Broadcasts: one request that messages up to 5,000 people, and its counters afterwards."""

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import InvalidInput
from keebai_async.keebai.api import KeebaiApi, RecipientLike, encoded
from keebai_async.keebai.checking import (
    check_meta_data,
    check_number,
    check_size,
    check_variables,
    check_word,
)
from keebai_async.keebai.models import AcceptedBroadcast, BroadcastStatus, id_in
from keebai_async.polling.waiter import POLL_FLOOR, STUCK_AFTER, OnStuck, Waiter
from keebai_async.privacy import shown
from keebai_async.quota.gate import Lane
from keebai_async.transport.address import segment
from keebai_async.transport.broadcast_names import BroadcastNames
from keebai_async.transport.error_mapping import error_for, undecodable
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Request
from keebai_async.transport.tolerant_reader import count, object_in, text
from keebai_async.transport.verdict import Accepted

BULK_PATH: Final = "/messages/bulk"
BULK_ROUTE: Final = f"{BULK_PATH}/{{broadcast_id}}"

_KNOWN_FIELDS = frozenset({"to", "variables", "meta_data"})


class Broadcasts:
    """POST /messages/bulk, and GET of what became of it."""

    def __init__(
        self,
        api: KeebaiApi,
        *,
        clock: Clock = SYSTEM_CLOCK,
        poll_floor: float = POLL_FLOOR,
        names: BroadcastNames | None = None,
    ) -> None:
        self._api = api
        self._names = BroadcastNames() if names is None else names
        self._waiter = Waiter(
            self.status,
            lambda status: status.progress,
            forward=not_before,
            clock=clock,
            floor=poll_floor,
            observer=api.exchange.observer,
        )

    async def create(
        self,
        *,
        template: str,
        language: str,
        recipients: Sequence[RecipientLike | Mapping[str, object]],
        campaign_name: str | None = None,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        timeout: float | None = None,
    ) -> AcceptedBroadcast:
        """Send an approved template to 1 to 5,000 people at once, each with variables of their own.

        A recipient is a mapping with `to`, and perhaps `variables` and `meta_data`, or has these as
        attributes. The service refuses all of them if one number is malformed, and sends twice to a
        number that is named twice: nothing is deduped here, campaigns do that.

        Raises:
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message everybody twice.
            RequestError: it was not accepted; or Undecodable, it was, in a reply that cannot be read or
                that names an earlier broadcast of this client.

        Source: contract, section 3.1.
        """
        check_size(len(recipients))
        field, sender = self._api.sender_for(phone_number_id, channel_id).wire
        body: dict[str, object] = {
            field: sender,
            "template_name": check_word(template, field="template"),
            "language": check_word(language, field="language"),
        }
        if campaign_name is not None:
            body["campaign_name"] = check_word(campaign_name, field="campaign_name")
        body["recipients"] = [_item(recipient, number) for number, recipient in enumerate(recipients)]
        return await self._create(encoded(body), len(recipients), label=campaign_name, timeout=timeout)

    async def create_raw(
        self, body: bytes, *, recipients: int, timeout: float | None = None
    ) -> AcceptedBroadcast:
        """Submit a body that is encoded already. Raises as `create` does."""
        check_size(recipients)
        return await self._create(body, recipients, label=None, timeout=timeout)

    async def _create(
        self, body: bytes, recipients: int, *, label: str | None, timeout: float | None
    ) -> AcceptedBroadcast:
        answer, request = await self._api.submit(
            BULK_PATH, body, recipients=recipients, lane=Lane.SUBMIT, timeout=timeout, label=label
        )
        accepted = read_accepted(answer)
        if accepted is None or not self._names.is_new(accepted.broadcast_id):
            raise error_for(Accepted(answer=answer), request, 1)
        return accepted

    async def status(self, broadcast_id: str, *, timeout: float | None = None) -> BroadcastStatus:
        """Where a broadcast stands. Needs the scope `messages:bulk`.

        Raises:
            InvalidInput: *broadcast_id* is no id.
            RequestError: NotFound, if it does not exist or belongs to somebody else.

        Source: contract, section 3.2.
        """
        request = Request(
            method="GET",
            path=f"{BULK_PATH}/{segment(broadcast_id, field='broadcast_id')}",
            lane=Lane.POLL,
            timeout=timeout,
            route=BULK_ROUTE,
        )
        answer = await self._api.exchange.read(request, tally=self._api.requests)
        status = read_status(answer, broadcast_id)
        if status is None or status.broadcast_id not in {broadcast_id, broadcast_id.strip()}:
            raise undecodable(answer, request)  # or it is the answer to another look
        return status

    async def wait(
        self,
        broadcast_id: str,
        *,
        timeout: float | None = None,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck | None = None,
    ) -> BroadcastStatus:
        """Look until the broadcast is final, as rarely as its progress allows, and give its last status.

        Each look costs a request of the quota. *timeout* is for the whole wait, in seconds of the
        client's clock; without it there is no end but the broadcast's. *on_stuck* is told when nothing
        has moved for *stuck_after* seconds, as the log is, and waiting goes on.

        Raises:
            TimedOut: it was not final in time.
            RequestError: as `status` raises it, unless the next look may do better.
        """
        return await self._waiter.wait(
            broadcast_id,
            path=f"{BULK_PATH}/{segment(broadcast_id, field='broadcast_id')}",
            words=lambda status: f"{status.status}, {status.pending} pending",
            timeout=timeout,
            stuck_after=stuck_after,
            on_stuck=on_stuck,
        )

    def watch(
        self,
        broadcasts: Iterable[str | AcceptedBroadcast],
        *,
        stuck_after: float = STUCK_AFTER,
        on_stuck: OnStuck | None = None,
    ) -> AsyncGenerator[BroadcastStatus, None]:
        """Yield every change of many broadcasts, no matter who made them, until all are final.

        The looks are planned together, so that many broadcasts share what the quota allows. Counters
        never go back. *stuck_after* and *on_stuck* are as in `wait`.

        Raises:
            RequestError: as `status` raises it, unless the next look may do better.
        """
        ids = [one if isinstance(one, str) else one.broadcast_id for one in broadcasts]
        return self._waiter.watch(ids, stuck_after=stuck_after, on_stuck=on_stuck)


def not_before(status: BroadcastStatus, last: BroadcastStatus | None) -> BroadcastStatus:
    """*status* with counters that do not go back behind those that were told *last*."""
    if last is None or (status.sent >= last.sent and status.failed >= last.failed):
        return status
    sent, failed = max(status.sent, last.sent), max(status.failed, last.failed)
    pending = max(0, status.total_recipients - sent - failed)
    return msgspec.structs.replace(status, sent=sent, failed=failed, pending=pending)


def read_accepted(answer: Answer) -> AcceptedBroadcast | None:
    """The answer to an accepted broadcast in either dialect; None if it names no broadcast."""
    fields = object_in(answer.body)
    broadcast_id = id_in(fields, "broadcast_id", "broadcastId")
    if broadcast_id is None:
        return None
    return AcceptedBroadcast(
        broadcast_id=broadcast_id,
        status=text(fields, "status") or "",
        total_recipients=count(fields, "total_recipients", "accepted", "total"),
        scheduled_at=text(fields, "scheduled_at", "scheduledAt"),
    )


def read_status(answer: Answer, broadcast_id: str) -> BroadcastStatus | None:
    """Where a broadcast stands, in either dialect; None if the reply has neither status nor counters."""
    fields = object_in(answer.body)
    status, sent, failed = text(fields, "status"), count(fields, "sent"), count(fields, "failed")
    if status is None and sent is None and failed is None:
        return None
    total = count(fields, "total_recipients", "total")
    pending = count(fields, "pending")
    known = (sent or 0) + (failed or 0)
    if total is None:
        total = known + (pending or 0)
    return BroadcastStatus(
        broadcast_id=id_in(fields, "broadcast_id", "broadcastId") or broadcast_id,
        status=status or "",
        total_recipients=total,
        sent=sent or 0,
        failed=failed or 0,
        pending=max(0, total - known) if pending is None else pending,
        started_at=text(fields, "started_at", "startedAt"),
        completed_at=text(fields, "completed_at", "completedAt"),
    )


def _item(recipient: RecipientLike | Mapping[str, object], number: int) -> dict[str, object]:
    where = f"recipients.{number}"
    if isinstance(recipient, Mapping):
        unknown = next((name for name in recipient if name not in _KNOWN_FIELDS), None)
        if unknown is not None:
            name = shown(str(unknown))
            raise InvalidInput(f"{where} has an unknown field {name!r}", field=f"{where}.{name}")
        to, variables, meta = (recipient.get(name) for name in ("to", "variables", "meta_data"))
    else:
        to, variables, meta = recipient.to, recipient.variables, recipient.meta_data
    item: dict[str, object] = {"to": check_number(to, field=f"{where}.to")}
    given = check_variables(variables, field=f"{where}.variables")
    if given:
        item["variables"] = given
    kept = check_meta_data(meta, field=f"{where}.meta_data")
    if kept:
        item["meta_data"] = kept
    return item
