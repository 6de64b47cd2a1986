"""The people of a retry: who they are, and before they are submitted, whether they still are to be.

Everything is compared by identity key, across the campaign and all its retries: its *family*. What is in
memory are the keys of those who failed, and a place of each in every other campaign of the family.
"""

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

import anyio.lowlevel
import anyio.to_thread
import msgspec

from keebai_async.errors import CampaignBusy, CampaignNotFound, InvalidInput
from keebai_async.journal.contract import Journal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.fates import Fate, PersonState
from keebai_async.model.identity import identities
from keebai_async.model.marks import without_marks
from keebai_async.model.places import PERHAPS_SENT, Place, planned_places
from keebai_async.model.retry import (
    LEFT_OUT_OF_RETRY,
    NotAgain,
    RetryAccount,
    RetryChoice,
    RetryTally,
    Sending,
    choose,
    sendings_of,
)
from keebai_async.planning.key_set import KeySet, no_keys
from keebai_async.planning.told_people import FatesByPlace

_STILL_COUNT: Final = PERHAPS_SENT | {ChunkState.PLANNED}


class _OneNumber(msgspec.Struct, gc=False):
    to: str


_ONLY_NUMBERS: Final = msgspec.json.Decoder(list[_OneNumber])
_OBJECTS: Final = msgspec.json.Decoder(list[dict[str, object]])

Rows = list[dict[str, object]]
"""People in the service's own shape, as a program gives them to a plan."""


def family_of(campaign: StoredCampaign, every: Sequence[StoredCampaign]) -> list[StoredCampaign]:
    """The other campaigns of the same family that were launched: what it is a retry of, and their retries."""
    of = {each.plan.campaign_id: each.plan.retry.of for each in every if each.plan.retry is not None}

    def root(campaign_id: str) -> str:
        seen = {campaign_id}
        while (before := of.get(campaign_id)) is not None and before not in seen:
            campaign_id = before
            seen.add(before)
        return campaign_id

    own = campaign.plan.campaign_id
    return [
        each
        for each in every
        if each.plan.campaign_id != own and root(each.plan.campaign_id) == root(own) and _was_launched(each)
    ]


class RetrySource:
    """Who of *campaign* would be sent to again at the time *at*, as rows for a plan.

    Iterating raises InvalidInput if the campaign was never launched.
    """

    def __init__(self, campaign: StoredCampaign, journal: Journal, *, at: float, again: bool) -> None:
        self._campaign = campaign
        self._journal = journal
        self._at = at
        self._again = again
        self._tally = RetryTally()

    async def account(self) -> RetryAccount:
        """Count everybody who failed by what follows for them. Nothing is made."""
        self._tally = RetryTally()
        async for _ in self.rows():
            pass
        plan = self._campaign.plan
        told = sum(group.people for group in self._tally.groups())
        failed = sum(min(each.failed, each.accepted) for each in self._campaign.chunks)
        return RetryAccount(
            of=plan.campaign_id,
            name=plan.name,
            at=self._at,
            groups=self._tally.groups(),
            unnamed=max(0, failed - told),
            again=self._again,
        )

    async def people(self) -> KeySet:
        """The identity keys of everybody who failed."""
        keys = await no_keys()
        async for each in self._failed():
            keys.update(each.keys)
        return keys

    async def rows(self) -> AsyncIterator[dict[str, object]]:
        """Those who are sent to again, as they were sent to before, in the order of the chunks."""
        if not _was_launched(self._campaign):
            raise InvalidInput(
                f"campaign {self._campaign.plan.campaign_id} was not launched: nobody failed yet",
                field="campaign",
            )
        others = family_of(self._campaign, await self._journal.campaigns())
        keys = await self.people() if others else await no_keys()
        elsewhere = [await _Relative.read(other, self._journal, keys) for other in others]
        async for each in self._failed():
            sendings = await _sendings(each.keys, elsewhere)
            for person, own, found in zip(each.rows, each.states, sendings, strict=True):
                every = [*sendings_of(each.chunk, own), *found]
                choice = choose(every, at=self._at, again=self._again)
                self._tally.add(choice, every)
                if choice is RetryChoice.NOW:
                    yield person

    async def _failed(self) -> "AsyncIterator[_Failed]":
        """Those of each accepted chunk of whom webhooks told that it failed."""
        campaign, journal = self._campaign, self._journal
        fates = FatesByPlace(journal, campaign.plan.campaign_id)
        for chunk in campaign.chunks:
            if chunk.state is not ChunkState.ACCEPTED or not chunk.recipients:
                continue
            items = await journal.items(campaign.plan.campaign_id, chunk.number)
            states = await fates.states(planned_places(campaign, chunk, items))
            await anyio.lowlevel.checkpoint()  # a chunk takes some milliseconds
            bad = [place for place, state in enumerate(states) if state.fate is Fate.FAILED]
            if not bad:
                continue
            rows = _OBJECTS.decode(without_marks(items))
            chosen = [rows[place] for place in bad]
            yield _Failed(
                chunk=chunk,
                keys=identities([str(row["to"]) for row in chosen]),
                rows=chosen,
                states=[states[place] for place in bad],
            )


class _Failed(msgspec.Struct, frozen=True, kw_only=True):
    chunk: Chunk
    keys: list[int]
    rows: Rows
    states: list[PersonState]


def refuse_without_people(campaign: StoredCampaign, every: Sequence[StoredCampaign]) -> None:
    """Let no retry be planned of people who are gone.

    Raises:
        CampaignNotFound: those of *campaign*, or of another campaign of its family, were purged.
    """
    for each in (campaign, *family_of(campaign, every)):
        if each.purged_at is not None:
            raise CampaignNotFound(
                f"the people of campaign {each.plan.campaign_id} were purged, so nobody can say to whom to"
                " send again: who failed is gone with them, and its counts are all that is left",
                campaign_id=each.plan.campaign_id,
            )


def refuse_retry(campaign: StoredCampaign, every: Sequence[StoredCampaign], *, now: float) -> None:
    """Let no retry begin too early, nor one of which nobody can say any more who has the message.

    *every* are the campaigns of the journal, *now* is Unix time.

    Raises:
        CampaignBusy: it is not to be sent yet; another retry of the same family runs; or people of the family
            were purged.
    """
    plan = campaign.plan
    if plan.retry is None or not _unsent(campaign):
        return
    if plan.not_before is not None and now < plan.not_before:
        when = datetime.fromtimestamp(plan.not_before, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
        raise CampaignBusy(
            f"campaign {plan.campaign_id} is not to be sent before {when}: launch it then",
            campaign_id=plan.campaign_id,
        )
    for other in family_of(campaign, every):
        _refuse_beside(plan.campaign_id, other)


class RetryCheck:
    """Looks once more, before a chunk of a retry is submitted, who of it still is to be sent to."""

    def __init__(
        self, account: RetryAccount, elsewhere: "Sequence[_Relative]", now: Callable[[], float]
    ) -> None:
        self._account = account
        self._elsewhere = elsewhere
        self._now = now

    @classmethod
    async def of(
        cls, campaign: StoredCampaign, journal: Journal, *, now: Callable[[], float]
    ) -> "RetryCheck | None":
        """The check of a campaign that begins now, inside its lease; None if it is no retry.

        Raises what `refuse_retry` raises. Two retries that begin at the same instant have their leases by now
        and look for the other's, so at least one of them is refused before anything has left.
        """
        plan, mine = campaign.plan, _unsent(campaign)
        if plan.retry is None or not mine:
            return None
        every = await journal.campaigns()
        refuse_retry(campaign, every, now=now())
        keys = await no_keys()
        for chunk in mine:
            keys.update(_keys_in(await journal.items(plan.campaign_id, chunk.number)))
        relatives = family_of(campaign, every)
        return cls(plan.retry, [await _Relative.read(other, journal, keys) for other in relatives], now)

    async def look(self, items: bytes) -> NotAgain | None:
        """Whom to leave out of a chunk with these people; None if nobody."""
        sendings = await _sendings(_keys_in(items), self._elsewhere)
        choices = [choose(found, at=self._now(), again=self._account.again) for found in sendings]
        out = tuple(place for place, choice in enumerate(choices) if choice is not RetryChoice.NOW)
        if not out:
            return None
        counted = {choice: sum(choices[place] is choice for place in out) for choice in RetryChoice}
        words = ", ".join(
            f"{people} {_LEFT_OUT_WORDS[choice]}" for choice, people in counted.items() if people
        )
        return NotAgain(out, f"{LEFT_OUT_OF_RETRY}: {words}")


_LEFT_OUT_WORDS: Final[Mapping[RetryChoice, str]] = {
    RetryChoice.NOT_YET: "not due yet",
    RetryChoice.NEVER: "not to be sent to again",
    RetryChoice.FIX: "not before something is fixed",
    RetryChoice.RETRIED: "retried already",
    RetryChoice.DELIVERED: "delivered",
    RetryChoice.PENDING: "perhaps on their way",
}


def _refuse_beside(campaign_id: str, other: StoredCampaign) -> None:
    """Raises CampaignBusy if nothing can be compared with *other*, or it may change while we look."""
    if other.purged_at is not None:
        raise CampaignBusy(
            f"the people of campaign {other.plan.campaign_id} were purged, so who of them has the message by"
            f" now is not known: campaign {campaign_id}, a retry, cannot begin any more",
            campaign_id=campaign_id,
        )
    if other.plan.retry is not None and other.holder is not None:
        raise CampaignBusy(
            f"another retry to the same people runs, campaign {other.plan.campaign_id}: wait for its end",
            campaign_id=campaign_id,
        )


class _Relative:
    """Another campaign of the family, and where in it the people with some keys are."""

    def __init__(
        self,
        campaign: StoredCampaign,
        journal: Journal,
        found: Mapping[int, tuple[int, Place | None]],
    ) -> None:
        self._campaign_id = campaign.plan.campaign_id
        self._journal = journal
        self._chunks = {chunk.number: chunk for chunk in campaign.chunks}
        self._fates = FatesByPlace(journal, self._campaign_id)
        self._found = found

    @classmethod
    async def read(cls, campaign: StoredCampaign, journal: Journal, keys: KeySet) -> "_Relative":
        found: dict[int, tuple[int, Place | None]] = {}
        for chunk in campaign.chunks:
            if chunk.recipients and (chunk.state in _STILL_COUNT or chunk.times_left):
                items = await journal.items(campaign.plan.campaign_id, chunk.number)
                await anyio.lowlevel.checkpoint()
                _note(found, chunk, _keys_in(items), planned_places(campaign, chunk, items), keys)
        return cls(campaign, journal, found)

    async def sendings(self, keys: Sequence[int]) -> list[tuple[Sending, ...]]:
        """The sendings of each that this campaign made or is to make, as they are now."""
        found = [self._found.get(key) for key in keys]
        await self._hear(found)
        states = await self._fates.states([None if each is None else each[1] for each in found])
        chunks = [None if each is None else self._chunks[each[0]] for each in found]
        return [
            sendings_of(chunk, state) if chunk is not None and _still_counts(chunk) else ()
            for chunk, state in zip(chunks, states, strict=True)
        ]

    async def _hear(self, found: Sequence[tuple[int, Place | None] | None]) -> None:
        """See what was told since of chunks that left more than once, or were refused: they were accepted."""
        chunks = [self._chunks[each[0]] for each in found if each is not None]
        if any(each.left_perhaps_twice or each.state is ChunkState.REFUSED for each in chunks):
            for now in await self._journal.chunks(self._campaign_id):
                before = self._chunks.get(now.number)
                if before is not None and before.step == now.step:
                    self._chunks[now.number] = now


def _still_counts(chunk: Chunk) -> bool:
    """Whether its people were, or are to be, sent to: also by a request before one that was refused."""
    told_of = chunk.noticed_at is not None or chunk.twice_at is not None
    return chunk.state in _STILL_COUNT or (chunk.state is ChunkState.REFUSED and told_of)


def _note(
    found: dict[int, tuple[int, Place | None]],
    chunk: Chunk,
    people: Sequence[int],
    places: Sequence[Place | None],
    keys: KeySet,
) -> None:
    held = set(keys.held(people))
    for key, place in zip(people, places, strict=True):
        if key in held:
            found[key] = (chunk.number, place)


async def _sendings(keys: Sequence[int], elsewhere: Sequence[_Relative]) -> list[list[Sending]]:
    """For each of *keys* what all campaigns *elsewhere* have sent, or are to send."""
    every: list[list[Sending]] = [[] for _ in keys]
    for relative in elsewhere:
        for place, sendings in enumerate(await relative.sendings(keys)):
            every[place].extend(sendings)
    return every


def _keys_in(items: bytes) -> list[int]:
    return identities([person.to for person in _ONLY_NUMBERS.decode(items)])


def _unsent(campaign: StoredCampaign) -> list[Chunk]:
    return [each for each in campaign.chunks if each.state is ChunkState.PLANNED and each.recipients]


def _was_launched(campaign: StoredCampaign) -> bool:
    return campaign.holder is not None or any(chunk.attempts for chunk in campaign.chunks)
