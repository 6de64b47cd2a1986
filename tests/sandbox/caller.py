"""Requests to a sandbox with nothing but an HTTP session."""

from collections.abc import Mapping

import aiohttp
import msgspec

from keebai_async.testing import Sandbox


class CallerReply(msgspec.Struct):
    """What came back over the socket."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> dict[str, object]:
        return msgspec.json.decode(self.body, type=dict[str, object])


class Caller:
    """Speaks to a sandbox with nothing but an HTTP session: none of the client's decisions."""

    def __init__(self, session: aiohttp.ClientSession) -> None:
        self._session = session

    async def get(self, sandbox: Sandbox, path: str, *, token: str | None = None) -> CallerReply:
        return await self._request("GET", sandbox, path, None, token)

    async def post(
        self, sandbox: Sandbox, path: str, body: object, *, token: str | None = None
    ) -> CallerReply:
        content = body if isinstance(body, bytes) else msgspec.json.encode(body)
        return await self._request("POST", sandbox, path, content, token)

    async def bulk(self, sandbox: Sandbox, recipients: object, **fields: object) -> CallerReply:
        """POST a bulk of the template `aviso`, which asks for no variables, unless *fields* say otherwise."""
        body = {
            "phone_number_id": sandbox.phone_number_id,
            "template_name": "aviso",
            "language": "es",
            "recipients": recipients,
            **fields,
        }
        return await self.post(sandbox, "/messages/bulk", {k: v for k, v in body.items() if v is not None})

    async def _request(
        self, method: str, sandbox: Sandbox, path: str, content: bytes | None, token: str | None
    ) -> CallerReply:
        headers = {"Authorization": f"Bearer {sandbox.token if token is None else token}"}
        if content is not None:
            headers["Content-Type"] = "application/json"
        async with self._session.request(
            method, sandbox.url + path, data=content, headers=headers, allow_redirects=False
        ) as reply:
            return CallerReply(reply.status, dict(reply.headers), await reply.read())


def people(count: int, first: int = 0) -> list[dict[str, object]]:
    """Recipients with numbers of their own."""
    return [{"to": f"+54911{20_000_000 + first + place}"} for place in range(count)]
