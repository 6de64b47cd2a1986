"""Pages of a bare array, read in each way that a server may read `page` and `limit`."""

from collections.abc import Mapping

from keebai_async.sandbox.replies import RequestRefused
from keebai_async.sandbox.whautomate.replies import error_reply
from keebai_async.sandbox.whautomate.settings import WhautomateSandboxSettings


def page_of(query: Mapping[str, str], settings: WhautomateSandboxSettings) -> range:
    """The places of the items that `page` and `limit` ask for. Raises RequestRefused."""
    size = _number(query, "limit", settings.default_limit, settings)
    if size < 1 or (size > settings.max_limit and settings.over_limit == "refuse"):
        raise RequestRefused(error_reply(settings, 400, "limit is out of range"))
    size = min(size, settings.max_limit)
    page = _number(query, "page", settings.first_page, settings) - settings.first_page
    if settings.ignores_page:
        page = 0
    if page < 0:
        match settings.before_first:
            case "refuse":
                raise RequestRefused(error_reply(settings, 400, "page must be positive"))
            case "fail":
                raise RequestRefused(error_reply(settings, 500, "skip value must be non-negative"))
            case "empty":
                return range(0)
            case "first":
                page = 0
    return range(page * size, (page + 1) * size)


def _number(query: Mapping[str, str], name: str, default: int, settings: WhautomateSandboxSettings) -> int:
    text = query.get(name, str(default))
    if not (text.isascii() and text.removeprefix("-").isdigit()):
        raise RequestRefused(error_reply(settings, 400, f"{name} must be a number"))
    return int(text[:12])
