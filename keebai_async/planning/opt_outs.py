"""Who of a campaign's people opted out, as the journal has it: for a plan, and while it runs.

A plan reads the opt-outs once, into a set of keys, a page at a time with a turn of the event loop after each.
A run may last for days, in which people go on saying stop; so it looks again before each chunk, and reads
only the pages that changed.
"""

from collections.abc import AsyncIterator, Iterable, Sequence
from itertools import compress
from typing import Final

import anyio.lowlevel
import anyio.to_thread
import msgspec

from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import ChunkState
from keebai_async.model.identity import identities
from keebai_async.model.opt_outs import (
    PAGES,
    OptOut,
    OptOutCount,
    OptOutPage,
    added_up,
    counted,
    keys_out,
    page_of,
)
from keebai_async.planning.key_set import KeySet, no_keys

_PAGES_AT_ONCE: Final = 20
_KEYS_AT_ONCE: Final = 1_000


class _NamedPerson(msgspec.Struct, gc=False):
    to: str


_NAMED_PEOPLE: Final = msgspec.json.Decoder(list[_NamedPerson])


async def people_opted_out(journal: Journal) -> KeySet:
    """The identity keys of everybody who wants no more. Raises JournalUnusable."""
    found = await no_keys()
    changes = await journal.opt_out_changes()
    async for _, packed in _packed_pages(journal, _changed((0,) * PAGES, changes)):
        found.update(keys_out(packed))
    return found


async def all_opted_out(journal: Journal) -> AsyncIterator[OptOut]:
    """Everybody who wants no more, by the last digits of their numbers. Raises JournalUnusable."""
    changes = await journal.opt_out_changes()
    async for _, packed in _packed_pages(journal, _changed((0,) * PAGES, changes)):
        for each in OptOutPage(packed):
            yield each


async def count_opted_out(keys: Iterable[int], journal: Journal) -> tuple[OptOutCount, ...]:
    """How it is known that those of *keys* want no more who do. Raises JournalUnusable."""
    pages: dict[int, list[int]] = {}
    for turn, key in enumerate(keys, start=1):
        pages.setdefault(page_of(key), []).append(key)
        if turn % _KEYS_AT_ONCE == 0:
            await anyio.lowlevel.checkpoint()
    counts: tuple[OptOutCount, ...] = ()
    for those in pages.values():
        found = await journal.opted_out(those)
        counts = added_up((*counts, *counted(found)))
    return counts


async def opted_out_since(campaign: StoredCampaign, journal: Journal) -> int:
    """How many of a campaign's unsent people opted out by now, beyond those whom its plan let in on purpose.

    Raises JournalUnusable.
    """
    if campaign.purged_at is not None:
        return 0
    watch, people = OptOutWatch(journal), 0
    await watch.look()
    for chunk in campaign.chunks:
        if watch.anybody and chunk.state is ChunkState.PLANNED and chunk.recipients:
            people += len(watch.places(await journal.items(campaign.plan.campaign_id, chunk.number)))
    return max(0, people - (campaign.plan.opt_outs_ignored or 0))


class OptOutWatch:
    """The opt-outs as the last look saw them."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._seen: tuple[int, ...] = ()
        self._keys: KeySet | None = None
        self._news: dict[int, frozenset[int]] = {}
        """Pages that changed after all were read, as they are now: nobody can be taken out of a KeySet."""
        self._looks = 0

    async def look(self) -> int:
        """Read what is news; the number that this gives is another one only if there was some.

        Raises JournalUnusable.
        """
        now = await self._journal.opt_out_changes()
        if self._keys is None:
            self._keys = await people_opted_out(self._journal)
            self._seen = now
            self._looks += 1
        elif changed := _changed(self._seen, now):
            async for number, packed in _packed_pages(self._journal, changed):
                self._news[number] = frozenset(keys_out(packed))
            self._seen = now
            self._looks += 1
        return self._looks

    @property
    def anybody(self) -> bool:
        """Whether somebody may have opted out, by the last look."""
        return bool(self._keys) or bool(self._news)

    def places(self, items: bytes) -> list[int]:
        """Where in a chunk's JSON array of people those stand who want no more."""
        if not self.anybody:
            return []
        keys = identities([person.to for person in _NAMED_PEOPLE.decode(items)])
        return list(compress(range(len(keys)), self._held(keys)))

    def _held(self, keys: Sequence[int]) -> list[bool]:
        here: set[int] = set() if self._keys is None else set(self._keys.held(keys))
        if not self._news:
            return [key in here for key in keys]
        return [key in self._news.get(page_of(key), here) for key in keys]


def _changed(before: Sequence[int], now: Sequence[int]) -> list[int]:
    """The pages of which the counts of changes differ."""
    if before == now:
        return []
    each = enumerate(zip(before, now, strict=True), start=1)
    return [page for page, (was, is_now) in each if was != is_now]


async def _packed_pages(journal: Journal, numbers: Sequence[int]) -> AsyncIterator[tuple[int, bytes]]:
    """These pages, with a turn of the event loop after each."""
    for start in range(0, len(numbers), _PAGES_AT_ONCE):
        pages = await journal.opt_out_pages(numbers[start : start + _PAGES_AT_ONCE])
        for number, packed in pages.items():
            yield number, packed
            await anyio.lowlevel.checkpoint()
