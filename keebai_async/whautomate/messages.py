"""Single template messages, to a contact that exists."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import msgspec

from keebai_async.inputs import check_word
from keebai_async.privacy import mask
from keebai_async.quota.gate import Lane
from keebai_async.transport.api import submit_request
from keebai_async.transport.reply import Answer
from keebai_async.transport.tolerant_reader import object_in, text
from keebai_async.whautomate.api import WhautomateApi
from keebai_async.whautomate.draft import check_parameters
from keebai_async.whautomate.models import CamelStruct, Reference, SentTemplate, TemplateName
from keebai_async.whautomate.settings import WHAUTOMATE_NAME

if TYPE_CHECKING:
    from keebai_async.outbox.outbox import OutboxHost


class _TemplateBody(CamelStruct, frozen=True, kw_only=True):
    contact: Reference
    template: TemplateName
    location: Reference
    header_media_url: str | None = None
    header_text_parameters: tuple[str, ...] = ()
    body_text_parameters: tuple[str, ...] = ()
    button_url_parameters: tuple[str, ...] = ()


class WhautomateMessages:
    """POST /messages/whatsapp/sendtemplate, awaited by somebody: it goes before all other requests."""

    def __init__(self, api: WhautomateApi, *, host: "OutboxHost") -> None:
        self._api = api
        self._host = host

    async def send_template(
        self,
        contact: str,
        *,
        template: str,
        language: str,
        location: str,
        header_media_url: str | None = None,
        header_text_parameters: Sequence[str] = (),
        body_text_parameters: Sequence[str] = (),
        button_url_parameters: Sequence[str] = (),
        timeout: float | None = None,
        once: str | None = None,
    ) -> SentTemplate:
        """Send an approved template to the contact of this id (not a phone number).

        *once* is a key of yours, such as `order-A-17`, for what must not be sent twice: the journal keeps it,
        the same key again sends nothing and gives the first answer, and an outcome that is unknown stays so
        until somebody settles it (`whautomate.outbox`).

        Raises:
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message the person twice.
            MessageBusy: somebody else is sending the message of *once*.
            JournalUnusable: the journal could not keep *once*: nothing was sent, or the outcome is unknown.
            RequestError: it was not sent.

        Source: contract, section 6.
        """
        body = _TemplateBody(
            contact=Reference(id=check_word(contact, field="contact")),
            template=TemplateName(
                name=check_word(template, field="template"),
                language=check_word(language, field="language"),
            ),
            location=Reference(id=check_word(location, field="location")),
            header_media_url=header_media_url,
            header_text_parameters=check_parameters(header_text_parameters, field="header_text_parameters"),
            body_text_parameters=check_parameters(body_text_parameters, field="body_text_parameters"),
            button_url_parameters=check_parameters(button_url_parameters, field="button_url_parameters"),
        )
        request = submit_request(
            "/messages/whatsapp/sendtemplate",
            msgspec.json.encode(body),
            recipients=1,
            lane=Lane.INTERACTIVE,
            timeout=timeout,
        )
        exchange, tally = self._api.exchange, self._api.requests
        if once is not None:
            from keebai_async.outbox.sending import (  # brings the journal along, which few calls need
                OnceRequest,
                send_once,
            )

            kept = OnceRequest(
                key=once,
                service=WHAUTOMATE_NAME,
                to=mask(contact),
                what=f"template {template} ({language})",
                request=request,
                kind=SentTemplate,
                read=_sent,
                named=_name_of,
                vouched=lambda found: SentTemplate(id=found),
            )
            return await send_once(self._host, kept, exchange, tally)
        return _sent(await exchange.submit(request, tally=tally))


def _sent(answer: Answer) -> SentTemplate:
    fields = object_in(answer.body)
    return SentTemplate(id=text(fields, "id", "messageId", "_id"), status=text(fields, "status") or "")


def _name_of(sent: SentTemplate) -> str | None:
    return sent.id
