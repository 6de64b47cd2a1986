"""What a campaign needs of a journal: that it remembers."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from keebai_async.journal.outbox import OutboxTables
from keebai_async.model.campaign import CampaignState, RunFacts, StoredCampaign, Wish
from keebai_async.model.chunk import Chunk
from keebai_async.model.decided import Decided
from keebai_async.model.events import AnyEvent, EventPage
from keebai_async.model.fates import ChunkFates, PersonNews, UnmarkedMatch
from keebai_async.model.lifecycle import Accept, HandOn, Move, Refuse, Submit, TakeBack
from keebai_async.model.opt_outs import ConsentWord, OptOut
from keebai_async.model.plan import Pace, Plan
from keebai_async.model.purged_people import PurgedPeople
from keebai_async.model.recipient import Rejection
from keebai_async.model.requests import Requests
from keebai_async.model.stop import Cause
from keebai_async.model.want import Want


class Journal(Protocol):
    """What must survive. Each method returns when what it was given is as safe as this journal makes it.

    Cancelled while it writes, a method finishes its write first. Cancelled by a scope it then returns,
    and the cancellation comes at the caller's next await; cancelled by `Task.cancel` it then raises.

    Raises JournalUnusable if it cannot be made safe, CampaignNotFound for an id or a chunk it does not
    hold, CampaignBusy for a change of a campaign that another process has the lease of, and Misused for
    a plan that is frozen twice, changed after it was frozen, or does not add up.
    """

    @property
    def lease_lasts(self) -> float:
        """Seconds of silence after which a lease that this journal gives may be another's."""
        ...

    async def add_chunk(self, campaign_id: str, number: int, recipients: int, items: bytes) -> None:
        """Keep a chunk of a plan in the making; *items* is the JSON array of its recipients.

        It may still be under way when this returns: what goes wrong with it is raised by the next call
        for this plan, `freeze` at the latest.
        """

    async def add_rejections(self, campaign_id: str, rejections: Sequence[Rejection]) -> None:
        """Keep rows of a plan in the making that will not be sent."""

    async def freeze(self, *plans: Plan) -> None:
        """End the making of plans, of all or of none: from now on the campaigns exist, in state PLANNED."""

    async def discard(self, campaign_id: str) -> None:
        """Forget a plan that was never frozen."""

    async def load(self, campaign_id: str) -> StoredCampaign: ...

    async def chunks(self, campaign_id: str) -> tuple[Chunk, ...]:
        """The chunks of a campaign as they are now, by number: a cheaper look than `load`."""
        ...

    async def campaigns(self) -> list[StoredCampaign]:
        """All frozen campaigns, newest first."""
        ...

    async def items(self, campaign_id: str, number: int) -> bytes:
        """The JSON array of the recipients that a chunk answers for."""
        ...

    async def items_of(self, campaign_id: str, numbers: Sequence[int]) -> list[bytes]:
        """The same of several chunks, in one look, in the order of *numbers*."""
        ...

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        """Put a move of a chunk's life on disk, and give the chunk as it is after it.

        Raises ForbiddenMove if its life does not allow it, or if it would lose people (a Refuse that
        keeps fewer than its chunk holds, a HandOn: those are for `recut`); then nothing has changed.
        """
        ...

    async def submit_within(self, campaign_id: str, submit: Submit, within: Pace) -> Chunk | None:
        """`record` of *submit*, if the chunk has room in a pace of all campaigns of this journal together.

        None if it has none: then nothing has changed. What counts is what `left_since` gives, as it is in the
        instant of the write, so of two processes that ask for the last room one gets it.

        Raises as `record` does.
        """
        ...

    async def left_since(self, since: float) -> list[tuple[float, int]]:
        """When chunks of any campaign left after that Unix time, with how many people; the earliest first.

        They are those which may have reached somebody; one that was taken back or refused is not among them.
        """
        ...

    async def testify(self, campaign_id: str, submit: Submit, answer: Accept | TakeBack) -> Chunk | None:
        """Keep what was answered to *submit* although its lease has passed on; none is asked for.

        An answer proves something of its own attempt and of no other: it is kept while *submit* is the last
        one of its chunk, and nobody has settled what became of that. That an attempt before the last one was
        accepted, of which somebody said that it did not arrive, is kept as a delivery notice would be. Gives
        the chunk after it; None if it made no move.
        """
        ...

    async def recut(
        self,
        campaign_id: str,
        moves: Sequence[Refuse | HandOn],
        *,
        keep: bytes,
        children: Sequence[tuple[int, bytes]],
    ) -> tuple[Chunk, ...]:
        """Cut people into other chunks, all in one piece or not at all.

        The first of *moves* refuses a chunk, which keeps the people of *keep* (a JSON array), or hands on
        a chunk that was not submitted yet, as the others do. *children* are the new chunks, as
        (recipients, items), numbered from the highest number on; their parent is the first one. Gives
        the moved chunks and then the children, as they are now.

        Raises ForbiddenMove if a move is not allowed; ValueError if the people before and after differ
        in number.
        """
        ...

    async def progress(self, campaign_id: str, number: int, *, sent: int, failed: int, final: bool) -> Chunk:
        """Keep the counters of a chunk's broadcast, and give the chunk as it is after it.

        Anybody may tell of them, in any order, as often as they like: no lease is asked for, neither
        counter ever goes back, and final stays final.
        """
        ...

    async def set_state(
        self,
        campaign_id: str,
        state: CampaignState,
        *,
        reason: str | None = None,
        stopped_by: Cause | None = None,
        requests: Requests | None = None,
        seconds: float | None = None,
        facts: RunFacts | None = None,
        notes: Sequence[AnyEvent] = (),
    ) -> int:
        """Keep where the campaign stands, and with it what was spent so far, in all runs together.

        What people decided stays, whatever *facts* say of it: see `decide`.

        One that is finished is not wanted any more, no matter who finished it. *notes* are told before it, as
        with `keep_facts`. Gives the id of the event that tells the state.
        """
        ...

    async def keep_facts(
        self,
        campaign_id: str,
        facts: RunFacts,
        *,
        requests: Requests,
        seconds: float,
        notes: Sequence[AnyEvent] = (),
    ) -> None:
        """Keep what is known of a run that goes on. It is for people to look at: nothing depends on it.

        *notes* are events that change nothing here, such as Waiting; each is told as of its own time.
        """

    async def decide(self, campaign_id: str, *decided: Decided) -> None:
        """Keep what people decided about a campaign, behind what was decided before.

        Anybody may, at any time: no lease is asked for. It stays when the people are purged.
        """

    async def events(self, campaign_id: str, *, after: int | str = 0, limit: int = 200) -> EventPage:
        """What was told of a campaign after the event with the id *after*, about *limit* events at most.

        Each change of a chunk or a campaign tells its events in the same piece as itself, with ids that grow
        by one. Who has seen an id has been able to see all that are lower: none comes late. Of what is told
        again and again (see `topic_of`) only the newest is kept, so its older ids are gone.

        Of a list over several senders it is what was told of all its parts, in one look, each in the order of
        its ids and all in that of their times; *after* is a place there, such as `12.0.7` (see `EventPlace`).

        Raises CampaignNotFound, and InvalidInput if *after* is no place there.
        """
        ...

    def rejections(self, campaign_id: str) -> AsyncIterator[Rejection]:
        """The rows that were not sent, in the order they were read."""
        ...

    def lease(self, campaign_id: str) -> AbstractAsyncContextManager[None]:
        """Be the only one who changes this campaign, inside `async with`.

        The journal keeps the lease alive by itself. One that was lost all the same (the machine slept,
        another took over) shows as CampaignBusy at the next write, before anything is submitted. The
        lease of a dead process is taken over. Wishes asked of an earlier run are forgotten.

        Raises CampaignBusy, naming who, if it is held already.
        """
        ...

    async def recover(self, campaign_id: str) -> tuple[Chunk, ...]:
        """Move the chunks that were SUBMITTING when their process died to UNKNOWN, and give them.

        Raises Misused outside the lease: the chunks may be somebody's who is alive.
        """
        ...

    async def moves(self, campaign_id: str) -> tuple[Move, ...]:
        """Every move of every chunk, in the order they were recorded."""
        ...

    async def find(self, name: str, fingerprint: str) -> list[StoredCampaign]:
        """The frozen campaigns of this name that would send exactly the same, newest first."""
        ...

    async def ask(self, campaign_id: str, wish: Wish | None) -> bool:
        """Leave a wish with the process that runs a campaign; False if none does. The last one counts.

        Of a campaign that is wanted it holds on when that process dies, and where none runs it yet.

        None takes back a wish that was left; False if there is none any more: its process has heard it.
        """
        ...

    async def want(self, *wanted: Want) -> None:
        """Have campaigns run by a supervisor of this journal; what was wanted of them before is forgotten.

        All of them are wanted from the same instant on, or none: they may be the parts of one list.

        A time that has passed is now, on the clock of `wanted`.
        """

    async def unwant(self, campaign_id: str, *, seen: Want | None = None) -> bool:
        """Have no supervisor take a campaign up (again); False if none was to.

        With *seen* nothing changes if it was wanted once more since it was seen like that.
        """
        ...

    async def wanted(self, *, by: float | None = None) -> list[Want]:
        """The campaigns that are to run by a Unix time, or by now, the earliest first, and who runs them.

        What time it is now says the clock that all who share the journal have in common.
        """
        ...

    async def want_of(self, campaign_id: str) -> Want | None:
        """What is wanted of one campaign, and who runs it; None if it is not wanted."""
        ...

    async def put_off(self, campaign_id: str, *, seconds: float, tries: int) -> None:
        """Have a campaign that is wanted run after so many seconds, if not later, after *tries* in vain."""

    async def asked(self, campaign_id: str) -> Wish | None:
        """The wish left since the last call, if any. For the one who has the lease."""

    async def tell(self, news: Sequence[PersonNews]) -> int:
        """Keep what webhooks told of people; gives how many of *news* told something that was not known.

        Anybody may tell, in any order, as often as they like: no lease is asked for, and what is kept in the
        end is the same. News of a campaign, a chunk or a place that is not here is passed over.

        What it proves of a chunk is written beside it. If the chunk is unknown and nobody runs the campaign,
        it is accepted when this returns; otherwise who runs it sees that with `chunks`, and calls `prove`.
        """
        ...

    async def prove(self, campaign_id: str) -> tuple[Chunk, ...]:
        """Make the moves that what was told proves; gives the chunks that were moved, as they are now."""
        ...

    async def match(self, campaign_id: str, number: int, people: Mapping[int, float]) -> int:
        """Keep that webhooks told, without a mark, of *people* of a chunk: place in it -> Unix time.

        It is for a person to look at, and nothing depends on it. Gives how many were not known. Anybody may
        tell, in any order, as often as they like.
        """
        ...

    async def matches(self, campaign_id: str) -> dict[int, UnmarkedMatch]:
        """What `match` kept, by the number of the chunk."""
        ...

    def fates(self, campaign_id: str) -> AsyncIterator[tuple[int, ChunkFates]]:
        """What is known of the people of each chunk of which anything was told, by the chunk's number.

        Chunks and places are those of the plan, and so of the marks: people who were cut into other chunks
        later stay where they were. It names nobody and survives a purge.
        """
        ...

    @property
    def outbox(self) -> OutboxTables:
        """Single messages that are sent once."""
        ...

    async def say(self, words: Sequence[ConsentWord]) -> int:
        """Keep what was said of people who want no more, or again; gives how many *words* said something new.

        For all campaigns and for good: no purge touches it. Anybody may say it, in any order, as often as
        they like: no lease is asked for. Many words are kept a part at a time; said again, they are whole.
        """
        ...

    async def opted_out(self, keys: Sequence[int]) -> tuple[OptOut, ...]:
        """Those of these identity keys who want no more."""
        ...

    async def opt_out_changes(self) -> tuple[int, ...]:
        """How often each page of opt-outs changed, from page 1 on."""
        ...

    async def opt_out_pages(self, numbers: Sequence[int]) -> dict[int, bytes]:
        """These pages of opt-outs, packed as `OptOutPage` and `keys_out` read them."""
        ...

    async def chunk_fates(self, campaign_id: str, number: int) -> ChunkFates | None:
        """The same of one chunk of the plan, as it is now; None if nothing was told of it."""
        ...

    async def purge(self, *campaign_ids: str, unfinished: bool = False, hashes: bool = True) -> None:
        """Remove the people of campaigns for good, of all or of none, and keep the counts.

        With *hashes* those to whom something may have been sent stay known to `purged_people`.

        Raises CampaignBusy if one runs, or if someone in it is unsent or unknown and *unfinished* is not set.
        """

    async def remove(self, *campaign_ids: str) -> None:
        """Remove plans that were never launched, all or none, as if they had not been made.

        Raises CampaignBusy if one was launched, or runs.
        """

    async def purge_finished(self, *, hashes: bool = True) -> list[str]:
        """Purge every campaign in which everyone is settled; gives the ids of those purged now."""
        ...

    async def purged_people(self, since: float) -> PurgedPeople:
        """Those to whom purged campaigns may have sent something after a Unix time, as keyed hashes.

        They are kept by the hour, and for `HASHES_LAST`.
        """
        ...

    async def forget_hashes(self) -> None:
        """Remove all hashes that purges left, and the secret that they are keyed with."""
        ...

    async def aclose(self) -> None:
        """Let go of leases and files. More than once is once."""
