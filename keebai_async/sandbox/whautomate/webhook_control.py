"""The control endpoint of the webhooks of the sandbox's Whautomate, for programs in any language."""

import msgspec

from keebai_async.sandbox.replies import SandboxReply, json_reply
from keebai_async.sandbox.whautomate.webhook_feed import WhautomateFeed


def control_whautomate(feed: WhautomateFeed, method: str, path: str, content: bytes) -> SandboxReply:
    """`GET` and `PATCH` of the switches; `GET /truth`, `GET /status`."""
    try:
        match method, path:
            case "GET", "":
                return json_reply(200, msgspec.to_builtins(feed.transport))
            case "PATCH", "":
                return json_reply(200, msgspec.to_builtins(feed.change(content)))
            case "GET", "/truth":
                return json_reply(200, feed.truth)
            case "GET", "/status":
                return json_reply(200, {"waiting": feed.waiting, "answers": dict(feed.outcomes)})
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        return json_reply(400, {"message": str(error)})
    return json_reply(404, {"message": f"there is no {method} /sandbox/webhooks{path}"})
