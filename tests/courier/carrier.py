"""How a campaign sends through the courier: its side of the port, campaign/service.py."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from msgspec.structs import replace

from keebai_async.campaign.service import Blame, ChunkVerdict, Refusal, Taken
from keebai_async.errors import TemplateUnusable
from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan, chunk_name
from keebai_async.model.progress import Progress
from keebai_async.model.recipient import Recipient
from keebai_async.model.requests import Requests
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.template import Template
from keebai_async.quota.gate import Lane
from keebai_async.transport.api import Api, submit_request
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.request import Objection
from keebai_async.transport.slot import Slot
from keebai_async.transport.tolerant_reader import Fields, fields_of, object_in, text
from keebai_async.transport.verdict import Accepted, Refused
from tests.courier.settings import COURIER, LARGEST

_PEOPLE = msgspec.json.Decoder(list[Recipient])


class CourierSlot:
    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    async def submit(
        self, body: bytes, *, recipients: int, objection: Objection | None = None
    ) -> ChunkVerdict:
        request = submit_request("/parcels", body, recipients=recipients, lane=Lane.SUBMIT)
        match await self._slot.submit(replace(request, objection=objection)):
            case Accepted(answer=answer):
                return Taken(accepted=recipients, broadcast_id=text(object_in(answer.body), "parcel"))
            case Refused(fault=fault):
                return Refusal(fault=fault, blame=Blame.NOT_SAID)
            case verdict:
                return verdict


class CourierService:
    name = COURIER
    largest_chunk = LARGEST

    def __init__(self, exchange: Exchange) -> None:
        self.requests = Requests()
        self._exchange = exchange
        self._api = Api(exchange=exchange, requests=self.requests)

    def body(self, plan: Plan, chunk: Chunk, items: bytes) -> bytes:
        addresses = [
            {"phone": each.to, "words": list(each.variables.values())} for each in _PEOPLE.decode(items)
        ]
        label = chunk_name(plan.name, chunk.number, len(plan.chunks), parent=chunk.parent)
        return msgspec.json.encode(
            {"from": plan.sender.id, "letter": plan.template, "label": label, "addresses": addresses}
        )

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[CourierSlot]:
        async with self._exchange.slot(Lane.SUBMIT, tally=self.requests) as slot:
            yield CourierSlot(slot)

    async def template(self, name: str, language: str) -> Template:
        letter = await self._read(f"/letters/{name}")
        if text(letter, "language") != language:
            raise TemplateUnusable(f"there is no letter {name!r} in {language}", field="template", value=name)
        return Template(name=name, language=language, status="APPROVED", variables=("nombre",))

    async def listed(self, sender: Sender) -> ListedSender | None:
        return None

    async def progress(self, broadcast_id: str) -> Progress:
        told = await self._read(f"/parcels/{broadcast_id}", lane=Lane.POLL)
        total, delivered = int(text(told, "size") or 0), int(text(told, "handed_over") or 0)
        done = total == delivered
        return Progress(
            broadcast_id=broadcast_id,
            final=done,
            total=total,
            sent=delivered,
            failed=0,
            pending=total - delivered,
        )

    async def probe(self) -> None:
        await self._api.read("/hello", once=True)

    async def _read(self, path: str, *, lane: Lane = Lane.SUBMIT) -> Fields:
        return fields_of(await self._api.read(path, lane=lane))
