"""The door for ASGI: FastAPI, Starlette, Litestar, or a server alone.

receiver = WebhookReceiver("webhooks.db", secrets=WebhookSecrets("whsec_..."))
app.mount("/webhooks/keebai", WebhookApp(receiver))
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, MutableMapping
from typing import Final, cast

from keebai_async.webhooks.receiver import WebhookReceiver

Message = MutableMapping[str, object]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
_NONE: Final[tuple[tuple[bytes, bytes], ...]] = ()


class WebhookApp:
    """An ASGI application that takes deliveries at every path it is given.

    Run alone by a server, it closes *receiver* when the server ends. Mounted, the application around it has
    to, with `async with receiver` in its lifespan.
    """

    __slots__ = ("_receiver",)

    def __init__(self, receiver: WebhookReceiver) -> None:
        self._receiver = receiver

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        match scope["type"]:
            case "http":
                await self._http(scope, receive, send)
            case "lifespan":
                await self._lifespan(receive, send)
            case _:  # a websocket: nothing is heard there
                await send({"type": "websocket.close", "code": 1003})

    async def _http(self, scope: Message, receive: Receive, send: Send) -> None:
        headers = list(cast("Iterable[tuple[bytes, bytes]]", scope.get("headers", _NONE)))
        answer = await self._receiver.answer(str(scope["method"]), headers, _pieces(receive))
        end = [(b"connection", b"close")] if answer.close else []
        length = [] if answer.status == 204 else [(b"content-length", b"0")]
        await send({"type": "http.response.start", "status": answer.status, "headers": length + end})
        await send({"type": "http.response.body", "body": b""})

    async def _lifespan(self, receive: Receive, send: Send) -> None:
        while True:
            told = await receive()
            if told["type"] == "lifespan.shutdown":
                await self._receiver.aclose()
                await send({"type": "lifespan.shutdown.complete"})
                return
            await send({"type": "lifespan.startup.complete"})


async def _pieces(receive: Receive) -> AsyncIterator[bytes]:
    more = True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        yield cast("bytes", message.get("body", b""))
        more = bool(message.get("more_body", False))
