"""Single deliveries as the service makes them, signed: for who builds a receiver and tries it.

Source: webhooks contract, sections 2 and 3.
"""

import itertools
import secrets
import time
from collections.abc import Mapping
from typing import Final, Literal

import msgspec

from keebai_async.sandbox.keebai.message_stories import (
    UNDELIVERABLE,
    AccountHappening,
    MessageHappening,
    SentMessage,
    paused,
)
from keebai_async.sandbox.keebai.webhook_bodies import WebhookEnvelope, delivery_signature, event_body
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches
from keebai_async.sandbox.replies import JsonObject

SENDER: Final = "100000000000001"
SOMEBODY: Final = "+5491155550101"
_OF_MESSAGES: Final = ("sent", "delivered", "read", "failed", "received", "tapped")
_OF_ACCOUNTS: Final = (
    "template",
    "connected",
    "disconnected",
    "preferences",
    "conversation",
    "escalated",
    "instagram",
    "unknown",
)
SINGLE_EVENTS: Final = (*_OF_MESSAGES, *_OF_ACCOUNTS)
"""The names of all that can be delivered alone."""


class SingleEvent(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one delivery shall tell.

    *text* and *payload* are for what a person wrote or tapped, *code* for a failure, *meta_data* for what was
    sent along, *template* and *status* for a template, *resumes* for a person who takes marketing again.
    """

    kind: str
    number: str = SOMEBODY
    code: int = 0
    text: str = ""
    payload: str = ""
    meta_data: dict[str, object] = {}
    template: str = "promo"
    language: str = "es"
    status: str = "PAUSED"
    resumes: bool = False


class SignedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """One request, as the service makes it: POST *body* with these *headers*."""

    body: bytes
    headers: dict[str, str]


class SignedDeliveries:
    """Makes deliveries that are signed with *secret*, one of its own if none is given.

        deliveries = SignedDeliveries()
        made = deliveries("received", text="STOP")
        client.post("/webhooks/keebai", content=made.body, headers=made.headers)

    *dialect* says which of the service's documents the bodies follow.
    """

    __slots__ = {
        "__dict__": "",
        "__weakref__": "",
        "dialect": "Which of the service's documents the bodies follow.",
        "secret": "With what they are signed.",
    }

    secret: str
    dialect: Literal["docs", "skills"]

    def __init__(self, secret: str | None = None, *, dialect: Literal["docs", "skills"] = "docs") -> None:
        self.secret = secret or f"whsec_{secrets.token_hex(32)}"
        self.dialect = dialect
        self._numbers = itertools.count(1)
        self._run = secrets.token_hex(4)

    def __call__(
        self,
        kind: str,
        number: str = SOMEBODY,
        *,
        code: int = 0,
        text: str = "",
        payload: str = "",
        meta_data: Mapping[str, object] | None = None,
        template: str = "promo",
        language: str = "es",
        status: str = "PAUSED",
        resumes: bool = False,
        signed_at: float | None = None,
        secret: str | None = None,
    ) -> SignedDelivery:
        """One delivery, with an id that no other has.

        *kind* is one of SINGLE_EVENTS. *signed_at* (Unix time, now by default) and another *secret* are for
        deliveries that must not be let in. Raises ValueError for a kind that there is not.
        """
        event = SingleEvent(
            kind=kind,
            number=number,
            code=code,
            text=text,
            payload=payload,
            meta_data=dict(meta_data or {}),
            template=template,
            language=language,
            status=status,
            resumes=resumes,
        )
        return self.of(event, signed_at=signed_at, secret=secret)

    def of(
        self, event: SingleEvent, *, signed_at: float | None = None, secret: str | None = None
    ) -> SignedDelivery:
        """The same, of an event. Raises ValueError."""
        place, now = next(self._numbers), time.time()
        envelope = WebhookEnvelope(
            event_id=f"evt_{self._run}{place:08x}", at=now, company="sandbox", subscription_id="wh_sandbox"
        )
        body = event_body(
            happening_of(event, f"wamid.{self._run}{place:08x}", now),
            envelope,
            WebhookSwitches(),
            dialect=self.dialect,
            known_by_id=False,
        )
        at = int(now if signed_at is None else signed_at)
        signature = delivery_signature(secret or self.secret, at, body)
        return SignedDelivery(
            body=body, headers={"Content-Type": "application/json", "X-Keebai-Signature": signature}
        )


def happening_of(event: SingleEvent, message_id: str, now: float) -> MessageHappening | AccountHappening:
    """What happens, as a feed takes it. Raises ValueError for a kind that there is not."""
    if event.kind in _OF_MESSAGES:
        return _message(event, message_id)
    data: JsonObject
    match event.kind:
        case "template":
            happening = paused(event.template, event.language)
            return msgspec.structs.replace(happening, data=happening.data | {"event": event.status})
        case "connected" | "disconnected":
            data = {"phone_number_id": SENDER, "channel_id": "66aa00000000000000000001"}
            return AccountHappening(kind=f"whatsapp.channel.{event.kind}", data=data)
        case "preferences":
            return AccountHappening(kind="whatsapp.user_preferences", data=_preferences(event, now))
        case "conversation":
            return AccountHappening(kind="conversation.created", data={"contact": event.number})
        case "escalated":
            return AccountHappening(kind="conversation.escalated_to_human", data={"contact": event.number})
        case "instagram":
            data = {"message_id": message_id, "text": {"body": event.text}}
            return AccountHappening(kind="instagram.message.received", data=data)
        case "unknown":
            return AccountHappening(kind="whatsapp.message.reacted", data={"from": event.number})
    raise ValueError(f"there is no event {event.kind}: choose one of {', '.join(SINGLE_EVENTS)}")


def _message(event: SingleEvent, message_id: str) -> MessageHappening:
    kind, text, payload, code = event.kind, event.text, event.payload, event.code
    if kind == "tapped":
        kind, payload, text = "received", payload or "OPT_OUT", text or "No, gracias"
    elif kind == "received":
        text = text or "STOP"
    elif kind == "failed":
        code = code or UNDELIVERABLE
    meta_data = msgspec.json.encode(event.meta_data) if event.meta_data else b""
    message = SentMessage(message_id=message_id, number=event.number, sender=SENDER, meta_data=meta_data)
    return MessageHappening(kind=kind, message=message, code=code, text=text, payload=payload)


def _preferences(event: SingleEvent, now: float) -> JsonObject:
    """As Meta tells it: whether the service passes it on is not said.

    Source: webhooks contract, section 4.5.
    """
    one = {
        "wa_id": event.number.removeprefix("+"),
        "detail": "User requested to resume" if event.resumes else "User requested to stop",
        "category": "marketing_messages",
        "value": "resume" if event.resumes else "stop",
        "timestamp": int(now),
    }
    return {"user_preferences": [one]}
