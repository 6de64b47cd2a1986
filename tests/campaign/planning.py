"""A frozen plan without a source: so many people, in chunks of so many."""

import msgspec

from keebai_async.journal.contract import Journal
from keebai_async.model.plan import Guards, Plan
from keebai_async.model.sender import Sender


def number(person: int) -> str:
    return f"+549{1_100_000_000 + person}"


async def freeze(
    journal: Journal,
    people: int,
    *,
    size: int = 5_000,
    name: str = "Promo",
    again: bool = False,
    guards: Guards | None = None,
    template: str = "promo",
    wording: str = "",
    countries: tuple[str, ...] = (),
) -> Plan:
    """Put a campaign of *people* into *journal*, as planning would; *countries* are those of its chunks."""
    campaign_id = f"promo-{people}-{size}" + ("-again" if again else "")
    sizes = []
    for at, first in enumerate(range(0, people, size)):
        chunk = [{"to": number(person)} for person in range(first, min(first + size, people))]
        await journal.add_chunk(campaign_id, at + 1, len(chunk), msgspec.json.encode(chunk))
        sizes.append(len(chunk))
    plan = Plan(
        campaign_id=campaign_id,
        name=name,
        template=template,
        wording=wording,
        language="es",
        sender=Sender(phone_number_id="100000000000009"),
        created_at=1_790_000_000.0,
        read=people,
        ready=people,
        duplicates=0,
        rejected=0,
        suppressed=0,
        chunks=tuple(sizes),
        fingerprint=f"{people}/{size}",
        guards=guards or Guards(),
        chunk_countries=countries,
    )
    await journal.freeze(plan)
    return plan
