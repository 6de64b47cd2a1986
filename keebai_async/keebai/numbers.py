"""The numbers a token can send from."""

from keebai_async.keebai.api import KeebaiApi, listed
from keebai_async.keebai.models import Number
from keebai_async.transport.tolerant_reader import Fields, text


class Numbers:
    """GET /whatsapp/numbers. Source: contract, section 7."""

    def __init__(self, api: KeebaiApi) -> None:
        self._api = api

    async def list(self, *, timeout: float | None = None) -> "list[Number]":
        """All sending numbers; their *id* is the `phone_number_id`. Raises RequestError."""
        return [_number(fields) for fields in await listed(self._api, "/whatsapp/numbers", timeout=timeout)]


def _number(fields: Fields) -> Number:
    return Number(
        id=text(fields, "id", "phone_number_id") or "",
        phone_number=text(fields, "phone_number", "display_phone_number"),
        waba_id=text(fields, "waba_id"),
        channel_id=text(fields, "channel_id"),
        status=text(fields, "status") or "",
    )
