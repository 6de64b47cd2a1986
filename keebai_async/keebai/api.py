"""How every resource asks Keebai: as it asks any service, and which sender messages come from."""

from typing import Protocol

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.keebai.settings import KEEBAI_PHONE_NUMBER_ID_VARIABLE
from keebai_async.model.sender import Sender
from keebai_async.quota.gate import Lane
from keebai_async.transport.api import Api
from keebai_async.transport.api import decoded as decoded
from keebai_async.transport.api import submit_request as submit_request
from keebai_async.transport.error_mapping import undecodable
from keebai_async.transport.request import Request
from keebai_async.transport.tolerant_reader import Fields, items_of


class KeebaiApi(Api, frozen=True, kw_only=True):
    """What the resources of one client share."""

    sender: Sender | None = None

    def sender_for(self, phone_number_id: str | None, channel_id: str | None) -> Sender:
        """The sender of this call if it names one, or else the client's. Raises InvalidInput."""
        if phone_number_id is not None or channel_id is not None:
            return Sender(phone_number_id=phone_number_id, channel_id=channel_id)
        if self.sender is None:
            raise InvalidInput(
                f"no sender: give phone_number_id or channel_id, or set {KEEBAI_PHONE_NUMBER_ID_VARIABLE}",
                field="phone_number_id",
            )
        return self.sender


def encoded(body: dict[str, object]) -> bytes:
    """*body* as JSON. Raises InvalidInput, for only `meta_data` can hold what has no JSON."""
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"meta_data cannot be written as JSON: {error}", field="meta_data") from error


async def listed(
    api: KeebaiApi, path: str, *, query: tuple[tuple[str, str], ...] = (), timeout: float | None = None
) -> list[Fields]:
    """GET a list that comes in one piece. Raises RequestError."""
    request = Request(method="GET", path=path, query=query, lane=Lane.SUBMIT, timeout=timeout)
    answer = await api.exchange.read(request, tally=api.requests)
    items = items_of(decoded(answer, request))
    if items is None:
        raise undecodable(answer, request)
    return items


class RecipientLike(Protocol):
    """Anything with a number, variables and meta_data, such as a campaign's Recipient."""

    @property
    def to(self) -> str: ...
    @property
    def variables(self) -> dict[str, str]: ...
    @property
    def meta_data(self) -> dict[str, object]: ...
