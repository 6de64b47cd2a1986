"""A process that takes deliveries at one of the doors until it is killed. It prints its port when it is open.

Usage: python -m tests.webhooks.receiving DOOR SPOOL SECRET [PORT]
"""

import socket
import sys
from functools import partial

import anyio
import uvicorn
from aiohttp import web
from starlette.applications import Starlette
from starlette.routing import Route

from keebai_async.webhooks import WebhookApp, WebhookReceiver, WebhookSecrets, webhook_handler

PATH = "/webhooks/keebai"


def with_starlette(receiver: WebhookReceiver) -> Starlette:
    return Starlette(routes=[Route("/webhooks/keebai", endpoint=WebhookApp(receiver))])


def with_aiohttp(receiver: WebhookReceiver) -> web.Application:
    app = web.Application()
    app.router.add_route("*", "/webhooks/keebai", webhook_handler(receiver))
    return app


async def main(door: str, spool: str, secret: str, port: str = "0") -> None:
    receiver = WebhookReceiver(spool, secrets=WebhookSecrets(secret))
    listening = socket.create_server(("127.0.0.1", int(port)))
    sys.stdout.write(f"{listening.getsockname()[1]}\n")
    sys.stdout.flush()
    if door == "asgi":
        await uvicorn.Server(uvicorn.Config(with_starlette(receiver), log_level="error")).serve([listening])
        return
    runner = web.AppRunner(with_aiohttp(receiver))
    await runner.setup()
    await web.SockSite(runner, listening).start()
    await anyio.sleep_forever()


if __name__ == "__main__":
    anyio.run(partial(main, *sys.argv[1:]))
