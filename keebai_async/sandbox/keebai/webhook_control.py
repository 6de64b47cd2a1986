"""The control endpoint of the sandbox's webhooks: for programs in any language, beside the service's routes.

No token is asked for: the sandbox listens on this machine only.
"""

import msgspec
from aiohttp import web

from keebai_async.sandbox.keebai.single_event import SingleEvent
from keebai_async.sandbox.keebai.webhooks import SandboxWebhooks
from keebai_async.sandbox.local_server import CONTROL


def control(webhooks: SandboxWebhooks, method: str, path: str, content: bytes) -> web.Response:
    """`GET` and `PATCH` of the switches; `POST /trigger` of one event; `GET /truth`, `GET /status`."""
    try:
        match method, path:
            case "GET", "":
                return _json(200, webhooks.switches)
            case "PATCH", "":
                return _json(200, webhooks.change(content))
            case "POST", "/trigger":
                webhooks.trigger_event(msgspec.json.decode(content, type=SingleEvent))
                return web.Response(status=202)
            case "GET", "/truth":
                return _json(200, webhooks.truth)
            case "GET", "/status":
                return _json(200, {"waiting": webhooks.waiting, "answers": webhooks.answers})
    except (msgspec.MsgspecError, ValueError) as error:  # no JSON, no such switch, no such event
        return _json(400, {"message": str(error)})
    return _json(404, {"message": f"there is no {method} {CONTROL}{path}"})


def _json(status: int, content: object) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(content), content_type="application/json")
