"""What the company owns, as its pages list it: templates, numbers, channels, and who asks."""

import base64
import binascii
from collections.abc import Mapping

from keebai_async.sandbox.keebai.bodies import BadRequest
from keebai_async.sandbox.keebai.catalogue import SandboxSender, SandboxTemplate, SandboxToken
from keebai_async.sandbox.keebai.settings import Dialect, SandboxSettings
from keebai_async.sandbox.replies import SandboxReply, code_error, json_reply

_STATUSES = ("PENDING", "IN_REVIEW", "APPROVED", "REJECTED", "PAUSED", "DISABLED", "IN_APPEAL")
_CHANNEL_TYPES = ("whatsapp", "whatsapp_qr", "instagram", "messenger", "tiktok", "web", "playground")
_CREATED_AT = "2026-01-01T12:00:00.000Z"


def templates(settings: SandboxSettings, dialect: Dialect, query: Mapping[str, str]) -> SandboxReply:
    """GET /templates: pages by number in guide, by cursor in openapi, by either in a mixed sandbox.

    Raises BadRequest for a query outside its limits. Source: contract, section 4.1.
    """
    limit = _number(query, "limit", 50, least=1, most=100)
    page = _number(query, "page", 0, least=0, most=10**9)
    status = query.get("status", "APPROVED")
    if status not in _STATUSES:
        raise BadRequest(f"status must be one of the following values: {', '.join(_STATUSES)}")
    channel = query.get("channel_id")
    found = [
        _template(place, one, components=settings.components)
        for place, one in enumerate(settings.templates)
        if one.status == status and (not channel or one.channel_id in (None, channel))
    ]
    start = page * limit if settings.dialect is not Dialect.OPENAPI else 0
    if settings.dialect is not Dialect.GUIDE and "cursor" in query:
        start = _offset(query["cursor"])
    items = found[start : start + limit]
    if dialect is Dialect.GUIDE:
        return json_reply(200, {"items": items, "page": start // limit, "limit": limit, "total": len(found)})
    answer: dict[str, object] = {"data": items}
    if start + limit < len(found):
        answer["next_cursor"] = base64.urlsafe_b64encode(str(start + limit).encode()).decode()
    return json_reply(200, answer)


def numbers(settings: SandboxSettings) -> SandboxReply:
    """GET /whatsapp/numbers. Source: contract, section 7."""
    return json_reply(
        200,
        {
            "data": [
                {
                    "id": one.phone_number_id,
                    "phone_number": one.phone_number,
                    "waba_id": "200000000000001",
                    "channel_id": one.channel_id,
                    "status": one.status,
                }
                for one in settings.senders
            ]
        },
    )


def channels(settings: SandboxSettings, dialect: Dialect, query: Mapping[str, str]) -> SandboxReply:
    """GET /channels. Raises BadRequest: *type* is unknown, or missing where the dialect demands it.

    Source: contract, section 7, and section 11 number 26.
    """
    kind = query.get("type")
    if kind is None and dialect is Dialect.GUIDE:
        kind = "whatsapp"
    if kind not in _CHANNEL_TYPES:
        raise BadRequest(f"type must be one of the following values: {', '.join(_CHANNEL_TYPES)}")
    return json_reply(
        200, {"data": [_channel(one) for one in settings.senders] if kind == "whatsapp" else []}
    )


def channel(settings: SandboxSettings, channel_id: str) -> SandboxReply:
    """GET /channels/{id}."""
    for one in settings.senders:
        if one.channel_id == channel_id:
            return json_reply(200, _channel(one))
    return code_error(404, "CHANNEL_NOT_FOUND")


def me(token: SandboxToken) -> SandboxReply:
    """GET /me. No source shows its body: contract, section 12."""
    return json_reply(
        200, {"id": "66ee00112233445566770001", "company_id": token.company, "scopes": list(token.scopes)}
    )


def _template(place: int, one: SandboxTemplate, *, components: bool) -> dict[str, object]:
    item: dict[str, object] = {
        "id": f"66bb0011223344556677{place:04x}",
        "name": one.name,
        "language": one.language,
        "status": one.status,
        "category": one.category,
        "parameter_format": one.parameter_format,
        "variables": list(one.variables),
    }
    if components:
        item["components"] = [{"type": "BODY", "text": one.body}]
    return item


def _channel(one: SandboxSender) -> dict[str, object]:
    return {
        "id": one.channel_id,
        "name": one.name,
        "type": "whatsapp",
        "is_active": one.status == "active",
        "phone_number": one.phone_number,
        "phone_number_id": one.phone_number_id,
        "business_account_id": "200000000000001",
        "created_at": _CREATED_AT,
    }


def _number(query: Mapping[str, str], name: str, default: int, *, least: int, most: int) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise BadRequest(f"{name} must be a number conforming to the specified constraints")
    number = int(text[:12])
    if number < least:
        raise BadRequest(f"{name} must not be less than {least}")
    if number > most:
        raise BadRequest(f"{name} must not be greater than {most}")
    return number


def _offset(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor))
    except (binascii.Error, ValueError) as error:
        raise BadRequest("cursor is not valid") from error
