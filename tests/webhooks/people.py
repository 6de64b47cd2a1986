"""A campaign whose people a sandbox tells of, and what the journal knows of each of them."""

from pathlib import Path

import msgspec

from keebai_async.client import Keebai
from keebai_async.model.marks import mark_in
from keebai_async.model.recipient import Recipient
from keebai_async.sandbox import Sandbox


def people(count: int) -> list[Recipient]:
    return [
        Recipient(to=f"+549115{number:07d}", variables={"nombre": "Ana", "codigo": f"{number}"})
        for number in range(count)
    ]


def client(box: Sandbox, journal: Path) -> Keebai:
    return Keebai(
        box.token,
        base_url=box.url,
        phone_number_id=box.phone_number_id,
        journal=journal,
        limiter="memory:",
        clock=box.clock,
    )


async def known(keebai: Keebai, campaign_id: str) -> dict[str, tuple[str, int]]:
    """The fate and the code of each number, found by its mark."""
    fates = {number: each async for number, each in keebai.journal.fates(campaign_id)}
    found = {}
    for chunk in (await keebai.journal.load(campaign_id)).chunks:
        items = await keebai.journal.items(campaign_id, chunk.number)
        for person in msgspec.json.decode(items, type=list[Recipient]):
            mark = mark_in(person.meta_data)
            assert mark is not None
            state = fates[mark.chunk].state(mark.place) if mark.chunk in fates else None
            found[person.to] = ("none", 0) if state is None else (state.fate.name.lower(), state.code)
    return found


def truth(box: Sandbox) -> dict[str, tuple[str, int]]:
    """The same of everybody, as the sandbox knows it."""
    return {number: (one.fate, one.code) for number, one in box.webhooks.truth.items()}
