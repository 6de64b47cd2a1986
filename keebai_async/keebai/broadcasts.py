"""Broadcasts: one request that messages up to 5,000 people, and its counters afterwards."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import InvalidInput, RateLimited, TimedOut
from keebai_async.keebai.asking import Asking, RecipientLike, encoded
from keebai_async.keebai.checking import (
    check_meta_data,
    check_number,
    check_size,
    check_variables,
    check_word,
)
from keebai_async.keebai.limits import DELIVERY_RATE
from keebai_async.keebai.models import AcceptedBroadcast, BroadcastStatus
from keebai_async.keebai.reading import count, fields_of, json_of, text
from keebai_async.transport.address import segment
from keebai_async.transport.complaint import error_for, undecodable
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Lane, Request
from keebai_async.transport.verdict import Accepted

BULK_PATH: Final = "/messages/bulk"
POLL_FLOOR: Final = 5.0
"""Seconds between two looks at one broadcast, at least. Source: contract, section 6."""
LONGEST_WAIT: Final = 30.0
"""Seconds between two looks at one broadcast, at most: a prediction may be wrong."""

_KNOWN_FIELDS = frozenset({"to", "variables", "meta_data"})


class Broadcasts:
    """POST /messages/bulk, and GET of what became of it."""

    def __init__(
        self, asking: Asking, *, clock: Clock = SYSTEM_CLOCK, poll_floor: float = POLL_FLOOR
    ) -> None:
        self._asking = asking
        self._clock = clock
        self._poll_floor = poll_floor

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
            InvalidInput: nothing was sent; *field* names what to mend.
            OutcomeUnknown: it may have been sent. Sending it again may message everybody twice.
            RequestError: it was not accepted; or Undecodable, it was, in a reply that cannot be read.

        Source: contract, section 3.1.
        """
        check_size(len(recipients))
        field, sender = self._asking.sender_for(phone_number_id, channel_id).wire
        body: dict[str, object] = {
            field: sender,
            "template_name": check_word(template, field="template"),
            "language": check_word(language, field="language"),
        }
        if campaign_name is not None:
            body["campaign_name"] = check_word(campaign_name, field="campaign_name")
        body["recipients"] = [_item(recipient, number) for number, recipient in enumerate(recipients)]
        return await self.create_raw(encoded(body), recipients=len(recipients), timeout=timeout)

    async def create_raw(
        self, body: bytes, *, recipients: int, timeout: float | None = None
    ) -> AcceptedBroadcast:
        """Submit a body that is encoded already. Raises as `create` does."""
        check_size(recipients)
        answer, request = await self._asking.submit(
            BULK_PATH, body, recipients=recipients, lane=Lane.SUBMIT, timeout=timeout
        )
        accepted = read_accepted(answer)
        if accepted is None:
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
        )
        answer = await self._asking.exchange.read(request, tally=self._asking.requests)
        status = read_status(answer, broadcast_id)
        if status is None:
            raise undecodable(answer, request)
        return status

    async def wait(self, broadcast_id: str, *, timeout: float | None = None) -> BroadcastStatus:
        """Look until the broadcast is final, never more often than the poll floor allows.

        Each look costs a request of the quota. *timeout* is for the whole wait, in seconds of the
        client's clock; without it there is no end but the broadcast's.

        Raises:
            TimedOut: it was not final in time.
            RequestError: as `status` raises it.
        """
        deadline = math.inf if timeout is None else self._clock.now() + timeout
        said, looks = "unknown", 0
        while True:
            looks += 1
            try:
                status = await self.status(broadcast_id)
            except RateLimited as error:
                wait = max(self._poll_floor, error.retry_after)
            else:
                if status.final:
                    return status
                said, wait = status.status, seconds_until_look(status, floor=self._poll_floor)
            if self._clock.now() + wait > deadline:
                raise TimedOut(
                    f"broadcast {broadcast_id} is not final after {timeout:g} s: {said}",
                    method="GET",
                    path=f"{BULK_PATH}/{segment(broadcast_id, field='broadcast_id')}",
                    attempts=looks,
                )
            await self._clock.sleep(wait)


def seconds_until_look(status: BroadcastStatus, *, floor: float) -> float:
    """When to look at a broadcast again: at its predicted end, but within *floor* and half a minute.

    Source: contract, section 6: at least 5 s apart, 30 s for large ones.
    """
    return max(floor, min(LONGEST_WAIT, status.pending / DELIVERY_RATE))


def read_accepted(answer: Answer) -> AcceptedBroadcast | None:
    """The answer to an accepted broadcast in either dialect; None if it names no broadcast."""
    try:
        fields = fields_of(json_of(answer.body))
    except ValueError:
        return None
    broadcast_id = text(fields, "broadcast_id", "broadcastId")
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
    try:
        fields = fields_of(json_of(answer.body))
    except ValueError:
        return None
    status, sent, failed = text(fields, "status"), count(fields, "sent"), count(fields, "failed")
    if status is None and sent is None and failed is None:
        return None
    total = count(fields, "total_recipients", "total")
    pending = count(fields, "pending")
    known = (sent or 0) + (failed or 0)
    if total is None:
        total = known + (pending or 0)
    return BroadcastStatus(
        broadcast_id=text(fields, "broadcast_id", "broadcastId", "id") or broadcast_id,
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
            raise InvalidInput(f"{where} has an unknown field {unknown!r}", field=f"{where}.{unknown}")
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
