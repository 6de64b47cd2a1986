"""Single template messages, to a contact that exists."""

from collections.abc import Sequence

import msgspec

from keebai_async.inputs import check_word
from keebai_async.quota.gate import Lane
from keebai_async.transport.tolerant_reader import object_in, text
from keebai_async.whautomate.api import WhautomateApi
from keebai_async.whautomate.draft import check_parameters
from keebai_async.whautomate.models import CamelStruct, Reference, SentTemplate, TemplateName


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

    def __init__(self, api: WhautomateApi) -> None:
        self._api = api

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
    ) -> SentTemplate:
        """Send an approved template to the contact of this id (not a phone number).

        Raises:
            InvalidInput: nothing was sent; *field* names what to fix.
            OutcomeUnknown: it may have been sent. Sending it again may message the person twice.
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
        answer, _ = await self._api.submit(
            "/messages/whatsapp/sendtemplate",
            msgspec.json.encode(body),
            recipients=1,
            lane=Lane.INTERACTIVE,
            timeout=timeout,
        )
        fields = object_in(answer.body)
        return SentTemplate(id=text(fields, "id", "messageId", "_id"), status=text(fields, "status") or "")
