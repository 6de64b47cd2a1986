"""Small campaigns to keep in a journal."""

import msgspec

from keebai_async.journal.contract import Journal
from keebai_async.model.marks import MARK_KEY, Mark, tag_of
from keebai_async.model.plan import Plan, ReasonCount
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.model.sender import Sender


def plan_of(
    campaign_id: str = "promo",
    *,
    chunks: tuple[int, ...] = (2, 3),
    name: str = "Promo",
    fingerprint: str = "f1",
    created_at: float = 1_000.0,
    rejected: int = 0,
) -> Plan:
    ready = sum(chunks)
    example = Rejection(row=9, reason=Reason.BAD_NUMBER, detail="too short", to="+541199", columns={"a": "b"})
    return Plan(
        campaign_id=campaign_id,
        name=name,
        template="promo",
        language="es",
        sender=Sender(phone_number_id="1"),
        created_at=created_at,
        read=ready + rejected,
        ready=ready,
        duplicates=0,
        rejected=rejected,
        suppressed=0,
        chunks=chunks,
        reasons=(ReasonCount(reason=Reason.BAD_NUMBER, count=1, examples=(example,)),),
        fingerprint=fingerprint,
        preview="Hola Lucio",
    )


def people(number: int, recipients: int, campaign_id: str = "promo") -> bytes:
    """The items of a chunk as it was planned: people like nobody else's, with their marks."""
    return msgspec.json.encode(
        [
            {
                "to": number_of(number, place),
                "meta_data": {MARK_KEY: str(Mark(tag_of(campaign_id), number, place))},
            }
            for place in range(recipients)
        ]
    )


def number_of(chunk: int, place: int) -> str:
    """The number of somebody in those items."""
    return f"+54911{chunk:04}{place:04}"


def rejection(row: int) -> Rejection:
    return Rejection(
        row=row, reason=Reason.BAD_NUMBER, detail="too short", to=f"+5411{row:06}", columns={"name": "Ana"}
    )


async def keep(journal: Journal, plan: Plan) -> None:
    """Make *plan* from its first chunk to the freeze."""
    for number, recipients in enumerate(plan.chunks, start=1):
        items = people(number, recipients, plan.campaign_id)
        await journal.add_chunk(plan.campaign_id, number, recipients, items)
    await journal.freeze(plan)
