"""A long list of traps, of which nobody wrote down what becomes of each, through the real pipeline.

The rows are 20,000, or as many as KEEBAI_TRAPS says.
"""

import csv
import io
import json
import os
import random
from collections.abc import Callable, Iterator
from contextlib import aclosing
from pathlib import Path

import aiohttp
import msgspec
import pytest

from keebai_async.clock import ManualClock
from keebai_async.keebai.campaign_service import body_of
from keebai_async.model.recipient import Reason
from keebai_async.model.sender import Sender
from keebai_async.sandbox.keebai.catalogue import SandboxTemplate
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sources import open_source
from tests.planning.made import PROMO, Made, both, planned

ROWS = int(os.environ.get("KEEBAI_TRAPS", "20000"))
TEMPLATE = SandboxTemplate(
    name="promo", body="Hola {{nombre}}, te quedan {{saldo}}.", variables=("nombre", "saldo")
)
NUMBERS = (
    "", " ", "+", "+0541155555555", "+549", "+5491177777777555", "5491177777777",
    "+54 9 11 5555-5555", "011 15-5555-1111", "5.49116E+12", "5491177777777.0",
    "+\u0665\u0664\u0669\u0661\u0661\u0665\u0665", "+5491177777777\n",
    "+5491177777777\n+5491155555556", "\ufeff+5491177777777", "+5491177777777 / +5491166666666",
    "=HYPERLINK(1)", "00 54 9 11 5555 5555", "+1_2015550123", "tel:+5491177777777",
    "+5491177777777\u200b", "NULL", "+44 (0)20 7946 0958",
)  # fmt: skip
VALUES = (
    "", " ", "\u3000", "\u200b", "a\nb", "a\r\nb", "a\tb", "a     b", "a    b", "a\u2028b",
    "a\x85b", "a\x7fb", "x" * 1_024, "x" * 1_025, "\U0001f468" * 1_000, "5.49E+12", "E+", "=1+1",
    "{{nombre}}", "Pe\u00f1a, Juli\u00e1n", 'Roberto "Tito"', "\\n", "\\", "|", "| |",
    "\u0627\u0644\u0639", "e\u0301", "true", "0", "-1", "1\u00a0000", "\U0001f468\u200d\U0001f469",
)  # fmt: skip
ODD: tuple[object, ...] = (None, True, 0, -1.5, 10**30, 1e300, [], {}, ["a"], {"a": "b"})
BROKEN = (
    b"", b"   ", b"[]", b"null", b"7", b'"text"', b"{", b"}", b'{"to":',
    b'{"to":"+5491155555555"}}', b"[" * 3_000, b'{"to":"+5491155555555","variables":[]}',
    b'{"to":"+5491155555555","variables":null,"meta_data":{}}',
    b'{"to":"+5491155555555","nombre":"a","saldo":"b"}{"to":"+5491155555556","nombre":"a","saldo":"b"}',
    b'{"to":"+1","to":"+5491155555577","variables":{"nombre":"a","nombre":"b","saldo":"c"}}',
    b'{"to":"+5491155555578","variables":{"nombre":"\\ud800","saldo":"c"}}',
    b' { "to" : "+5491155555579" } ',
)  # fmt: skip


def some_number(chance: random.Random, place: int) -> str:
    """Mostly somebody new; else a trap, or somebody from before, perhaps in another spelling."""
    if chance.random() < 0.04:
        return chance.choice(NUMBERS)
    if chance.random() < 0.04:
        place = chance.randrange(place + 1)
    local = f"{10_000_000 + place * 7_919 % 60_000_000}"
    prefix = (
        chance.choice(("+549", "+54")) + "11",
        chance.choice(("+521", "+52")) + "55",
        "+5511" + chance.choice(("9", "")),
    )
    return prefix[place % 3] + ("9" + local[1:] if place % 3 == 2 else local)


def some_value(chance: random.Random, place: int, *, odd: bool) -> object:
    if chance.random() < 0.04:
        return chance.choice(ODD) if odd and chance.random() < 0.3 else chance.choice(VALUES)
    return f"Mar\u00eda {place}"


def trapped_row(chance: random.Random, place: int) -> dict[str, object]:
    values = {name: some_value(chance, place, odd=True) for name in ("nombre", "saldo")}
    if chance.random() < 0.02:
        del values[chance.choice(("nombre", "saldo"))]
    if chance.random() < 0.02:
        values["sobra"] = some_value(chance, place, odd=True)
    row: dict[str, object] = {
        "to": some_number(chance, place) if chance.random() < 0.99 else chance.choice(ODD)
    }
    if chance.random() < 0.97:
        row["variables"] = values
        if chance.random() < 0.5:
            row["meta_data"] = {"n": place} if chance.random() < 0.95 else chance.choice(ODD)
    else:
        row |= values | {"meta_n": place}
    return row


def json_lines(chance: random.Random) -> bytes:
    def lines() -> Iterator[bytes]:
        for place in range(ROWS):
            # Whole stretches without a trap, so that the fast path has its share.
            fine = place // 700 % 2 == 0
            if not fine and chance.random() < 0.02:
                yield chance.choice(BROKEN)
                continue
            row = (
                {"to": f"+54911{20_000_000 + place}", "variables": {"nombre": "Ana", "saldo": "1,50"}}
                if fine
                else trapped_row(chance, place)
            )
            yield json.dumps(row, ensure_ascii=chance.random() < 0.5).encode("utf-8", "replace")

    return b"\n".join(lines())


def comma_separated(chance: random.Random) -> bytes:
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(["to", "nombre", "meta_n", "saldo", "ciudad"])
    for place in range(ROWS):
        fine = place // 700 % 2 == 0
        cells = (
            [f"+54911{20_000_000 + place}", "Ana", "1", "1.50", "x"]
            if fine
            else [
                some_number(chance, place),
                some_value(chance, place, odd=False),
                str(place),
                some_value(chance, place, odd=False),
                "",
            ]
        )
        if not fine and chance.random() < 0.02:
            cells = cells[: chance.randrange(1, 5)] if chance.random() < 0.5 else [*cells, "uno", "dos"]
        writer.writerow(cells)
    return text.getvalue().encode()


@pytest.fixture(params=[("jsonl", json_lines), ("csv", comma_separated)], ids=["jsonl", "csv"])
def trapped(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A list full of traps."""
    kind: tuple[str, Callable[[random.Random], bytes]] = request.param
    suffix, write = kind
    path = tmp_path / f"people.{suffix}"
    path.write_bytes(write(random.Random(20_261_122)))
    return path


async def test_what_is_ready_is_accepted_whole_by_a_strict_server_and_reaches_everybody(
    trapped: Path,
) -> None:
    made = await planned(trapped)  # counts that do not add up are found there
    clock = ManualClock()

    async with Sandbox(clock=clock, templates=(TEMPLATE,)) as sandbox:
        ids = [await accepted(sandbox, made, number) for number, _ in enumerate(made.plan.chunks, start=1)]
        await clock.advance(made.plan.ready / 80 + 60)
        counters = [sandbox.counters(broadcast_id) for broadcast_id in ids]
        messaged = sandbox.ledger.times_messaged()

    assert [(one.sent, one.failed) for one in counters] == [(size, 0) for size in made.plan.chunks]
    assert len(messaged) == made.plan.ready
    assert set(messaged.values()) == {1}
    assert made.plan.ready > ROWS / 2


async def accepted(sandbox: Sandbox, made: Made, number: int) -> str:
    """Submit one chunk; all of it must be accepted."""
    plan = msgspec.structs.replace(made.plan, sender=Sender(phone_number_id=sandbox.phone_number_id))
    body = body_of(plan, number, msgspec.json.encode(made.chunks[number - 1]))
    headers = {"Authorization": f"Bearer {sandbox.token}", "Content-Type": "application/json"}
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{sandbox.url}/messages/bulk", data=body, headers=headers) as reply,
    ):
        assert reply.status == 202, await reply.text()
        said = msgspec.json.decode(await reply.read(), type=dict[str, object])
    assert said["total_recipients"] == made.plan.chunks[number - 1]
    return str(said["broadcast_id"])


async def test_every_row_left_out_says_where_what_and_why(trapped: Path) -> None:
    made = await planned(trapped)

    rows = [out.row for out in made.rejections]
    assert rows == sorted(set(rows))
    for out in made.rejections:
        assert out.detail, out
        assert out.field or out.reason is Reason.BAD_ROW, out
        assert (out.repeats_row is not None) == (out.reason is Reason.DUPLICATE), out
        assert out.repeats_row is None or out.repeats_row < out.row
        assert len(out.to) < 6 or out.to not in out.detail
    assert {count.reason for count in made.plan.reasons} >= {
        Reason.NO_NUMBER,
        Reason.BAD_NUMBER,
        Reason.SPREADSHEET_NUMBER,
        Reason.DUPLICATE,
        Reason.BLANK_VARIABLE,
        Reason.BAD_VARIABLE,
        Reason.LONG_VARIABLE,
        Reason.BAD_ROW,
    }


async def test_the_two_paths_agree_on_every_block_of_it(trapped: Path) -> None:
    read = 0
    async with aclosing(open_source(trapped).blocks()) as blocks:
        async for block in blocks:
            read += (await both(PROMO, block)).read

    assert read == (await planned(trapped)).plan.read
