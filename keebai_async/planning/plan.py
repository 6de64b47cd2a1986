"""From a source to a frozen Plan: read, check, dedupe, cut into chunks, each in the journal when full.

A list may have 10 million rows, so it is never in memory: a stream of small blocks. Whatever is not sent is
counted and goes to the journal too; what stays is one chunk and a few bytes a person.
"""

from collections.abc import AsyncIterator, Callable, Collection, Iterable, Iterator, Sequence
from contextlib import aclosing, suppress
from functools import cache

import anyio
import anyio.to_thread
import msgspec

from keebai_async.errors import KeebaiError, UnusableSource
from keebai_async.journal.contract import Journal
from keebai_async.model.decided import Decider
from keebai_async.model.identity import identities
from keebai_async.model.marks import tag_of
from keebai_async.model.plan import Plan, Preview, SuppressListCount, paces_of
from keebai_async.model.recipient import Reason
from keebai_async.model.retry import RetryAccount
from keebai_async.model.sender import Sender
from keebai_async.model.template import Template
from keebai_async.model.whole import whole_plan
from keebai_async.planning.admission import Admission
from keebai_async.planning.check_row import Tolerance
from keebai_async.planning.checked import Checked
from keebai_async.planning.chunking import Chunker
from keebai_async.planning.codec import RowCodec, WireRow
from keebai_async.planning.hours import check_hours, check_zone
from keebai_async.planning.key_set import KeySet
from keebai_async.planning.marketing import category_notes, check_test_numbers, closed_to
from keebai_async.planning.marking import Marker, MarkRemover
from keebai_async.planning.notes import message_of, notes, previews
from keebai_async.planning.number_forms import (
    calling_code,
    country_name,
    region_of_number,
)
from keebai_async.planning.opt_outs import count_opted_out, people_opted_out
from keebai_async.planning.options import PlanOptions as PlanOptions
from keebai_async.planning.pricing import Pricing, people_by_country
from keebai_async.planning.reached_people import people_reached_by
from keebai_async.planning.reader import Reader
from keebai_async.planning.rejections import Rejections
from keebai_async.planning.rows import check_columns
from keebai_async.planning.sent_lately import SentLately, people_sent_to
from keebai_async.planning.shares import DealtSender, FilledChunk, Shares
from keebai_async.planning.suppress import SuppressedPeople, suppressed_people
from keebai_async.planning.template import check_approved, named_by_text, wording
from keebai_async.planning.text_checks import lengths
from keebai_async.privacy import shown
from keebai_async.sources.block import Block, ObjectBlock, Source
from keebai_async.sources.loop_turns import TimedTurns, next_turn, turn

DISCARD_SECONDS = 10.0
"""Seconds that forgetting an unfinished plan may take."""

MOST_GAPS = 1_000
"""Runs of rows without anything in them that a plan remembers, so that people's rows can be told later."""


class PlanProgress(msgspec.Struct, frozen=True, kw_only=True):
    """How far the planning is, in rows."""

    read: int
    ready: int


DEFAULTS = PlanOptions()


async def make_plan(
    source: Source,
    *,
    campaign_id: str,
    name: str,
    template: Template,
    sender: Sender,
    sender_number: str = "",
    sender_notes: Sequence[str] = (),
    journal: Journal,
    created_at: float,
    service: str,
    largest_chunk: int,
    options: PlanOptions = DEFAULTS,
    count_rest: bool = False,
    retry: RetryAccount | None = None,
    not_before: float | None = None,
    planned_by: Decider | None = None,
    shares: Sequence[DealtSender] = (),
    written: Sequence[KeySet] = (),
    family: Collection[str] = (),
    progress: Callable[[PlanProgress], None] | None = None,
) -> Plan:
    """Read *source* to its end, put its chunks and rejections into *journal*, and freeze the plan.

    *service* is the name of the one it is made for, which takes up to *largest_chunk* people in a chunk.
    On any failure, or when cancelled, the journal is told to forget what it has of the plan.
    *count_rest* says that the source has an end, so that the rows after a limit can be counted. *retry*,
    *not_before* and *planned_by* are those of the plan. *progress* is called after every block.

    With *shares* the list is dealt to their senders, and each gets a plan of its own, of which *campaign_id*
    is the whole; *written* are those who belong to each of them already. All are frozen, or none is.

    *family* are the campaigns that a retry is of: that these were sent lately keeps nobody out.

    Raises:
        TemplateUnusable: the template is not approved, or a table has no column for one of its variables.
        UnusableSource: the source cannot be read, or nobody in it is left.
        InvalidInput: a column is given for what the template does not have.
        PlanTooLarge: more people are ready than *options* allow.
        JournalUnusable: the journal cannot keep it.
        InvalidInput: a chunk or a canary of *options* is larger than the service takes, or its hours never
            come for somebody of the list.
    """
    check_approved(template)
    chunk_size = options.chunk_size_for(largest_chunk)
    await turn()
    making = _Making(source, named_by_text(template), sender, campaign_id, journal, options, chunk_size)
    making.name_sender(sender_number, sender_notes)
    if shares:
        making.deal(shares, written)
    try:
        await making.prepare()
        await next_turn()
        if (since := options.sent_since(created_at)) is not None and not options.test_to:
            making.leave_out(await people_sent_to(journal, since=since, besides=family))
        turns = TimedTurns()
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                await turns.go_on()
                checked = await making.reader.read(block)
                await turns.go_on()
                await making.take(checked)
                del block, checked  # or they were there until the next ones are
                if progress is not None:
                    progress(PlanProgress(read=making.read, ready=making.ready))
                if options.test_to and making.ready:
                    break
                if making.ready == options.limit:
                    if count_rest:
                        await making.count_rest(blocks)
                    break
        plan = await making.finish(name=name, created_at=created_at, service=service)
        later = _later(not_before, options.not_before)
        plan = msgspec.structs.replace(plan, retry=retry, not_before=later, planned_by=planned_by)
        parts = making.parts(plan)
        await making.free()
        await journal.freeze(*(parts or (plan,)))  # last: who is cancelled later would not know of the plan
    except BaseException:
        with anyio.move_on_after(DISCARD_SECONDS, shield=True):
            for each in making.ids:
                with suppress(KeebaiError):  # one that is frozen by now stays; the rest is swept by the next
                    await journal.discard(each)
        raise
    return whole_plan(parts) if parts else plan


class _Making:
    """A plan in the making."""

    def __init__(
        self,
        source: Source,
        template: Template,
        sender: Sender,
        campaign_id: str,
        journal: Journal,
        options: PlanOptions,
        chunk_size: int,
    ) -> None:
        codec = RowCodec(template)
        check_columns(source.columns, codec.names)
        tolerance = Tolerance(
            region=options.default_region,
            international=options.numbers == "international",
            countries=frozenset(options.countries),
            closed=closed_to(template),
            drop_extra=options.extra_variables == "drop",
            fix_whitespace=options.fix_whitespace,
        )
        check_test_numbers(template, options.test_to)
        self.reader = Reader(codec, source.columns, tolerance, description=source.description)
        self.read = 0
        self.ready = 0
        self._codec = codec
        self._source = source
        self._template = template
        self._sender = sender
        self._campaign_id = campaign_id
        self._journal = journal
        self._options = options
        self._admission = Admission(self.reader.numbers.forms)
        self._suppress: list[SuppressedPeople] = []
        self._pricing = Pricing(options, template.category)
        self._longest = 0
        self._longest_one: Preview | None = None
        self._preview: Preview | None = None
        self._last_ready: Sequence[WireRow] = ()
        self._notes: list[str] = []
        self._sender_number = ""
        self._first_row = self._last_row = 0
        self._gaps: list[tuple[int, int]] = []
        self._not_looked_at = 0
        self._chunk_size = chunk_size
        self._chunker = self._make_chunker(campaign_id, sender, options)
        self._shares: Shares | None = None

    def _make_chunker(self, campaign_id: str, sender: Sender, options: PlanOptions) -> Chunker:
        codec, template = self._codec, self._template
        seed = msgspec.json.encode([template.name, template.language, sender.wire])
        marker = Marker(codec, tag_of(campaign_id)) if options.marks else MarkRemover(codec)
        by_country = options.hours is not None and options.hours.by_country
        paces = paces_of(options.pace, options.per_hour, options.per_day)
        return Chunker(
            min([self._chunk_size, *(each.people for each in paces)]),
            codec.encode,
            seed=seed,
            first=options.guards.canary,
            marker=marker,
            country_of=region_of_number if by_country else None,
        )

    def deal(self, shares: Sequence[DealtSender], written: Sequence[KeySet]) -> None:
        """Make a plan for each of *shares* in the place of one."""
        self._shares = Shares(self._campaign_id, shares, self._options, self._make_chunker, written=written)

    @property
    def ids(self) -> Sequence[str]:
        """Of all plans that are made."""
        return (self._campaign_id,) if self._shares is None else self._shares.ids

    def parts(self, whole: Plan) -> tuple[Plan, ...]:
        """The plans of all parts; none if there are none."""
        return () if self._shares is None else self._shares.plans(whole)

    def name_sender(self, number: str, notes: Iterable[str]) -> None:
        """What the service says of the sender, for the plan."""
        self._sender_number = number
        self._notes.extend(notes)

    async def prepare(self) -> None:
        """Read who is not to be messaged, and make what all plans of a process share."""
        if not make_shared.cache_info().currsize:  # a thread would cost more than to plan ten people
            await anyio.to_thread.run_sync(make_shared)
        if self._shares is not None:
            await self._shares.prepare()
        options = self._options
        if options.hours is not None:
            await anyio.to_thread.run_sync(check_zone, options.hours)
        await self._pricing.prepare()
        self._suppress = await suppressed_people(options.suppress, self.reader.numbers.reader)
        for campaign_id in options.rest_of:
            self._suppress.append(await people_reached_by(campaign_id, self._journal))
        self._admission.suppressed = [people.keys for people in self._suppress if people.keys]
        self._admission.in_lists = [0] * len(self._admission.suppressed)
        self._admission.opted_out = await people_opted_out(self._journal) or None
        self._admission.ignoring = options.ignore_opt_outs

    def leave_out(self, lately: SentLately) -> None:
        """Let nobody in to whom something was sent lately."""
        if lately.not_known:
            self._notes.append(
                f"purged campaigns left no hash of some people ({lately.not_known:,}):"
                " whether they are in the list is not known"
            )
        if lately:
            self._admission.lately = lately
            self._admission.suppressed.append(lately)
            self._admission.in_lists.append(0)

    async def take(self, checked: Checked) -> None:
        """Dedupe a checked block, and hand on the chunks and rejections that are complete with it."""
        if self._options.limit is not None:
            whole = checked.read
            checked = self._admission.up_to(checked, self._options.limit - self.ready)
            self._not_looked_at += whole - checked.read
        self.reader.consent.settle(checked.read)
        self._count_rows(checked)
        if self._options.test_to:
            checked = self._test(checked)
        self.read += checked.read
        rows = await self._admission.admit(checked)
        self.ready += len(rows)
        if (most := self._options.most) is not None and self.ready > most:
            raise self._options.too_many()
        if self._pricing.limited and rows:
            self._pricing.check(self._admission.forms)
        if rows:
            self._last_ready = rows[-1:]  # the texts of the others go
            if self._preview is None:
                self._preview = message_of(self._codec, rows[0], "the first")
            if checked.longest > self._longest:
                self._look_for_longest(rows)
        await self._keep(self._chunks_with(rows, checked.region))
        if self._admission.rejections.due(self.ready):
            await self._hand_on()

    async def free(self) -> None:
        """Let go of everybody's keys, a turn at a time."""
        for _ in self._admission.people.free():
            await next_turn()

    async def count_rest(self, blocks: AsyncIterator[Block]) -> None:
        """Count the rows that come after the limit."""
        with suppress(UnusableSource):  # what nobody looks at need not be readable
            async for block in blocks:
                self._not_looked_at += block.row_count
                await next_turn()

    async def finish(self, *, name: str, created_at: float, service: str) -> Plan:
        """The plan, when the list is read to its end. Raises UnusableSource if nobody is ready."""
        await turn()
        await self._keep(self._last_chunks())
        await self._hand_on()
        out = self._admission.rejections
        if not self.ready:
            raise self._nobody()
        if (hours := self._options.hours) is not None:
            cut = self._chunker if self._shares is None else self._shares
            await anyio.to_thread.run_sync(check_hours, hours, tuple(cut.countries), created_at)
        in_lists = iter(self._admission.in_lists)
        lists = tuple(people.counted(next(in_lists) if people.keys else 0) for people in self._suppress)
        duplicates = out.count(Reason.DUPLICATE)
        suppressed = out.count(Reason.SUPPRESSED, Reason.SENT_LATELY)
        ignored = None
        if self._options.ignore_opt_outs:
            out_of_ledger, barred = self._admission.out, self._admission.barred
            both = 0 if barred is None else sum(1 for _ in barred.held(out_of_ledger))
            ignored = len(out_of_ledger) - both
        countries = people_by_country(self._admission.forms)
        return Plan(
            campaign_id=self._campaign_id,
            name=name,
            template=self._template.name,
            language=self._template.language,
            category=self._template.category,
            sender=self._sender,
            created_at=created_at,
            read=self.read,
            ready=self.ready,
            duplicates=duplicates,
            rejected=out.count() - duplicates - suppressed,
            suppressed=suppressed,
            chunks=self._chunker.sizes,
            reasons=out.summary(),
            ignored_columns=tuple(map(shown, self.reader.ignored)),
            notes=(*self._notes, *self._sheet_note(), *self._source.notes, *self._all_notes(lists)),
            preview=None if self._preview is None else self._preview.text,
            preview_to="" if self._preview is None else self._preview.to,
            countries=countries,
            rates=self._pricing.rates(countries),
            suppress_lists=lists,
            previews=tuple(self._previews()),
            sheet=self._source.sheet,
            first_row=self._first_row,
            last_row=self._last_row,
            fingerprint=self._chunker.fingerprint,
            source=self._source.description,
            guards=self._options.guards,
            pace=self._options.pace,
            hours=self._options.hours,
            per_hour=self._options.per_hour,
            per_day=self._options.per_day,
            daily_limit=self._options.daily_limit,
            not_within=self._options.not_within_seconds,
            chunk_countries=self._chunker.countries,
            price=self._options.price,
            test=bool(self._options.test_to),
            limit=self._options.limit,
            not_looked_at=self._not_looked_at,
            gaps=tuple(self._gaps) if len(self._gaps) <= MOST_GAPS else (),
            sender_number=self._sender_number,
            service=service,
            wording=wording(self._template),
            opted_out=await count_opted_out(self._admission.out, self._journal),
            opt_outs_ignored=ignored,
        )

    def _all_notes(self, lists: Iterable[SuppressListCount]) -> Iterator[str]:
        region = country_name(self._options.default_region or "")
        yield from category_notes(self._template, self._admission.forms)
        yield from self.reader.consent.notes()
        yield from notes(self.reader.corrections, self._admission.people, lists, region)
        for people in self._suppress:
            yield from people.notes

    def _sheet_note(self) -> Iterator[str]:
        if sheet := self._source.sheet:
            rows = f"rows {self._first_row} to {self._last_row}"
            yield f"read is the sheet {sheet!r} of {self._source.description}, {rows}"

    def _count_rows(self, checked: Checked) -> None:
        if checked.read:
            numbers = checked.rows.numbers[: checked.read]
            self._look_for_gaps(numbers)
            self._first_row = self._first_row or numbers[0]
            self._last_row = numbers[-1]

    def _look_for_gaps(self, numbers: Sequence[int]) -> None:
        before = self._last_row or numbers[0] - 1
        if numbers[-1] - before == len(numbers):
            return
        for number in numbers:
            if number - before > 1 and len(self._gaps) <= MOST_GAPS:
                self._gaps.append((before + 1, number - before - 1))
            before = number

    def _look_for_longest(self, rows: Sequence[WireRow]) -> None:
        each = list(lengths(self._codec.columns(rows)))
        most = max(each, default=0)
        if most > self._longest:
            self._longest = most
            self._longest_one = message_of(self._codec, rows[each.index(most)], "the longest")

    def _previews(self) -> Iterator[Preview]:
        known = set() if self._preview is None else {self._preview.text}
        if self._longest_one is not None and self._longest_one.text not in known:
            known.add(self._longest_one.text)
            yield self._longest_one
        yield from previews(self.reader.corrections, self._codec)
        if self._last_ready:
            last = message_of(self._codec, self._last_ready[-1], "the last")
            if last.text not in known:
                yield last

    def _test(self, checked: Checked) -> Checked:
        """The numbers to test with, with everything else of the first row that is ready."""
        if not checked.ready:
            return checked
        self.read = 0
        self._admission.rejections = Rejections()
        numbers = self._options.test_to
        row, position = checked.ready[0], checked.where[0]
        self._notes.append(f"a test, with the variables of row {checked.rows.numbers[position]}")
        values, meta_data = self._codec.values(row), self._codec.meta_data([row])
        tests = [self._codec.row(number, values, *meta_data) for number in numbers]
        rows = self.reader.rows(ObjectBlock(first=1, items=[{"to": number} for number in numbers]))
        return Checked(rows, len(tests), tests, identities(numbers), range(len(tests)))

    def _chunks_with(self, rows: Sequence[WireRow], region: str | None) -> Iterator[FilledChunk]:
        if self._shares is None:
            return ((self._campaign_id, *chunk) for chunk in self._chunker.add(rows))
        return self._shares.add(rows, self._admission.forms, region)

    def _last_chunks(self) -> Iterator[FilledChunk]:
        if self._shares is None:
            return ((self._campaign_id, *chunk) for chunk in self._chunker.rest())
        return self._shares.rest()

    async def _keep(self, chunks: Iterator[FilledChunk]) -> None:
        for campaign_id, number, recipients, items in chunks:
            await self._journal.add_chunk(campaign_id, number, recipients, items)
            await turn()

    async def _hand_on(self) -> None:
        """Give the journal the rejections that wait."""
        async with aclosing(self._admission.complete()) as batches:
            async for rejections in batches:
                await self._journal.add_rejections(self.ids[0], rejections)

    def _nobody(self) -> UnusableSource:
        where = self._source.description
        if not self.read:
            return UnusableSource(f"{where} holds nobody: there is nobody to message")
        reasons = self._admission.rejections.summary()
        counts = ", ".join(f"{count.count} {count.reason.value}" for count in reasons)
        first = reasons[0].examples[0] if reasons and reasons[0].examples else None
        such = f". In row {first.row}: {first.detail}" if first else ""
        return UnusableSource(f"nobody of the {self.read} in {where} is left: {counts}{such}")


def _later(one: float | None, other: float | None) -> float | None:
    return max((each for each in (one, other) if each is not None), default=None)


@cache
def make_shared() -> None:
    """Make what is made once in a process and would hold the event loop for 10 ms: tables, patterns."""
    calling_code("1")
    shown("")
