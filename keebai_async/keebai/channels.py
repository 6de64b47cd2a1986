"""The WhatsApp channels of an account."""

from keebai_async.keebai.api import KeebaiApi, listed
from keebai_async.keebai.models import Channel
from keebai_async.transport.tolerant_reader import Fields, flag, text


class Channels:
    """GET /channels. Source: contract, section 7."""

    def __init__(self, api: KeebaiApi) -> None:
        self._api = api

    async def list(self, *, timeout: float | None = None) -> "list[Channel]":
        """All WhatsApp channels; their *id* is the `channel_id`. Raises RequestError."""
        # Half of the pages call the type optional and half required: it is always sent.
        query = (("type", "whatsapp"),)
        return [
            _channel(fields) for fields in await listed(self._api, "/channels", query=query, timeout=timeout)
        ]


def _channel(fields: Fields) -> Channel:
    return Channel(
        id=text(fields, "id", "channel_id") or "",
        name=text(fields, "name"),
        type=text(fields, "type"),
        is_active=flag(fields, "is_active", "active"),
        phone_number=text(fields, "phone_number"),
        phone_number_id=text(fields, "phone_number_id"),
        business_account_id=text(fields, "business_account_id"),
        created_at=text(fields, "created_at"),
    )
