"""How a campaign sends through Keebai: the one implementation of its port, campaign/service.py.

A chunk is one POST /messages/bulk, its counters are one GET of what that made, and whether anybody is
there is asked with GET /me.
"""

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import msgspec
from msgspec.structs import replace

from keebai_async.campaign.service import Blame, ChunkVerdict, Refusal, Taken
from keebai_async.errors import InvalidInput, NotFound, RequestError, ScopeMissing, TokenRejected
from keebai_async.keebai.account import me
from keebai_async.keebai.api import KeebaiApi, submit_request
from keebai_async.keebai.broadcasts import BULK_PATH, Broadcasts, read_accepted
from keebai_async.keebai.channels import Channels
from keebai_async.keebai.numbers import Numbers
from keebai_async.keebai.settings import MAX_RECIPIENTS, SERVICE_NAME
from keebai_async.keebai.templates import Templates
from keebai_async.model.chunk import Chunk
from keebai_async.model.plan import Plan, chunk_name
from keebai_async.model.progress import Progress
from keebai_async.model.requests import Requests
from keebai_async.model.sender import ListedSender, Sender
from keebai_async.model.template import Template
from keebai_async.quota.gate import Lane
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.exchange import Exchange
from keebai_async.transport.reply import Answer
from keebai_async.transport.request import Objection
from keebai_async.transport.slot import Slot
from keebai_async.transport.verdict import Accepted, Refused, SubmitPolicy

_RECIPIENT_CODES: Final = frozenset({"invalid_phone"})
_COMMON_CODES: Final = frozenset({"CHANNEL_MISSING_ACCESS_TOKEN"})
_RECIPIENT_FIELD: Final = re.compile(r"recipients\b|to$|variables\b|meta_data\b")


class KeebaiSubmitSlot:
    """A place in the quota for one POST /messages/bulk."""

    def __init__(self, slot: Slot) -> None:
        self._slot = slot

    async def submit(
        self, body: bytes, *, recipients: int, objection: Objection | None = None
    ) -> ChunkVerdict:
        """Make the one attempt, and say what it means for the chunk."""
        request = submit_request(BULK_PATH, body, recipients=recipients, lane=Lane.SUBMIT)
        match await self._slot.submit(replace(request, objection=objection)):
            case Accepted(answer=answer):
                return taken(answer, recipients)
            case Refused(fault=fault):
                return Refusal(fault=fault, blame=blame_of(fault))
            case verdict:
                return verdict


class KeebaiCampaignService:
    """Keebai, as a campaign needs it. *requests* counts what left through this object."""

    name = SERVICE_NAME
    largest_chunk = MAX_RECIPIENTS

    def __init__(self, exchange: Exchange, *, policy: SubmitPolicy | None = None) -> None:
        self.requests = Requests()
        self._exchange = exchange
        self._policy = policy
        self._api = KeebaiApi(exchange=exchange, requests=self.requests)
        self._broadcasts = Broadcasts(self._api)

    def body(self, plan: Plan, chunk: Chunk, items: bytes) -> bytes:
        """The body of POST /messages/bulk for a chunk whose people are *items*."""
        return body_of(plan, chunk.number, items, parent=chunk.parent)

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[KeebaiSubmitSlot]:
        """Wait for a place in the quota; left without a submit, it is given back. Raises QuotaUnusable."""
        async with self._exchange.slot(Lane.SUBMIT, tally=self.requests, policy=self._policy) as slot:
            yield KeebaiSubmitSlot(slot)

    async def template(self, name: str, language: str) -> Template:
        """The template as the service lists it. Raises TemplateUnusable, or RequestError."""
        return await Templates(self._api).get(name, language)

    async def listed(self, sender: Sender) -> ListedSender | None:
        """The sender, as the service lists it. Raises InvalidInput, TokenRejected, QuotaUnusable.

        Nothing rests on it but an earlier word, so no plan is stopped by a list that cannot be read.

        Source: contract, section 7.
        """
        try:
            found = [listed for each, listed in await self._senders(sender) if each == sender.id]
        except TokenRejected:
            raise
        except RequestError:
            return None
        if not found:
            raise InvalidInput(
                f"{sender.id} is not among the senders of this token; see: keebai-async numbers",
                field=sender.wire[0],
                value=sender.id,
            )
        return found[0]

    async def _senders(self, like: Sender) -> list[tuple[str, ListedSender]]:
        """Every sender of the kind of *like*, by its id."""
        if like.phone_number_id is not None:
            return [
                (one.id, ListedSender(number=one.phone_number or "", status=one.status))
                for one in await Numbers(self._api).list()
            ]
        return [
            (
                one.id,
                ListedSender(
                    number=one.phone_number or "", status="not active" if one.is_active is False else ""
                ),
            )
            for one in await Channels(self._api).list()
        ]

    async def progress(self, broadcast_id: str) -> Progress:
        """Read where a broadcast stands. Raises RequestError; NotFound also for what can be no id."""
        try:
            return (await self._broadcasts.status(broadcast_id)).progress
        except InvalidInput as error:  # kept by an older version, from a reply that named no broadcast
            raise NotFound(str(error), method="GET", path=BULK_PATH) from error

    async def probe(self) -> None:
        """Make one cheap read without retries. Raises RequestError if the service does not answer it.

        GET /me needs no scope. Where it does not exist, a list of one template does; that the token may
        not read it is an answer too.
        """
        try:
            await me(self._api, once=True)
        except NotFound:
            try:
                await self._api.read("/templates", query=(("limit", "1"),), once=True)
            except ScopeMissing:
                return


def body_of(plan: Plan, number: int, items: bytes, *, parent: int | None = None) -> bytes:
    """The body of POST /messages/bulk for a chunk whose recipients are encoded in *items*.

    *items* is a JSON array. The same arguments give the same bytes.
    """
    field, sender = plan.sender.wire
    head = {
        field: sender,
        "template_name": plan.template,
        "language": plan.language,
        "campaign_name": chunk_name(plan.name, number, len(plan.chunks), parent=parent),
    }
    return msgspec.json.encode(head)[:-1] + b',"recipients":' + items + b"}"


def taken(answer: Answer, recipients: int) -> Taken:
    """What a 2xx says of a chunk of so many *recipients*; where it says nothing, all were accepted.

    Source: contract, section 3.1: "total_recipients" is the number accepted.
    """
    broadcast = read_accepted(answer)
    if broadcast is None:
        return Taken(accepted=recipients, broadcast_id=None)
    total = recipients if broadcast.total_recipients is None else broadcast.total_recipients
    return Taken(accepted=max(0, min(recipients, total)), broadcast_id=broadcast.broadcast_id)


def blame_of(fault: ErrorBody) -> Blame:
    """Who is to blame for a refusal, by the codes and the field that it names.

    Source: contract, section 3.1 (errors) and section 5.
    """
    if fault.status == 413:
        return Blame.SIZE
    if fault.code in _COMMON_CODES:
        return Blame.EVERYBODY
    if fault.field is not None:
        return Blame.SOMEBODY if _RECIPIENT_FIELD.match(fault.field) else Blame.EVERYBODY
    return Blame.SOMEBODY if fault.code in _RECIPIENT_CODES else Blame.NOT_SAID
