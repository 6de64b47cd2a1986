"""Single messages: one person, one request. Above a handful, use a broadcast or a campaign."""

from collections.abc import Mapping

from keebai_async.keebai.api import KeebaiApi, encoded
from keebai_async.keebai.checking import (
    check_meta_data,
    check_number,
    check_text,
    check_variables,
    check_word,
)
from keebai_async.keebai.models import Receipt, id_in
from keebai_async.quota.gate import Lane
from keebai_async.transport.error_mapping import error_for
from keebai_async.transport.reply import Answer
from keebai_async.transport.tolerant_reader import object_in, text
from keebai_async.transport.verdict import Accepted


class Messages:
    """POST /messages/*, awaited by somebody: they go before a campaign's requests."""

    def __init__(self, api: KeebaiApi) -> None:
        self._api = api

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
    ) -> Receipt:
        """Send an approved template to one person. *timeout* is for the whole request, in seconds.

        Raises:
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message the person twice.
            RequestError: it was not sent; or Undecodable, it was, in a reply that cannot be read.

        Source: contract, section 3.3.
        """
        body: dict[str, object] = {
            "to": check_number(to),
            "template_name": check_word(template, field="template"),
            "language": check_word(language, field="language"),
        }
        given = check_variables(variables)
        if given:
            body["variables"] = given
        return await self._send(
            "/messages/template", body, meta_data, phone_number_id, channel_id, timeout=timeout
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
    ) -> Receipt:
        """Send 1 to 4,096 characters to a person who wrote within the last 24 hours.

        A closed window is not refused here: the message then fails later.

        Raises:
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message the person twice.
            RequestError: it was not sent; or Undecodable, it was, in a reply that cannot be read.

        Source: contract, section 3.4.
        """
        body: dict[str, object] = {"to": check_number(to), "text": check_text(text)}
        if preview_url is not None:
            body["preview_url"] = preview_url
        return await self._send(
            "/messages/text", body, meta_data, phone_number_id, channel_id, timeout=timeout
        )

    async def _send(
        self,
        path: str,
        body: dict[str, object],
        meta_data: Mapping[str, object] | None,
        phone_number_id: str | None,
        channel_id: str | None,
        *,
        timeout: float | None,
    ) -> Receipt:
        field, sender = self._api.sender_for(phone_number_id, channel_id).wire
        body[field] = sender
        meta = check_meta_data(meta_data)
        if meta:
            body["meta_data"] = meta
        answer, request = await self._api.submit(
            path, encoded(body), recipients=1, lane=Lane.INTERACTIVE, timeout=timeout
        )
        receipt = read_receipt(answer)
        if receipt is None:
            raise error_for(Accepted(answer=answer), request, 1)
        return receipt


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
