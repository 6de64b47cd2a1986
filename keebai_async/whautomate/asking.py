"""How every resource asks Whautomate: as it asks any service, and in pages that begin somewhere."""

from collections.abc import AsyncGenerator, Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from keebai_async.errors import (
    InvalidInput,
    NotFound,
    OutcomeUnknown,
    RequestInvalid,
    ServerFailed,
    TokenRejected,
    Undecodable,
)
from keebai_async.transport import asking
from keebai_async.transport.complaint import undecodable
from keebai_async.transport.reading import Fields, items_of
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Lane, Request
from keebai_async.whautomate.limits import PAGE_SIZE
from keebai_async.whautomate.paging import Pages

_REGION: Final = "a key is valid on the host of its own region only, global or india"


class Numbering:
    """The number of the first page of a server: given, found out, or None while it is not known."""

    def __init__(self, first: int | None = None) -> None:
        if first not in (None, 0, 1):
            raise InvalidInput(f"first_page is 0 or 1, not {first}", field="first_page", value=str(first))
        self.first = first


class Asking(asking.Asking, frozen=True, kw_only=True):
    """What the resources of one client share."""

    numbering: Numbering

    async def read(
        self,
        path: str,
        *,
        query: tuple[tuple[str, str], ...] = (),
        lane: Lane = Lane.SUBMIT,
        timeout: float | None = None,
        once: bool = False,
    ) -> object:
        """GET, and the JSON value that came. Raises RequestError."""
        with _mentioning_regions():
            return await super().read(path, query=query, lane=lane, timeout=timeout, once=once)

    async def submit(
        self,
        path: str,
        body: bytes | None,
        *,
        recipients: int,
        lane: Lane,
        timeout: float | None = None,
        method: str = "POST",
    ) -> tuple[Answer, Request]:
        """Change something, again only if that was certainly not accepted. Raises RequestError."""
        with _mentioning_regions():
            return await super().submit(
                path, body, recipients=recipients, lane=lane, timeout=timeout, method=method
            )

    async def delete(self, path: str, *, timeout: float | None = None) -> None:
        """DELETE, made again only if that was certainly not accepted. Raises RequestError."""
        try:
            await self.submit(path, None, recipients=0, lane=Lane.SUBMIT, timeout=timeout, method="DELETE")
        except OutcomeUnknown as error:
            if error.status != 204:  # which has no body, and needs none to say that it is done
                raise

    async def pages(
        self,
        path: str,
        key: Callable[[Fields], Hashable],
        *,
        query: tuple[tuple[str, str | None], ...] = (),
        page_size: int = PAGE_SIZE,
        lane: Lane = Lane.SUBMIT,
        timeout: float | None = None,
        learn: bool = True,
    ) -> AsyncGenerator[Fields, None]:
        """The items of a list, page by page as they are asked for.

        *key* tells an item from the others. *learn*: what is found out of page numbers is kept, which
        needs a key that stays the same, whatever happens to the item. Raises RequestError.
        """
        if page_size < 1:
            raise InvalidInput(f"a page has at least 1 item, not {page_size}", field="page_size")
        given = tuple((name, value) for name, value in query if value is not None)
        pages: Pages[Fields] = Pages(self.numbering.first)
        short = False
        while not pages.done:
            asked = (*given, ("page", str(pages.page)), ("limit", str(page_size)))
            try:
                items = _items(await self.read(path, query=asked, lane=lane, timeout=timeout), path)
            except (NotFound, RequestInvalid, ServerFailed, Undecodable) as error:
                if pages.probing:
                    for item in pages.no_such_page():
                        yield item
                    continue
                if _is_end(error, short) and pages.begun:
                    return
                raise
            short = len(items) < page_size
            for item in pages.take(items, [key(item) for item in items]):
                yield item
            if learn and pages.first is not None:
                self.numbering.first = pages.first


def _is_end(error: Exception, short: bool) -> bool:
    """Whether a refused page means that there are no more; a 404 may be a broadcast deleted meanwhile."""
    return isinstance(error, RequestInvalid) or (isinstance(error, NotFound) and short)


def _items(value: object, path: str) -> list[Fields]:
    items = items_of(value)
    if items is None:
        raise undecodable(Answer(status=200), Request(method="GET", path=path))
    return items


@contextmanager
def _mentioning_regions() -> Iterator[None]:
    try:
        yield
    except TokenRejected as error:
        raise TokenRejected(
            f"{error} ({_REGION})",
            method=error.method,
            path=error.path,
            status=error.status,
            attempts=error.attempts,
            code=error.code,
        ) from None


def encoded(body: msgspec.Struct | dict[str, object]) -> bytes:
    """*body* as JSON."""
    return msgspec.json.encode(body)
