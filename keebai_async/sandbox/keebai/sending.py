"""The routes that message people, and what becomes of what they accept."""

import random
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final, Protocol

import msgspec

from keebai_async.clock import Clock
from keebai_async.sandbox.keebai.bodies import (
    Item,
    Wrong,
    check_phone,
    read_bulk,
    read_items,
    read_template,
    read_text,
)
from keebai_async.sandbox.keebai.catalogue import SandboxSender, SandboxTemplate
from keebai_async.sandbox.keebai.delivery import Counters, Desk, Order, Work, open_desk
from keebai_async.sandbox.keebai.door import Visit
from keebai_async.sandbox.keebai.fitting import misfits, unlucky
from keebai_async.sandbox.keebai.ledger import Ledger, Submission
from keebai_async.sandbox.keebai.settings import Dialect, Settings
from keebai_async.sandbox.replies import Refused, Said, code_error, say

_OBJECT_ID: Final = re.compile(r"[0-9a-fA-F]{24}")


class _Named(Protocol):
    """A body that names its sender."""

    @property
    def phone_number_id(self) -> str | None: ...
    @property
    def channel_id(self) -> str | None: ...


class _Broadcast(msgspec.Struct, frozen=True):
    work: Work
    desk: Desk
    company: str


class Sending:
    """Accepts messages into the ledger, and knows at every instant how far they got.

    What it does not accept raises Wrong (the request does not validate) or Refused.
    """

    def __init__(self, settings: Settings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._epoch = clock.wall() - clock.now()
        self._desks: dict[str, Desk] = {}
        self._broadcasts: dict[str, _Broadcast] = {}
        self._messages = 0
        self.ledger = Ledger()

    def bulk(self, visit: Visit, content: bytes) -> Said:
        """POST /messages/bulk. Source: contract, section 3.1."""
        body = read_bulk(content, strict=self._settings.forbid_unknown)
        items = read_items(
            body.recipients, strict=self._settings.forbid_unknown, malformed=self._settings.malformed
        )
        sender = self._sender(visit, body)
        template = self._template(body.template_name, body.language, sender)
        if self._settings.accept_at_most is not None:
            items = items[: self._settings.accept_at_most]
        broadcast_id = self._open(visit, sender, items, template)
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
                token=visit.token.secret,
            )
        )
        return _queued(broadcast_id, len(items), visit.dialect)

    def template(self, visit: Visit, content: bytes) -> Said:
        """POST /messages/template. Source: contract, section 3.3."""
        body = read_template(content, strict=self._settings.forbid_unknown)
        check_phone(body.to, self._settings.malformed)
        sender = self._sender(visit, body)
        template = self._template(body.template_name, body.language, sender)
        item = Item(body.to, body.variables, body.meta_data)
        if visit.dialect is Dialect.OPENAPI and misfits(template, [item]):
            raise Wrong("(#132000) Number of parameters does not match the expected number of params")
        return self._single(
            visit, sender, item, template, kind="template", name=body.template_name, language=body.language
        )

    def text(self, visit: Visit, content: bytes) -> Said:
        """POST /messages/text. Source: contract, section 3.4."""
        body = read_text(content, strict=self._settings.forbid_unknown)
        check_phone(body.to, self._settings.malformed)
        sender = self._sender(visit, body)
        item = Item(body.to, {}, body.meta_data)
        return self._single(visit, sender, item, None, kind="text", text=body.text)

    def status(self, visit: Visit) -> Said:
        """GET /messages/bulk/{broadcast_id}. Source: contract, section 3.2."""
        if not _OBJECT_ID.fullmatch(visit.asked):
            return code_error(400, "INVALID_BROADCAST_ID")
        broadcast = self._broadcasts.get(visit.asked.lower())
        if broadcast is None or broadcast.company != visit.token.company:
            return code_error(404, "BROADCAST_NOT_FOUND")
        counters = broadcast.desk.look(broadcast.work, self._clock.now())
        return say(
            200,
            {
                "broadcast_id": visit.asked.lower(),
                "status": _status(counters, visit.dialect),
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
        broadcast = self._broadcasts[broadcast_id]
        return broadcast.desk.look(broadcast.work, self._clock.now())

    def _single(
        self,
        visit: Visit,
        sender: SandboxSender,
        item: Item,
        template: SandboxTemplate | None,
        *,
        kind: str,
        name: str | None = None,
        language: str | None = None,
        text: str | None = None,
    ) -> Said:
        broadcast_id = message_id = None
        if visit.dialect is Dialect.GUIDE:
            broadcast_id = self._open(visit, sender, [item], template)
        else:
            self._messages += 1
            message_id = f"wamid.SANDBOX{self._messages:08d}"
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
                token=visit.token.secret,
            )
        )
        if broadcast_id is not None:
            return _queued(broadcast_id, 1, visit.dialect)
        sent_at = self._stamp(self._clock.now())
        return say(202, {"message_id": message_id, "status": "sent", "sent_at": sent_at})

    def _open(
        self, visit: Visit, sender: SandboxSender, items: Sequence[Item], template: SandboxTemplate | None
    ) -> str:
        settings = self._settings
        failing = unlucky(items, settings.failing, settings.seed)
        if template is not None:
            failing |= misfits(template, items)
        desk = self._desks.get(sender.phone_number_id)
        if desk is None:
            chance = random.Random(f"{settings.seed} {sender.phone_number_id}")  # noqa: S311 - no secret
            desk = open_desk(Order(settings.order), settings.delivery_rate, chance)
            self._desks[sender.phone_number_id] = desk
        work = Work(len(items), sorted(failing), self._clock.now())
        desk.add(work)
        broadcast_id = f"66aa0011{settings.seed & 0xFFFFFFFF:08x}{len(self._broadcasts) + 1:08x}"
        self._broadcasts[broadcast_id] = _Broadcast(work, desk, visit.token.company)
        return broadcast_id

    def _sender(self, visit: Visit, body: _Named) -> SandboxSender:
        """The sender that *body* names. Raises Wrong or Refused. Source: contract, section 11 number 1."""
        expected = "channel_id" if visit.dialect is Dialect.GUIDE else "phone_number_id"
        given = [name for name in ("phone_number_id", "channel_id") if getattr(body, name) is not None]
        if not given:
            raise Wrong(f"{expected} should not be empty")
        if len(given) == 2 or (self._settings.strict_sender and given != [expected]):
            unexpected = next(name for name in given if name != expected)
            raise Wrong(f"property {unexpected} should not exist")
        for sender in self._settings.senders:
            if body.phone_number_id == sender.phone_number_id or body.channel_id == sender.channel_id:
                if sender.status == "paused":
                    raise Refused(code_error(400, "CHANNEL_PAUSED"))
                if sender.status == "active":
                    return sender
        raise Refused(code_error(404, "CHANNEL_NOT_FOUND"))

    def _template(self, name: str, language: str, sender: SandboxSender) -> SandboxTemplate:
        """The template of that name and language. Raises Refused: there is none that may be used."""
        for template in self._settings.templates:
            owned = template.channel_id in (None, sender.channel_id)
            if owned and (template.name, template.language) == (name, language):
                if template.status == "APPROVED" or self._settings.unapproved == "fail":
                    return template
                raise Refused(code_error(400, "TEMPLATE_NOT_APPROVED"))
        raise Refused(code_error(400, "TEMPLATE_NOT_FOUND"))

    def _stamp(self, at: float | None) -> str | None:
        if at is None:
            return None
        moment = datetime.fromtimestamp(self._epoch + at, UTC)
        return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _queued(broadcast_id: str, total: int, dialect: Dialect) -> Said:
    return say(
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
