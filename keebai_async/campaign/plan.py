"""From a source to a frozen Plan: read, check, dedupe, cut into chunks, each in the journal when full.

A stream of small blocks, never a list of all. Whatever is not sent is counted and goes to the journal
too; what stays in memory is one chunk and a few bytes a person.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing

import anyio
import anyio.lowlevel
import msgspec

from keebai_async.campaign.bodies import Bodies
from keebai_async.campaign.leftout import LeftOut
from keebai_async.campaign.planned import Plan
from keebai_async.campaign.ports import Journal
from keebai_async.campaign.reading import Checked, Reader, reject
from keebai_async.campaign.recipient import Reason
from keebai_async.campaign.seen import Seen
from keebai_async.campaign.shape import Row, Shape
from keebai_async.campaign.template import fed, usable
from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.keebai.limits import MAX_RECIPIENTS
from keebai_async.keebai.models import Sender, Template
from keebai_async.sources.block import Cells, Source

GRACE = 10.0
"""Seconds that forgetting an unfinished plan may take."""


class PlanOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How to plan. *limit* takes the first so many people who are ready, and reads no further."""

    chunk_size: int = MAX_RECIPIENTS
    drop_extra: bool = False
    """Leave variables out that the template does not have, in rows of the service's own shape."""
    limit: int | None = None

    def __post_init__(self) -> None:
        if not 1 <= self.chunk_size <= MAX_RECIPIENTS:
            raise InvalidInput(
                f"a chunk holds 1 to {MAX_RECIPIENTS} people, not {self.chunk_size}", field="chunk_size"
            )
        if self.limit is not None and self.limit < 1:
            raise InvalidInput(f"limit is at least 1, not {self.limit}", field="limit")


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
    journal: Journal,
    created_at: float,
    options: PlanOptions = DEFAULTS,
    progress: Callable[[PlanProgress], None] | None = None,
) -> Plan:
    """Read *source* to its end, put its chunks and rejections into *journal*, and freeze the plan.

    On any failure, or when cancelled, the journal is told to forget what it has of the plan.
    *progress* is called after every block.

    Raises:
        TemplateUnusable: the template is not approved, or a table has no column for one of its variables.
        UnusableSource: the source cannot be read, or nobody in it is left.
        JournalUnusable: the journal cannot keep it.
    """
    usable(template)
    making = _Making(source, template, sender, campaign_id, journal, options)
    try:
        async with aclosing(source.blocks()) as blocks:
            async for block in blocks:
                if isinstance(block, Cells):
                    fed(template, block.header, source.columns, source.description)
                await making.take(making.reader.read(block))
                if progress is not None:
                    progress(PlanProgress(read=making.read, ready=making.ready))
                if making.ready == options.limit:
                    break
                await anyio.lowlevel.checkpoint()
        plan = await making.finish(name=name, created_at=created_at)
        await journal.freeze(plan)
    except BaseException:
        with anyio.move_on_after(GRACE, shield=True):
            await journal.discard(campaign_id)
        raise
    return plan


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
    ) -> None:
        shape = Shape(template)
        self.reader = Reader(shape, source.columns, drop_extra=options.drop_extra)
        self.read = 0
        self.ready = 0
        self._shape = shape
        self._source = source
        self._template = template
        self._sender = sender
        self._campaign_id = campaign_id
        self._journal = journal
        self._options = options
        self._seen = Seen()
        self._left_out = LeftOut()
        seed = msgspec.json.encode([template.name, template.language, sender.wire])
        self._bodies = Bodies(options.chunk_size, shape.encode, seed=seed)

    async def take(self, checked: Checked) -> None:
        """Dedupe a checked block, and hand on the chunks and rejections that are complete with it."""
        if self._options.limit is not None:
            checked = self._up_to(checked, self._options.limit - self.ready)
        rows, encoded = self._dedupe(checked)
        self.ready += len(rows)
        await self._keep(self._bodies.add(rows, encoded))
        if self._left_out.due(self.ready):
            await self._hand_on()

    async def finish(self, *, name: str, created_at: float) -> Plan:
        await self._keep(self._bodies.rest())
        await self._hand_on()
        out = self._left_out
        if not self.ready:
            raise self._nobody()
        duplicates, suppressed = out.count(Reason.DUPLICATE), out.count(Reason.SUPPRESSED)
        return Plan(
            campaign_id=self._campaign_id,
            name=name,
            template=self._template.name,
            language=self._template.language,
            sender=self._sender,
            created_at=created_at,
            read=self.read,
            ready=self.ready,
            duplicates=duplicates,
            rejected=out.count() - duplicates - suppressed,
            suppressed=suppressed,
            chunks=tuple(self._bodies.sizes),
            reasons=out.summary(),
            ignored_columns=tuple(self.reader.ignored),
            fingerprint=self._bodies.fingerprint,
            source=self._source.description,
        )

    def _up_to(self, checked: Checked, room: int) -> Checked:
        """The part of a block that *room* more people need, as if it ended with the last of them."""
        fresh, _ = self._seen.split(checked.keys)
        if len(fresh) <= room:
            return checked
        last = fresh[room - 1]
        end = checked.where[last] + 1
        rejections = [out for out in checked.rejections if out.row < checked.originals.numbers[end - 1]]
        rows = checked.rows[: last + 1]
        return Checked(
            checked.originals.up_to(end),
            rows,
            checked.keys[: last + 1],
            checked.where[: last + 1],
            self._shape.encode(rows),
            rejections,
        )

    def _dedupe(self, checked: Checked) -> tuple[Sequence[Row], bytes]:
        """The rows of people who are not in the campaign yet, with their JSON."""
        numbers = checked.originals.numbers
        complete = len(checked.rows) == len(numbers)
        if self._seen.all_new(checked.keys):
            if checked.keys:
                where = numbers if complete else [numbers[place] for place in checked.where]
                self._seen.add(checked.keys, where)
            self.read += len(numbers)
            for rejection in checked.rejections:
                self._left_out.add(rejection)
            return checked.rows, checked.encoded
        return self._without_known(checked)

    def _without_known(self, checked: Checked) -> tuple[Sequence[Row], bytes]:
        numbers = checked.originals.numbers
        fresh, again = self._seen.split(checked.keys)
        out = [(rejection, 0) for rejection in checked.rejections]
        for place in again:
            position = checked.where[place]
            duplicate = reject(checked.originals, position, Reason.DUPLICATE, "", field="to")
            out.append((duplicate, checked.keys[place]))
        for rejection, key in sorted(out, key=lambda each: each[0].row):
            self._left_out.add(rejection, repeats=key or None)
        rows = [checked.rows[place] for place in fresh]
        where = [numbers[checked.where[place]] for place in fresh]
        self._seen.add([checked.keys[place] for place in fresh], where)
        self.read += len(numbers)
        return rows, self._shape.encode(rows)

    async def _keep(self, chunks: Iterator[tuple[int, int, bytes]]) -> None:
        for number, recipients, items in chunks:
            await self._journal.add_chunk(self._campaign_id, number, recipients, items)

    async def _hand_on(self) -> None:
        rows: dict[int, int] = {}
        if sought := self._left_out.sought:
            for found in self._seen.search(sought):
                rows |= found
                await anyio.lowlevel.checkpoint()
        if ready := self._left_out.hand_on(rows):
            await self._journal.add_rejections(self._campaign_id, ready)

    def _nobody(self) -> UnusableSource:
        where = self._source.description
        if not self.read:
            return UnusableSource(f"{where} holds nobody: there is nobody to message")
        counts = ", ".join(f"{count.count} {count.reason.value}" for count in self._left_out.summary())
        return UnusableSource(f"nobody of the {self.read} in {where} is left: {counts}")
