"""The door for aiohttp.

app.router.add_route("*", "/webhooks/keebai", webhook_handler(receiver))
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress

from aiohttp import ClientError, web

from keebai_async.webhooks.receiver import WebhookReceiver


def webhook_handler(receiver: WebhookReceiver) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that takes deliveries. The application closes *receiver*, in its `on_cleanup`.

    A signature is over the bytes as they came. aiohttp unpacks a body that was sent packed (gzip), which no
    document of the service speaks of: `AppRunner(app, auto_decompress=False)` leaves it as it is.
    """

    async def handle(request: web.Request) -> web.Response:
        answer = await receiver.answer(request.method, request.headers, _pieces(request))
        response = web.Response(status=answer.status)
        if answer.close:
            response.force_close()
        return response

    return handle


async def _pieces(request: web.Request) -> AsyncIterator[bytes]:
    # Who goes away in the middle has sent less than was announced, which is told by who counts.
    with suppress(ClientError, web.RequestPayloadError, ConnectionError, EOFError):
        async for piece in request.content.iter_any():
            yield piece
