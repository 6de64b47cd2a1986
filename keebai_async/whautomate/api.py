"""How every resource asks Whautomate: as it asks any service, and in pages that begin somewhere."""

from collections.abc import AsyncGenerator, Callable, Hashable, Sequence
from typing import TypeVar

import msgspec

from keebai_async.errors import (
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RequestInvalid,
    ServerFailed,
    Undecodable,
)
from keebai_async.quota.gate import Lane
from keebai_async.transport.api import Api
from keebai_async.transport.error_mapping import undecodable
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Request
from keebai_async.transport.tolerant_reader import Fields, fields_of, items_of, object_in, text
from keebai_async.whautomate.paging import WhautomatePages
from keebai_async.whautomate.settings import WHAUTOMATE_PAGE_SIZE

T = TypeVar("T")


class Numbering:
    """The number of the first page of a server: given, found out, or None while it is not known."""

    def __init__(self, first: int | None = None) -> None:
        if first not in (None, 0, 1):
            raise InvalidInput(f"first_page is 0 or 1, not {first}", field="first_page", value=str(first))
        self.first = first


class WhautomateApi(Api, frozen=True, kw_only=True):
    """What the resources of one client share."""

    numbering: Numbering

    async def one(
        self,
        path: str,
        read: Callable[[Fields], T | None],
        *,
        route: str,
        lane: Lane = Lane.SUBMIT,
        timeout: float | None = None,
    ) -> T:
        """GET one thing, as *read* understands it; *route* is the path without ids. Raises RequestError."""
        found = read(fields_of(await self.read(path, lane=lane, timeout=timeout, route=route)))
        if found is None:
            raise undecodable(Answer(status=200), Request(method="GET", path=path))
        return found

    async def write(
        self,
        method: str,
        path: str,
        body: msgspec.Struct,
        read: Callable[[Fields], T | None],
        *,
        label: str,
        route: str | None = None,
        timeout: float | None = None,
    ) -> T:
        """POST or PUT one thing, and what was written of it, as *read* understands the answer.

        *label* is the name by which a person finds it, *route* the path without ids.

        Raises:
            OutcomeUnknown: it may have been written; also if the answer names nothing that was.
            RequestError: it was not written.
        """
        answer, request = await self.submit(
            path,
            msgspec.json.encode(body),
            recipients=0,
            lane=Lane.SUBMIT,
            timeout=timeout,
            method=method,
            route=route,
            label=label,
        )
        written = read(object_in(answer.body))
        if written is None:
            self.exchange.tell_unknown(
                request, "the answer does not name what was written", status=answer.status
            )
            raise OutcomeUnknown(
                f"{method} {path} was answered {answer.status}, but not with what was written:"
                " look for it before you send it again",
                method=method,
                path=path,
                status=answer.status,
                recipients=0,
            )
        return written

    async def delete(self, path: str, *, route: str, timeout: float | None = None) -> None:
        """DELETE, made again only if that was certainly not accepted. Raises RequestError."""
        try:
            await self.submit(
                path, None, recipients=0, lane=Lane.SUBMIT, timeout=timeout, method="DELETE", route=route
            )
        except OutcomeUnknown as error:
            if error.status != 204:  # which has no body, and needs none to say that it is done
                raise

    async def pages(
        self,
        path: str,
        *,
        page_sizes: Sequence[int] = (WHAUTOMATE_PAGE_SIZE,),
        key: Callable[[Fields], Hashable] | None = None,
        query: tuple[tuple[str, str | None], ...] = (),
        lane: Lane = Lane.SUBMIT,
        timeout: float | None = None,
        route: str | None = None,
    ) -> AsyncGenerator[Fields, None]:
        """The items of a list, page by page as they are asked for.

        *page_sizes* are asked for in turn, until one is not refused. *key* tells an item from the others,
        by default its id; with a key of its own, what is found out of page numbers is not kept, as items
        that look alike may deceive. Raises InvalidInput, RequestError.
        """
        key_of, sizes = key or _id_or_all, list(page_sizes)
        if min(sizes) < 1:
            raise InvalidInput(f"a page has at least 1 item, not {min(sizes)}", field="page_size")
        fixed = tuple((name, value) for name, value in query if value is not None)
        pages: WhautomatePages[Fields] = WhautomatePages(self.numbering.first)
        while not pages.done:
            try:
                items = await self._page(path, fixed, pages.page, sizes[0], lane, timeout, route)
            except (NotFound, RequestInvalid, ServerFailed, Undecodable) as error:
                if pages.probing:
                    for item in pages.no_such_page():
                        yield item
                    continue
                if isinstance(error, RequestInvalid) and not pages.begun and len(sizes) > 1:
                    del sizes[0]
                    continue
                if pages.begun and isinstance(error, NotFound | RequestInvalid):
                    # There are no more, unless what is listed was deleted meanwhile: then this raises.
                    await self._page(path, fixed, pages.start, sizes[0], lane, timeout, route)
                    return
                raise
            for item in pages.take(items, [key_of(item) for item in items]):
                yield item
            if key is None and pages.first is not None:
                self.numbering.first = pages.first

    async def _page(
        self,
        path: str,
        fixed: tuple[tuple[str, str], ...],
        page: int,
        size: int,
        lane: Lane,
        timeout: float | None,
        route: str | None,
    ) -> list[Fields]:
        query = (*fixed, ("page", str(page)), ("limit", str(size)))
        items = items_of(await self.read(path, query=query, lane=lane, timeout=timeout, route=route))
        if items is None:
            raise undecodable(Answer(status=200), Request(method="GET", path=path))
        return items


def whole(item: Fields) -> str:
    """All of an item, as the key of one that has no better."""
    return msgspec.json.encode(item, order="sorted").decode()


def _id_or_all(item: Fields) -> str:
    return text(item, "id", "_id") or whole(item)
