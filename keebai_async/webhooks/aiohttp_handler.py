"""The door for aiohttp.

app.router.add_route("*", "/webhooks/keebai", webhook_handler(receiver))
"""

from collections.abc import Awaitable, Callable

from aiohttp import web

from keebai_async.webhooks.receiver import WebhookReceiver


def webhook_handler(receiver: WebhookReceiver) -> Callable[[web.Request], Awaitable[web.Response]]:
    """A handler that takes deliveries. The application closes *receiver*, in its `on_cleanup`."""

    async def handle(request: web.Request) -> web.Response:
        answer = await receiver.answer(request.method, request.headers, request.content.iter_any())
        response = web.Response(status=answer.status)
        if answer.close:
            response.force_close()
        return response

    return handle
