"""How every resource asks: the exchange, whom messages come from, and where requests are counted."""

from typing import Protocol

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.keebai.models import Sender
from keebai_async.keebai.reading import Fields, items_of, json_of
from keebai_async.transport.complaint import undecodable
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Kind, Lane, Request
from keebai_async.transport.tally import Requests


class Asking(msgspec.Struct, frozen=True, kw_only=True):
    """What the resources of one client share."""

    exchange: Exchange
    sender: Sender | None = None
    requests: Requests

    async def read(
        self,
        path: str,
        *,
        query: tuple[tuple[str, str], ...] = (),
        lane: Lane = Lane.SUBMIT,
        timeout: float | None = None,
        once: bool = False,
    ) -> object:
        """GET, and the JSON value that came. Raises RequestError."""
        request = Request(method="GET", path=path, query=query, lane=lane, timeout=timeout)
        answer = await self.exchange.read(request, tally=self.requests, once=once)
        return decoded(answer, request)

    async def submit(
        self,
        path: str,
        body: bytes,
        *,
        recipients: int,
        lane: Lane,
        timeout: float | None = None,
    ) -> tuple[Answer, Request]:
        """POST, made again only if it was certainly not accepted. Raises RequestError."""
        request = submit_request(path, body, recipients=recipients, lane=lane, timeout=timeout)
        return await self.exchange.submit(request, tally=self.requests), request

    def sender_for(self, phone_number_id: str | None, channel_id: str | None) -> Sender:
        """The sender of this call if it names one, or else the client's. Raises InvalidInput."""
        if phone_number_id is not None or channel_id is not None or self.sender is None:
            return Sender(phone_number_id=phone_number_id, channel_id=channel_id)
        return self.sender


def submit_request(
    path: str, body: bytes, *, recipients: int, lane: Lane, timeout: float | None = None
) -> Request:
    """A POST that can message *recipients* people."""
    return Request(
        method="POST",
        path=path,
        body=body,
        kind=Kind.SUBMIT,
        lane=lane,
        recipients=recipients,
        timeout=timeout,
    )


def decoded(answer: Answer, request: Request) -> object:
    """The JSON value of an answer to a read. Raises Undecodable."""
    try:
        return json_of(answer.body)
    except ValueError as error:
        raise undecodable(answer, request) from error


def encoded(body: dict[str, object]) -> bytes:
    """*body* as JSON. Raises InvalidInput, for only `meta_data` can hold what has no JSON."""
    try:
        return msgspec.json.encode(body)
    except (TypeError, ValueError, OverflowError, RecursionError, msgspec.MsgspecError) as error:
        raise InvalidInput(f"meta_data cannot be written as JSON: {error}", field="meta_data") from error


async def listed(
    asking: Asking, path: str, *, query: tuple[tuple[str, str], ...] = (), timeout: float | None = None
) -> list[Fields]:
    """GET a list that comes in one piece. Raises RequestError."""
    request = Request(method="GET", path=path, query=query, lane=Lane.SUBMIT, timeout=timeout)
    answer = await asking.exchange.read(request, tally=asking.requests)
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
