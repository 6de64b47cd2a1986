"""The parts of a list over several senders in the making: what of it is whose, and a plan for each."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import anyio.to_thread
import msgspec
from msgspec.structs import replace

from keebai_async.model.cost import CountryCount
from keebai_async.model.identity import identities
from keebai_async.model.part import Part, part_id, part_name
from keebai_async.model.plan import Plan
from keebai_async.model.retry import RetryAccount
from keebai_async.model.sender import Sender
from keebai_async.model.whole import dealt_guards, dealt_pace, dealt_people
from keebai_async.planning.chunking import Chunker
from keebai_async.planning.codec import WireRow, numbers_of, rows_at
from keebai_async.planning.dealing import Dealer
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.number_forms import NumberForms, country_name
from keebai_async.planning.options import PlanOptions

FilledChunk = tuple[str, int, int, bytes]
"""The campaign whose chunk it is, its number, its recipients, their JSON array."""


class DealtSender(msgspec.Struct, frozen=True, kw_only=True):
    """One of the senders of a list: its *number* as the service lists it, and by whose token it sends."""

    sender: Sender
    number: str = ""
    account: str = ""
    salt: str = ""
    retry: RetryAccount | None = None


class Shares:
    """Deals the people of a list to the parts of the campaign *whole*, one for each of *shares*.

    *written* are those who belong to each of them already. *chunker* makes one from a part's id, its sender
    and its options.

    Raises:
        InvalidInput: the pace of *options* is not enough for all senders.
    """

    def __init__(
        self,
        whole: str,
        shares: Sequence[DealtSender],
        options: PlanOptions,
        chunker: Callable[[str, Sender, PlanOptions], Chunker],
        *,
        written: Sequence[KeySet] = (),
    ) -> None:
        self._shares = shares
        self._written = written
        self._options = [_dealt(options, number, len(shares)) for number in range(1, len(shares) + 1)]
        self.ids = [part_id(whole, number) for number in range(1, len(shares) + 1)]
        self._chunkers = [
            chunker(campaign_id, share.sender, own)
            for campaign_id, share, own in zip(self.ids, shares, self._options, strict=True)
        ]
        self._people: list[Counter[str]] = [Counter() for _ in shares]

    async def prepare(self) -> None:
        senders = [f"{share.sender.wire[0]} {share.sender.id}" for share in self._shares]
        self._dealer = await anyio.to_thread.run_sync(Dealer, senders, self._written)

    def add(
        self, rows: Sequence[WireRow], forms: NumberForms, region: str | None = None
    ) -> Iterator[FilledChunk]:
        """Take people, all of one *region* if that is given; give the chunks that they fill."""
        if not rows:
            return
        keys = identities(numbers_of(rows))
        for place, people in enumerate(self._dealer.deal(keys)):
            if people:
                if region is None:
                    self._people[place].update(forms.regions([keys[each] for each in people]))
                else:
                    self._people[place][region] += len(people)
                for chunk in self._chunkers[place].add(rows_at(rows, people)):
                    yield self.ids[place], *chunk

    @property
    def countries(self) -> Iterator[str]:
        """Those of the chunks, if they are cut by country."""
        return (country for chunker in self._chunkers for country in chunker.countries)

    def rest(self) -> Iterator[FilledChunk]:
        """The last chunk of each."""
        for campaign_id, chunker in zip(self.ids, self._chunkers, strict=True):
            for chunk in chunker.rest():
                yield campaign_id, *chunk

    def plans(self, whole: Plan) -> tuple[Plan, ...]:
        """The plan of each part. The first one has the rows of the list that are not sent."""
        return tuple(map(self._plan, [whole] * len(self._shares), range(len(self._shares))))

    def _plan(self, whole: Plan, place: int) -> Plan:
        share, chunker, options = self._shares[place], self._chunkers[place], self._options[place]
        number, of, ready = place + 1, len(self._shares), sum(chunker.sizes)
        part = Part(
            number=number,
            of=of,
            name=whole.name,
            first_row=whole.first_row,
            last_row=whole.last_row,
            account=share.account,
            salt=share.salt,
        )
        plan = replace(
            whole,
            campaign_id=self.ids[place],
            name=part_name(whole.name, number, of),
            sender=share.sender,
            sender_number=share.number,
            ready=ready,
            read=ready + whole.read - whole.ready,
            chunks=chunker.sizes,
            chunk_countries=chunker.countries,
            fingerprint=chunker.fingerprint,
            guards=options.guards,
            pace=options.pace,
            per_hour=options.per_hour,
            per_day=options.per_day,
            countries=tuple(
                CountryCount(region=region, name=country_name(region), people=people)
                for region, people in sorted(
                    self._people[place].items(), key=lambda each: (-each[1], each[0])
                )
            ),
            first_row=0,  # its people are not those of neighbouring rows, so nobody can count from there
            last_row=0,
            gaps=(),
            retry=share.retry,
            part=part,
        )
        return plan if number == 1 else _without_what_is_not_sent(plan)


def _without_what_is_not_sent(plan: Plan) -> Plan:
    return replace(
        plan,
        read=plan.ready,
        duplicates=0,
        rejected=0,
        suppressed=0,
        reasons=(),
        notes=(),
        suppress_lists=(),
        not_looked_at=0,
        opted_out=(),
        opt_outs_ignored=None if plan.opt_outs_ignored is None else 0,
    )


def _dealt(options: PlanOptions, number: int, of: int) -> PlanOptions:
    pace = None if options.pace is None else dealt_pace(options.pace, number, of)
    return replace(
        options,
        guards=dealt_guards(options.guards, number, of),
        pace=pace,
        per_hour=_people(options.per_hour, number, of, field="per_hour"),
        per_day=_people(options.per_day, number, of, field="per_day"),
    )


def _people(people: int | None, number: int, of: int, *, field: str) -> int | None:
    return None if people is None else dealt_people(people, number, of, field=field)
