"""Which route a request takes. A route is a pattern, as `GET /channels/{channel_id}`, with at most one id."""

from collections.abc import Iterable
from typing import Final

import msgspec

NO_ROUTE: Final = "(no such route)"


class RouteMatch(msgspec.Struct, frozen=True):
    """The route of a request as its pattern stands in the table, and the id in its path or nothing."""

    route: str
    resource_id: str = ""


class RouteTable:
    """All routes of one service, each a method and a pattern."""

    def __init__(self, routes: Iterable[str]) -> None:
        self._exact = set(routes)
        self._patterns = {route: route.split("/") for route in self._exact if "{" in route}

    def find(self, method: str, path: str) -> RouteMatch:
        """The route of *path*, or NO_ROUTE."""
        exact = f"{method} {path}"
        if exact in self._exact:
            return RouteMatch(exact)
        parts = exact.split("/")
        for route, pattern in self._patterns.items():
            if (found := _id_in(parts, pattern)) is not None:
                return RouteMatch(route, found)
        return RouteMatch(NO_ROUTE)


def _id_in(parts: list[str], pattern: list[str]) -> str | None:
    """What stands where *pattern* has its id; None if *parts* are another path."""
    if len(parts) != len(pattern):
        return None
    found = None
    for part, wanted in zip(parts, pattern, strict=True):
        if wanted.startswith("{") and part:
            found = part
        elif part != wanted:
            return None
    return found
