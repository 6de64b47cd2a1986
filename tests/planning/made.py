"""What the tests of planning stand on: a template, a plan made of a list, and what the journal has of it."""

from collections.abc import Iterable, Mapping, Sequence

import msgspec

from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.sender import Sender
from keebai_async.model.template import Template
from keebai_async.planning.checked import Checked
from keebai_async.planning.codec import RowCodec
from keebai_async.planning.plan import PlanOptions, make_plan
from keebai_async.planning.reader import Reader
from keebai_async.sources import Block, PeopleLike, open_source
from keebai_async.sources.block import LineBlock

PROMO = Template(name="promo", language="es", status="APPROVED", variables=("nombre", "saldo"))
PLAIN = Template(name="hola", language="es", status="APPROVED")
SENDER = Sender(phone_number_id="100000000000009")


class Made(msgspec.Struct, frozen=True):
    """A plan, the people in its chunks as the service would get them, and the rows left out."""

    plan: Plan
    chunks: list[list[dict[str, object]]]
    rejections: list[Rejection]

    @property
    def people(self) -> list[dict[str, object]]:
        return [person for chunk in self.chunks for person in chunk]

    @property
    def numbers(self) -> list[object]:
        return [person["to"] for person in self.people]

    @property
    def reasons(self) -> list[tuple[int, str, str]]:
        return [(rejection.row, rejection.reason.value, rejection.field) for rejection in self.rejections]


async def planned(
    people: PeopleLike,
    template: Template = PROMO,
    *,
    columns: Mapping[str, str] | Sequence[str] | None = None,
    options: PlanOptions | None = None,
    journal: MemoryJournal | None = None,
    marks: bool = False,
) -> Made:
    """A plan, without marks unless they are what is tried: people stay as they were written."""
    journal = journal or MemoryJournal()
    plan = await make_plan(
        open_source(people, columns=columns),
        campaign_id="promo-1",
        name="Promo",
        template=template,
        sender=SENDER,
        journal=journal,
        created_at=1_790_000_000.0,
        service="keebai",
        largest_chunk=5_000,
        options=msgspec.structs.replace(options or PlanOptions(), marks=marks),
    )
    assert plan.read == plan.ready + plan.duplicates + plan.rejected + plan.suppressed
    chunks = [
        msgspec.json.decode(await journal.items("promo-1", number), type=list[dict[str, object]])
        for number, _ in enumerate(plan.chunks, start=1)
    ]
    assert tuple(map(len, chunks)) == plan.chunks
    return Made(plan, chunks, [rejection async for rejection in journal.rejections("promo-1")])


def person(number: int, **variables: object) -> dict[str, object]:
    """Somebody in the service's own shape."""
    return {
        "to": f"+54911{number:08}",
        "variables": {"nombre": f"Persona {number}", "saldo": f"{number},50", **variables},
    }


def flat(number: int, **columns: object) -> dict[str, object]:
    """The same somebody as a flat row."""
    return {"to": f"+54911{number:08}", "nombre": f"Persona {number}", "saldo": f"{number},50", **columns}


def lines(data: bytes) -> LineBlock:
    """A block of JSON Lines, as a file gives it."""
    return LineBlock(first=1, count=data.count(b"\n") + (not data.endswith(b"\n")), data=data)


async def both(template: Template, block: Block) -> Checked:
    """What the fast path says of a block, once it is certain that the slow path says the same."""
    return (await both_of_all(template, [block]))[0]


async def both_of_all(template: Template, blocks: Iterable[Block]) -> list[Checked]:
    """The same of the blocks of one list."""
    codec = RowCodec(template)
    fast, slow = Reader(codec, {}), Reader(codec, {}, fast=False)
    return [await _by_both(codec, fast, slow, block) for block in blocks]


async def _by_both(codec: RowCodec, fast: Reader, slow: Reader, block: Block) -> Checked:
    quick, exact = await fast.read(block), await slow.read(block)

    assert codec.encode(quick.ready) == codec.encode(exact.ready)
    assert quick.keys == exact.keys
    assert list(quick.rejections) == list(exact.rejections)
    assert list(quick.where) == list(exact.where)
    assert sorted(fast.ignored) == sorted(slow.ignored)
    assert len(quick.ready) + len(quick.rejections) == quick.read == len(quick.rows.numbers)
    return quick
