"""The templates of an account: what can be sent, and which variables each one asks for."""

from collections.abc import AsyncIterator
from typing import Final

import msgspec

from keebai_async.errors import RequestInvalid, TemplateUnusable
from keebai_async.keebai.api import KeebaiApi, decoded
from keebai_async.keebai.checking import check_word
from keebai_async.keebai.paging import Pages
from keebai_async.model.template import Template
from keebai_async.quota.gate import Lane
from keebai_async.transport.error_mapping import undecodable
from keebai_async.transport.request import Request
from keebai_async.transport.tolerant_reader import Fields, items_of, text, texts

OTHER_STATUSES: Final = ("PENDING", "IN_REVIEW", "PAUSED", "REJECTED", "DISABLED", "IN_APPEAL")
"""All but APPROVED, which is what the service lists by default. Source: contract, section 4.1."""


class Templates:
    """GET /templates. Source: contract, section 4.1."""

    def __init__(self, api: KeebaiApi) -> None:
        self._api = api

    async def list(
        self, *, status: str | None = None, channel_id: str | None = None, timeout: float | None = None
    ) -> AsyncIterator[Template]:
        """Templates in the service's order, page by page as they are asked for, none twice.

        Without a *status*, the service lists those that are APPROVED. Raises RequestError.
        """
        fixed = (("status", status), ("channel_id", channel_id))
        pages = Pages(tuple((name, value) for name, value in fixed if value is not None))
        while not pages.done:
            request = Request(
                method="GET", path="/templates", query=pages.next_query, lane=Lane.SUBMIT, timeout=timeout
            )
            answer = await self._api.exchange.read(request, tally=self._api.requests)
            reply = decoded(answer, request)
            items = items_of(reply)
            if items is None:
                raise undecodable(answer, request)
            for item in pages.take(reply, items, [_key(item) for item in items]):
                if template := _template(item):
                    yield template

    async def get(self, name: str, language: str, *, channel_id: str | None = None) -> Template:
        """The approved template of this name and language.

        When there is none, the other states are looked through too, to say what there is: up to six
        requests more.

        Raises:
            TemplateUnusable: there is none; the message says in which languages and states it exists.
            RequestError: the list could not be read.
        """
        check_word(name, field="template")
        check_word(language, field="language")
        others: dict[tuple[str, str], Template] = {}
        for status in (None, *OTHER_STATUSES):
            try:
                async for template in self.list(status=status, channel_id=channel_id):
                    if template.name != name:
                        continue
                    if template.approved and template.language == language:
                        return template
                    others[template.language, template.status] = template
            except RequestInvalid:
                if status is None:
                    raise  # else: a state this service does not know has no templates either
        raise _unusable(name, language, list(others.values()))


def _unusable(name: str, language: str, others: "list[Template]") -> TemplateUnusable:
    if not others:
        return TemplateUnusable(f"there is no template {name!r}", field="template", value=name)
    here = [template.status for template in others if template.language == language]
    if here:
        return TemplateUnusable(
            f"template {name!r} in {language} is not approved: {', '.join(here)}",
            field="template",
            value=name,
        )
    there = ", ".join(sorted(f"{template.language} ({template.status})" for template in others))
    return TemplateUnusable(
        f"template {name!r} does not exist in {language}, only in {there}", field="language", value=language
    )


def _key(item: Fields) -> str:
    # A name exists once per language and channel; without an id, the whole item tells two apart.
    return text(item, "id") or msgspec.json.encode(item, order="sorted").decode()


def _template(item: Fields) -> Template | None:
    name, language = text(item, "name", "template_name"), text(item, "language", "language_code")
    if name is None or language is None:
        return None
    components = item.get("components")
    return Template(
        name=name,
        language=language,
        status=text(item, "status") or "",
        id=text(item, "id") or "",
        category=text(item, "category") or "",
        parameter_format=(text(item, "parameter_format") or "NAMED").upper(),
        variables=tuple(dict.fromkeys(texts(item.get("variables")))),
        components=tuple(
            msgspec.Raw(msgspec.json.encode(part))
            for part in (components if isinstance(components, list) else [])
        ),
    )
