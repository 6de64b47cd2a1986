"""Single messages: one person, one request. Above a handful, use a broadcast or a campaign."""

from collections.abc import Awaitable, Callable, Mapping
from typing import TYPE_CHECKING

from keebai_async.keebai.api import KeebaiApi, encoded, submit_request
from keebai_async.keebai.checking import (
    check_meta_data,
    check_number,
    check_text,
    check_variables,
    check_word,
)
from keebai_async.keebai.models import Receipt, id_in
from keebai_async.keebai.settings import SERVICE_NAME
from keebai_async.model.chunk import ChunkState
from keebai_async.model.outbox import check_once
from keebai_async.privacy import mask
from keebai_async.quota.gate import Lane
from keebai_async.transport.error_mapping import error_for
from keebai_async.transport.reply import Answer
from keebai_async.transport.tolerant_reader import object_in, text
from keebai_async.transport.verdict import Accepted

if TYPE_CHECKING:
    from keebai_async.outbox.outbox import OutboxHost


class Messages:
    """Single messages, which somebody awaits: they go before a campaign's requests."""

    def __init__(
        self, api: KeebaiApi, *, host: "OutboxHost", refuse_opted_out: Callable[[str], Awaitable[None]]
    ) -> None:
        self._api = api
        self._host = host
        self._refuse_opted_out = refuse_opted_out

    async def send_template(
        self,
        to: str,
        *,
        template: str,
        language: str,
        variables: Mapping[str, str] | None = None,
        meta_data: Mapping[str, object] | None = None,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        timeout: float | None = None,
        once: str | None = None,
        ignore_opt_outs: bool = False,
    ) -> Receipt:
        """Send an approved template to one person. *timeout* is for the whole request, in seconds.

        *once* is a key of yours, such as `order-A-17`, for what must not be sent twice: the journal keeps it,
        the same key again sends nothing and gives the first Receipt, and an outcome that is unknown stays so
        until somebody settles it (`keebai.outbox`). What was certainly not sent may be sent with it again.

        Who opted out gets it only with *ignore_opt_outs*, as for an answer to an order of theirs.

        Raises:
            OptedOut: the person wants no more; nothing was sent.
            JournalUnusable: whether they do cannot be read; nothing was sent.
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message the person twice.
            MessageBusy: somebody else is sending the message of *once*.
            JournalUnusable: the journal could not keep *once*: nothing was sent, or the outcome is unknown.
            RequestError: it was not sent; or Undecodable, it was, in a reply that cannot be read.

        Source: contract, section 3.3.
        """
        body: dict[str, object] = {
            "to": check_number(to),
            "template_name": check_word(template, field="template"),
            "language": check_word(language, field="language"),
        }
        if not ignore_opt_outs and not await self._is_known(once):
            await self._refuse_opted_out(to)
        given = check_variables(variables)
        if given:
            body["variables"] = given
        return await self._send(
            "/messages/template",
            body,
            meta_data,
            phone_number_id,
            channel_id,
            timeout=timeout,
            once=once,
            what=f"template {template} ({language})",
        )

    async def send_text(
        self,
        to: str,
        text: str,
        *,
        preview_url: bool | None = None,
        meta_data: Mapping[str, object] | None = None,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        timeout: float | None = None,
        once: str | None = None,
    ) -> Receipt:
        """Send 1 to 4,096 characters to a person who wrote within the last 24 hours.

        Since 1 October 2026 Meta charges such texts, too, as others cite its page on prices (contract,
        section 13); within 72 hours of a free entry point they stay free.
        A closed window is not refused here: the message then fails later. *once* is as for a template.

        Raises:
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message the person twice.
            MessageBusy: somebody else is sending the message of *once*.
            JournalUnusable: the journal could not keep *once*: nothing was sent, or the outcome is unknown.
            RequestError: it was not sent; or Undecodable, it was, in a reply that cannot be read.

        Source: contract, section 3.4.
        """
        body: dict[str, object] = {"to": check_number(to), "text": check_text(text)}
        if preview_url is not None:
            body["preview_url"] = preview_url
        return await self._send(
            "/messages/text",
            body,
            meta_data,
            phone_number_id,
            channel_id,
            timeout=timeout,
            once=once,
            what="a text",
        )

    async def _is_known(self, once: str | None) -> bool:
        """Whether nothing would be sent in any case, because the message of *once* was already."""
        kept = None if once is None else await self._host.journal.outbox.find(check_once(once))
        return kept is not None and kept.state is not ChunkState.PLANNED

    async def _send(
        self,
        path: str,
        body: dict[str, object],
        meta_data: Mapping[str, object] | None,
        phone_number_id: str | None,
        channel_id: str | None,
        *,
        timeout: float | None,
        once: str | None,
        what: str,
    ) -> Receipt:
        field, sender = self._api.sender_for(phone_number_id, channel_id).wire
        body[field] = sender
        meta = check_meta_data(meta_data)
        if meta:
            body["meta_data"] = meta
        request = submit_request(path, encoded(body), recipients=1, lane=Lane.INTERACTIVE, timeout=timeout)
        exchange, tally = self._api.exchange, self._api.requests
        if once is not None:
            from keebai_async.outbox.sending import (  # brings the journal along, which few calls need
                OnceRequest,
                send_once,
            )

            kept = OnceRequest(
                key=once,
                service=SERVICE_NAME,
                to=mask(str(body["to"])),
                what=what,
                request=request,
                kind=Receipt,
                read=read_receipt,
                named=_name_of,
                vouched=lambda found: Receipt(broadcast_id=found),
            )
            return await send_once(self._host, kept, exchange, tally)
        answer = await exchange.submit(request, tally=tally)
        receipt = read_receipt(answer)
        if receipt is None:
            raise error_for(Accepted(answer=answer), request, 1)
        return receipt


def _name_of(receipt: Receipt) -> str | None:
    return receipt.broadcast_id or receipt.message_id


def read_receipt(answer: Answer) -> Receipt | None:
    """The answer to an accepted send in either dialect; None if it names neither of the two ids."""
    fields = object_in(answer.body)
    broadcast_id = id_in(fields, "broadcast_id", "broadcastId")
    message_id = id_in(fields, "message_id", "messageId")
    if broadcast_id is None and message_id is None:
        return None
    return Receipt(
        broadcast_id=broadcast_id,
        message_id=message_id,
        status=text(fields, "status") or "",
        sent_at=text(fields, "sent_at", "sentAt"),
    )
