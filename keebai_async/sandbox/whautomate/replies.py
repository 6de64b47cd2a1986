"""What the sandbox's Whautomate answers: 200s, bare arrays, and errors in whatever shape is set."""

import msgspec

from keebai_async.sandbox.replies import Said, say
from keebai_async.sandbox.whautomate.settings import ErrorShape, Settings


def said(settings: Settings, content: object) -> Said:
    """Success. Source: contract, section 4.2: always 200."""
    return say(200, {"data": content} if settings.wrapped else content)


def error(settings: Settings, status: int, words: str) -> Said:
    """A refusal in the shape that is set."""
    status = 200 if settings.errors_as_success and status != 429 else status
    match settings.error_shape:
        case ErrorShape.ERROR_TEXT:
            return say(status, {"error": words})
        case ErrorShape.ERROR_OBJECT:
            return say(status, {"error": {"message": words}})
        case ErrorShape.MESSAGE:
            return say(status, {"message": words})
        case ErrorShape.TEXT:
            return say(status, words)
        case ErrorShape.SUCCESS_FALSE:
            return say(status, {"success": False, "message": words})
        case ErrorShape.PLAIN:
            return Said(status, words.encode())


def deleted() -> Said:
    return Said(200, msgspec.json.encode({"success": True}))
