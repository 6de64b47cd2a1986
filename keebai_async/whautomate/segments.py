"""Segments: the people of a broadcast. There is no way to change one: delete it and make another."""

from collections.abc import AsyncGenerator
from functools import partial
from typing import Final

import msgspec

from keebai_async.inputs import check_word
from keebai_async.transport.address import segment
from keebai_async.whautomate.api import WhautomateApi
from keebai_async.whautomate.models import CamelStruct, Criteria, Reference, Segment
from keebai_async.whautomate.replies import read_segment
from keebai_async.whautomate.settings import UNSUBSCRIBED, WHAUTOMATE_PAGE_SIZE

SEGMENTS_PATH: Final = "/segments"
_SEGMENT_ROUTE: Final = f"{SEGMENTS_PATH}/{{segment_id}}"


class _SegmentBody(CamelStruct, frozen=True, kw_only=True):
    name: str
    type: str
    criteria: Criteria
    location: Reference


class WhautomateSegments:
    """GET, POST and DELETE of /segments. Source: contract, section 5.1."""

    def __init__(self, api: WhautomateApi) -> None:
        self._api = api

    async def create(
        self,
        *,
        name: str,
        type: str,  # noqa: A002 - the service's word
        location: str,
        criteria: Criteria | None = None,
        include_unsubscribed: bool = False,
        timeout: float | None = None,
    ) -> Segment:
        """Make a segment of clients or contacts (*type* `client` or `contact`) of the *location* of this id.

        Those who wrote STOP carry a tag and are messaged all the same, unless the segment excludes it: so
        it does, unless *include_unsubscribed*, which is for what is not marketing.

        Raises:
            InvalidInput: nothing was created.
            OutcomeUnknown: it may have been created: look in the list.
            RequestError: it was not created.

        Source: contract, section 9, last paragraph.
        """
        people = criteria or Criteria()
        if not include_unsubscribed and UNSUBSCRIBED not in people.exclusion_tags:
            people = msgspec.structs.replace(people, exclusion_tags=(*people.exclusion_tags, UNSUBSCRIBED))
        body = _SegmentBody(
            name=check_word(name, field="name"),
            type=check_word(type, field="type"),
            criteria=people,
            location=Reference(id=check_word(location, field="location")),
        )
        return await self._api.write("POST", SEGMENTS_PATH, body, read_segment, label=name, timeout=timeout)

    async def get(self, segment_id: str, *, timeout: float | None = None) -> Segment:
        """One segment. Raises InvalidInput, RequestError (NotFound if there is none)."""
        read = partial(read_segment, segment_id=segment_id)
        return await self._api.one(_path(segment_id), read, route=_SEGMENT_ROUTE, timeout=timeout)

    async def list(
        self,
        *,
        location_id: str | None = None,
        search_text: str | None = None,
        page_size: int = WHAUTOMATE_PAGE_SIZE,
        timeout: float | None = None,
    ) -> AsyncGenerator[Segment, None]:
        """Segments in the service's order, page by page as they are asked for. Raises RequestError."""
        query = (("locationId", location_id), ("searchText", search_text))
        async for item in self._api.pages(
            SEGMENTS_PATH, page_sizes=(page_size,), query=query, timeout=timeout
        ):
            if (found := read_segment(item)) is not None:
                yield found

    async def delete(self, segment_id: str, *, timeout: float | None = None) -> None:
        """Delete a segment. Wait for its broadcasts to finish: when they read it is not documented.

        Raises:
            OutcomeUnknown: it may be deleted.
            RequestError: it was not deleted.
        """
        await self._api.delete(_path(segment_id), route=_SEGMENT_ROUTE, timeout=timeout)


def _path(segment_id: str) -> str:
    return f"{SEGMENTS_PATH}/{segment(segment_id, field='segment_id')}"
