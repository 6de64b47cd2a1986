"""Pages of a bare array, with all the manners that a server may have about them."""

from collections.abc import Mapping

import msgspec

from keebai_async.sandbox.replies import Refused
from keebai_async.sandbox.whautomate.replies import error
from keebai_async.sandbox.whautomate.settings import Settings


class Window(msgspec.Struct, frozen=True):
    """Which items of a list are asked for."""

    start: int
    size: int


def window_of(query: Mapping[str, str], settings: Settings) -> Window:
    """Read `page` and `limit`. Raises Refused."""
    size = _number(query, "limit", settings.default_limit, settings)
    if size < 1 or (size > settings.max_limit and settings.over_limit == "refuse"):
        raise Refused(error(settings, 400, "limit is out of range"))
    size = min(size, settings.max_limit)
    page = _number(query, "page", settings.first_page, settings) - settings.first_page
    if settings.ignores_page:
        page = 0
    if page < 0:
        match settings.before_first:
            case "refuse":
                raise Refused(error(settings, 400, "page must be positive"))
            case "fail":
                raise Refused(error(settings, 500, "skip value must be non-negative"))
            case "empty":
                return Window(0, 0)
            case "first":
                page = 0
    return Window(page * size, size)


def _number(query: Mapping[str, str], name: str, default: int, settings: Settings) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise Refused(error(settings, 400, f"{name} must be a number"))
    return int(text[:12])
