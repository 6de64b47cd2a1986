"""To whom campaigns of the journal were sent lately: for a plan that leaves these people out.

Of campaigns that still have their people they are compared by identity key, and of purged ones by the keyed
hashes that a purge leaves (`model/purged_people.py`), which are by the hour: in doubt somebody is left out.
"""

from collections.abc import Collection, Iterable, Iterator
from typing import Final

import anyio.lowlevel
import anyio.to_thread
import msgspec

from keebai_async.errors import CampaignNotFound
from keebai_async.journal.contract import Journal
from keebai_async.model.identity import identities
from keebai_async.model.purged_people import BYTES_A_HASH, PurgedPeople
from keebai_async.planning.key_set import KeySet, no_keys
from keebai_async.planning.written_before import left_since


class _SentTo(msgspec.Struct, gc=False):
    to: str


_SENT_TO: Final = msgspec.json.Decoder(list[_SentTo])


class SentLately:
    """The people to whom something was sent, as a set of identity keys."""

    def __init__(self, keys: KeySet, purged: PurgedPeople, hashes: KeySet, *, not_known: int = 0) -> None:
        self._keys = keys
        self._purged = purged
        self._hashes = hashes
        self.not_known = not_known
        """People of purged campaigns of whom not even a hash is left."""

    def __bool__(self) -> bool:
        return bool(self._keys) or bool(self._hashes)

    def isdisjoint(self, keys: Iterable[int]) -> bool:
        """Whether none of *keys* is here."""
        return next(self.held(keys), None) is None

    def held(self, keys: Iterable[int]) -> Iterator[int]:
        """Those of *keys* that are here."""
        if not self._hashes:
            return self._keys.held(keys)
        return filter(self._holds, keys)

    def _holds(self, key: int) -> bool:
        if any(True for _ in self._keys.held((key,))):
            return True
        return any(True for _ in self._hashes.held((self._purged.hash_of(key),)))


async def people_sent_to(journal: Journal, *, since: float, besides: Collection[str] = ()) -> SentLately:
    """Everybody to whom a campaign may have been sent after the Unix time *since*.

    Accepted, unknown and given up all count; tests do not, nor the campaigns *besides*.

    Raises JournalUnusable.
    """
    keys = await no_keys()
    hashes = await no_keys()
    gone = 0
    for campaign in await journal.campaigns():
        plan = campaign.plan
        if plan.test or plan.campaign_id in besides:
            continue
        if campaign.purged_at is not None:
            people = {chunk.number: chunk.recipients for chunk in campaign.chunks}
            gone += sum(people[number] for number in left_since(campaign, since))
            continue
        for number in left_since(campaign, since):
            try:
                items = await journal.items(plan.campaign_id, number)
            except CampaignNotFound:  # purged while we looked: its hashes are read below
                break
            keys.update(identities([each.to for each in _SENT_TO.decode(items)]))
            await anyio.lowlevel.checkpoint()
    purged = await journal.purged_people(since)
    for page in purged.pages:
        hashes.update(page)
        await anyio.lowlevel.checkpoint()
    kept = sum(map(len, purged.packed)) // BYTES_A_HASH
    return SentLately(keys, purged, hashes, not_known=max(0, gone - kept))
