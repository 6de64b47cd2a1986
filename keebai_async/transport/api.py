"""How every resource of every service asks: one exchange, and one place where requests are counted."""

import msgspec

from keebai_async.model.requests import Requests
from keebai_async.quota.gate import Lane
from keebai_async.transport.error_mapping import undecodable
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Request, RequestKind
from keebai_async.transport.tolerant_reader import json_of


class Api(msgspec.Struct, frozen=True, kw_only=True):
    """What the resources of one client share."""

    exchange: Exchange
    requests: Requests

    async def read(
        self,
        path: str,
        *,
        query: tuple[tuple[str, str], ...] = (),
        lane: Lane = Lane.SUBMIT,
        timeout: float | None = None,
        once: bool = False,
        route: str | None = None,
    ) -> object:
        """GET, and the JSON value that came. Raises RequestError."""
        request = Request(method="GET", path=path, query=query, lane=lane, timeout=timeout, route=route)
        answer = await self.exchange.read(request, tally=self.requests, once=once)
        return decoded(answer, request)

    async def submit(
        self,
        path: str,
        body: bytes | None,
        *,
        recipients: int,
        lane: Lane,
        timeout: float | None = None,
        method: str = "POST",
        route: str | None = None,
        label: str | None = None,
    ) -> tuple[Answer, Request]:
        """Change something, again only if that was certainly not accepted. Raises RequestError."""
        request = submit_request(
            path,
            body,
            recipients=recipients,
            lane=lane,
            timeout=timeout,
            method=method,
            route=route,
            label=label,
        )
        return await self.exchange.submit(request, tally=self.requests), request


def submit_request(
    path: str,
    body: bytes | None,
    *,
    recipients: int,
    lane: Lane,
    timeout: float | None = None,
    method: str = "POST",
    route: str | None = None,
    label: str | None = None,
) -> Request:
    """A request that can message *recipients* people, or change what others may see."""
    return Request(
        method=method,
        path=path,
        body=body,
        kind=RequestKind.SUBMIT,
        lane=lane,
        recipients=recipients,
        timeout=timeout,
        route=route,
        label=label,
    )


def decoded(answer: Answer, request: Request) -> object:
    """The JSON value of an answer to a read. Raises Undecodable."""
    try:
        return json_of(answer.body)
    except ValueError as error:
        raise undecodable(answer, request) from error
