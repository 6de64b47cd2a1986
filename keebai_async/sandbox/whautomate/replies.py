"""What the sandbox's Whautomate answers: 200, bare arrays, and errors in the shape that is set."""

import msgspec

from keebai_async.sandbox.replies import SandboxReply, json_reply
from keebai_async.sandbox.whautomate.settings import ErrorShape, WhautomateSandboxSettings


def success(settings: WhautomateSandboxSettings, content: object) -> SandboxReply:
    """Success. Source: contract, section 4.2: always 200."""
    return json_reply(200, {"data": content} if settings.wrapped else content)


def error_reply(settings: WhautomateSandboxSettings, status: int, words: str) -> SandboxReply:
    """A refusal in the shape that is set."""
    status = 200 if settings.errors_as_success and status != 429 else status
    match settings.error_shape:
        case ErrorShape.ERROR_TEXT:
            return json_reply(status, {"error": words})
        case ErrorShape.ERROR_OBJECT:
            return json_reply(status, {"error": {"message": words}})
        case ErrorShape.MESSAGE:
            return json_reply(status, {"message": words})
        case ErrorShape.TEXT:
            return json_reply(status, words)
        case ErrorShape.SUCCESS_FALSE:
            return json_reply(status, {"success": False, "message": words})
        case ErrorShape.PLAIN:
            return SandboxReply(status, words.encode())


def deleted() -> SandboxReply:
    return SandboxReply(200, msgspec.json.encode({"success": True}))
