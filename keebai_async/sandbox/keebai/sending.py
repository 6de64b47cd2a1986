"""The routes that message people, and what becomes of what they accept."""

import random
import re
from collections.abc import Sequence
from typing import Final, Protocol

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai.bodies import (
    BadRequest,
    BodyItem,
    check_phone,
    read_bulk,
    read_items,
    read_template,
    read_text,
)
from keebai_async.sandbox.keebai.catalogue import SandboxSender, SandboxTemplate, SandboxToken
from keebai_async.sandbox.keebai.delivery import (
    BroadcastInLine,
    Counters,
    DeliveryQueue,
    Order,
    delivery_queue,
)
from keebai_async.sandbox.keebai.ledger import Ledger, Submission
from keebai_async.sandbox.keebai.message_stories import SentMessage
from keebai_async.sandbox.keebai.settings import Dialect, SandboxSettings
from keebai_async.sandbox.keebai.undeliverable import misfits, picked_to_fail
from keebai_async.sandbox.keebai.webhook_feed import Followed, WebhookFeed
from keebai_async.sandbox.replies import RequestRefused, SandboxReply, code_error, json_reply, timestamp

_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")


class _Named(Protocol):
    """A body that names its sender."""

    @property
    def phone_number_id(self) -> str | None: ...
    @property
    def channel_id(self) -> str | None: ...


class RequestContext(msgspec.Struct, frozen=True, kw_only=True):
    """Whose request it is, and in which dialect it is answered."""

    token: SandboxToken
    dialect: Dialect


class _AcceptedBroadcast(msgspec.Struct, frozen=True):
    queued: BroadcastInLine
    queue: DeliveryQueue
    company: str

    def counters(self, now: float) -> Counters:
        return self.queue.counters_of(self.queued, now)


class SendHandlers:
    """Accepts messages into the ledger, and knows at every instant how far they got.

    What it does not accept raises BadRequest (the request does not validate) or RequestRefused.
    """

    def __init__(self, settings: SandboxSettings, clock: Clock, webhooks: WebhookFeed) -> None:
        self._settings = settings
        self._webhooks = webhooks
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._queues: dict[str, DeliveryQueue] = {}
        self._broadcasts: dict[str, _AcceptedBroadcast] = {}
        self._messages = 0
        self.ledger = Ledger()

    def bulk(self, context: RequestContext, content: bytes) -> SandboxReply:
        """POST /messages/bulk. Source: contract, section 3.1."""
        body = read_bulk(content, strict=self._settings.forbid_unknown)
        items = read_items(
            body.recipients, strict=self._settings.forbid_unknown, malformed=self._settings.malformed
        )
        sender = self._sender(context, body)
        template = self._template(body.template_name, body.language, sender)
        if self._settings.accept_at_most is not None:
            items = items[: self._settings.accept_at_most]
        broadcast_id = self._open(context, sender, items, template, bytes(body.recipients))
        self.ledger.add(
            Submission(
                kind="bulk",
                at=self._clock.now(),
                sender=sender.phone_number_id,
                accepted=len(items),
                items=bytes(body.recipients),
                broadcast_id=broadcast_id,
                template=body.template_name,
                language=body.language,
                campaign_name=body.campaign_name,
                token=context.token.secret,
            )
        )
        return _queued(broadcast_id, len(items), context.dialect)

    def template(self, context: RequestContext, content: bytes) -> SandboxReply:
        """POST /messages/template. Source: contract, section 3.3."""
        body = read_template(content, strict=self._settings.forbid_unknown)
        check_phone(body.to, self._settings.malformed)
        sender = self._sender(context, body)
        template = self._template(body.template_name, body.language, sender)
        item = BodyItem(body.to, body.variables, body.meta_data)
        if context.dialect is Dialect.OPENAPI and misfits(template, [item]):
            raise BadRequest("(#132000) Number of parameters does not match the expected number of params")
        return self._single(
            context, sender, item, template, kind="template", name=body.template_name, language=body.language
        )

    def text(self, context: RequestContext, content: bytes) -> SandboxReply:
        """POST /messages/text. Source: contract, section 3.4."""
        body = read_text(content, strict=self._settings.forbid_unknown)
        check_phone(body.to, self._settings.malformed)
        sender = self._sender(context, body)
        item = BodyItem(body.to, {}, body.meta_data)
        return self._single(context, sender, item, None, kind="text", text=body.text)

    def status(self, context: RequestContext, broadcast_id: str) -> SandboxReply:
        """GET /messages/bulk/{broadcast_id}. Source: contract, section 3.2."""
        if not _OBJECT_ID.fullmatch(broadcast_id):
            return code_error(400, "INVALID_BROADCAST_ID")
        broadcast = self._broadcasts.get(broadcast_id.lower())
        if broadcast is None or broadcast.company != context.token.company:
            return code_error(404, "BROADCAST_NOT_FOUND")
        counters = broadcast.counters(self._clock.now())
        return json_reply(
            200,
            {
                "broadcast_id": broadcast_id.lower(),
                "status": _status(counters, context.dialect),
                "total_recipients": counters.total,
                "sent": counters.sent,
                "failed": counters.failed,
                "pending": counters.pending,
                "started_at": self._stamp(counters.started),
                "completed_at": self._stamp(counters.ended),
            },
        )

    def counters(self, broadcast_id: str) -> Counters:
        """Where a broadcast stands now. Raises KeyError if there is none of this id."""
        return self._broadcasts[broadcast_id].counters(self._clock.now())

    def _single(
        self,
        context: RequestContext,
        sender: SandboxSender,
        item: BodyItem,
        template: SandboxTemplate | None,
        *,
        kind: str,
        name: str | None = None,
        language: str | None = None,
        text: str | None = None,
    ) -> SandboxReply:
        broadcast_id = message_id = None
        if context.dialect is Dialect.GUIDE:
            broadcast_id = self._open(context, sender, [item], template, msgspec.json.encode([item]))
        else:
            self._messages += 1
            message_id = f"wamid.SANDBOX{self._messages:08d}"
            meta_data = msgspec.json.encode(item.meta_data) if item.meta_data else b""
            self._webhooks.follow_one(
                SentMessage(
                    message_id=message_id, number=item.to, sender=sender.phone_number_id, meta_data=meta_data
                ),
                company=context.token.company,
                fails=bool(picked_to_fail([item], self._settings.failing, self._settings.seed)),
            )
        self.ledger.add(
            Submission(
                kind=kind,
                at=self._clock.now(),
                sender=sender.phone_number_id,
                accepted=1,
                items=msgspec.json.encode([item]),
                broadcast_id=broadcast_id,
                message_id=message_id,
                template=name,
                language=language,
                text=text,
                token=context.token.secret,
            )
        )
        if broadcast_id is not None:
            return _queued(broadcast_id, 1, context.dialect)
        sent_at = self._stamp(self._clock.now())
        return json_reply(202, {"message_id": message_id, "status": "sent", "sent_at": sent_at})

    def _open(
        self,
        context: RequestContext,
        sender: SandboxSender,
        items: Sequence[BodyItem],
        template: SandboxTemplate | None,
        content: bytes,
    ) -> str:
        settings = self._settings
        failing = picked_to_fail(items, settings.failing, settings.seed)
        if template is not None:
            failing |= misfits(template, items)
        queue = self._queues.get(sender.phone_number_id)
        if queue is None:
            chance = random.Random(f"{settings.seed} {sender.phone_number_id}")  # noqa: S311 - no secret
            queue = delivery_queue(Order(settings.order), settings.delivery_rate, chance)
            self._queues[sender.phone_number_id] = queue
        queued = BroadcastInLine(len(items), sorted(failing), self._clock.now())
        queue.add(queued)
        broadcast_id = f"66aa0011{settings.seed & 0xFFFFFFFF:08x}{len(self._broadcasts) + 1:08x}"
        accepted = _AcceptedBroadcast(queued, queue, context.token.company)
        self._broadcasts[broadcast_id] = accepted
        self._webhooks.follow(
            Followed(
                broadcast_id=broadcast_id,
                sent=accepted,
                items=content,
                failing=frozenset(failing),
                sender=sender.phone_number_id,
                company=context.token.company,
                template="" if template is None else template.name,
                language="" if template is None else template.language,
            )
        )
        return broadcast_id

    def _sender(self, context: RequestContext, body: _Named) -> SandboxSender:
        """The sender that *body* names. Raises BadRequest or RequestRefused.

        Source: contract, section 11 number 1.
        """
        expected = "channel_id" if context.dialect is Dialect.GUIDE else "phone_number_id"
        given = [name for name in ("phone_number_id", "channel_id") if getattr(body, name) is not None]
        if not given:
            raise BadRequest(f"{expected} should not be empty")
        if len(given) == 2 or (self._settings.strict_sender and given != [expected]):
            unexpected = next(name for name in given if name != expected)
            raise BadRequest(f"property {unexpected} should not exist")
        for sender in self._settings.senders:
            if body.phone_number_id == sender.phone_number_id or body.channel_id == sender.channel_id:
                if sender.status == "paused":
                    raise RequestRefused(code_error(400, "CHANNEL_PAUSED"))
                if sender.status == "active":
                    return sender
        raise RequestRefused(code_error(404, "CHANNEL_NOT_FOUND"))

    def _template(self, name: str, language: str, sender: SandboxSender) -> SandboxTemplate:
        """The template of that name and language. Raises RequestRefused: there is none that may be used."""
        for template in self._settings.templates:
            owned = template.channel_id in (None, sender.channel_id)
            if owned and (template.name, template.language) == (name, language):
                if template.status == "APPROVED" or self._settings.unapproved == "fail":
                    return template
                raise RequestRefused(code_error(400, "TEMPLATE_NOT_APPROVED"))
        raise RequestRefused(code_error(400, "TEMPLATE_NOT_FOUND"))

    def _stamp(self, at: float | None) -> str | None:
        return None if at is None else timestamp(self._epoch + at)


def _queued(broadcast_id: str, total: int, dialect: Dialect) -> SandboxReply:
    return json_reply(
        202,
        {
            "broadcast_id": broadcast_id,
            "status": "PENDING" if dialect is Dialect.GUIDE else "scheduled",
            "total_recipients": total,
            "scheduled_at": None,
        },
    )


def _status(counters: Counters, dialect: Dialect) -> str:
    """Source: contract, sections 3.5 and 3.4: one that reached nobody ends FAILED, as a text does."""
    if counters.started is None:
        state = "PENDING"
    elif counters.ended is None:
        state = "IN_PROGRESS"
    else:
        state = "FAILED" if counters.failed == counters.total else "COMPLETED"
    if dialect is Dialect.GUIDE:
        return state
    return {"PENDING": "scheduled", "IN_PROGRESS": "running"}.get(state, state.lower())
