"""The bodies of deliveries, in the two dialects of the service's documents.

Source: webhooks contract, sections 2.2, 3.2 and 3.3.
"""

import hashlib
import hmac
import zlib
from typing import Final, Literal

import msgspec

from keebai_async.sandbox.keebai.message_stories import (
    CAPPED,
    PACED,
    STOPPED,
    AccountHappening,
    MessageHappening,
)
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches
from keebai_async.sandbox.replies import JsonObject, timestamp

_TITLES: Final = {
    CAPPED: "This message was not delivered to maintain healthy ecosystem engagement.",
    PACED: "Template is paused due to low quality.",
    STOPPED: "User's preference: stopped marketing messages.",
}


class WebhookEnvelope(msgspec.Struct, frozen=True, kw_only=True):
    """What stands around an event: whose it is. *at* is Unix time."""

    event_id: str
    at: float
    company: str
    channel_id: str | None = None
    subscription_id: str = ""


def event_kind(happening: MessageHappening | AccountHappening) -> str:
    """The name under which one subscribes to it."""
    if isinstance(happening, AccountHappening):
        return happening.kind
    return f"whatsapp.message.{happening.kind}"


def delivery_signature(secret: str, at: int, body: bytes) -> str:
    """What `X-Keebai-Signature` says. Source: webhooks contract, section 2.3."""
    digest = hmac.new(secret.encode(), f"{at}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"


def event_body(
    happening: MessageHappening | AccountHappening,
    envelope: WebhookEnvelope,
    switches: WebhookSwitches,
    *,
    dialect: Literal["docs", "skills"],
    known_by_id: bool,
) -> bytes:
    """One event, as JSON."""
    docs = dialect == "docs"
    top = _top(event_kind(happening), envelope, docs)
    if isinstance(happening, AccountHappening):
        return msgspec.json.encode(top | {"data": happening.data})
    if happening.kind == "received":
        data = _received(happening, envelope, switches, docs, known_by_id)
    else:
        data = _status(happening, envelope, docs, known_by_id)
        if happening.message.meta_data:
            _put_marks(top, data, happening.message.meta_data, switches.marks)
    if switches.odd_types:
        data = {name: _odd(value) for name, value in data.items()}
    return msgspec.json.encode(top | {"data": data})


def _top(kind: str, envelope: WebhookEnvelope, docs: bool) -> JsonObject:
    if docs:
        return {
            "id": envelope.event_id,
            "type": kind,
            "occurred_at": timestamp(envelope.at),
            "company_id": envelope.company,
            "channel_id": envelope.channel_id,
        }
    # Source: webhooks contract, section 3.1: the one name in which the documents differ.
    kind = kind.replace(".status_updated", ".status_update")
    return {"event": kind, "timestamp": timestamp(envelope.at), "webhook_id": envelope.subscription_id}


def _status(happening: MessageHappening, envelope: WebhookEnvelope, docs: bool, by_id: bool) -> JsonObject:
    number = happening.message.number
    data: JsonObject = {
        "phone_number_id": happening.message.sender,
        "message_id": happening.message.message_id,
        "status": happening.kind,
    }
    if by_id:
        data["recipient_user_id"] = scoped_id(number)
    else:
        data["recipient_id" if docs else "recipient"] = number
    if docs:
        data["timestamp"] = str(int(envelope.at))
    elif happening.kind != "sent":
        data[f"{happening.kind}_at"] = timestamp(envelope.at)
    if happening.code:
        data["errors"] = [
            {
                "code": happening.code,
                "title": _TITLES.get(happening.code, "Message undeliverable."),
                "message": _TITLES.get(happening.code, "Message undeliverable."),
                "error_data": {"details": "Simulated by the sandbox."},
            }
        ]
    return data


def _received(
    happening: MessageHappening,
    envelope: WebhookEnvelope,
    switches: WebhookSwitches,
    docs: bool,
    by_id: bool,
) -> JsonObject:
    number = happening.message.number
    who = scoped_id(number) if by_id else number
    kind, content = "text", _text(happening)
    if happening.payload:
        kind, content = _tap(happening, switches.tap_shape)
    data: JsonObject = {
        "phone_number_id": happening.message.sender,
        "from": who,
        "message_id" if docs else "id": f"{happening.message.message_id}.{kind}",
        "type": kind,
        "timestamp": str(int(envelope.at)),
        "text" if "body" in content else kind: content,
    }
    if not docs:
        data["contact"] = {"wa_id": who.removeprefix("+"), "profile": {"name": "Sandbox"}}
    return data


def _text(happening: MessageHappening) -> JsonObject:
    return {"body": happening.text}


def _tap(happening: MessageHappening, shape: str) -> tuple[str, JsonObject]:
    """The type and the content of a tap. Source: webhooks contract, section 10 number 6."""
    if shape == "mixed":
        shape = ("button", "interactive", "body")[zlib.crc32(happening.message.number.encode()) % 3]
    if shape == "interactive":
        reply = {"id": happening.payload, "title": happening.text}
        return "interactive", {"type": "button_reply", "button_reply": reply}
    if shape == "body":
        return "button", {"body": happening.payload}
    return "button", {"payload": happening.payload, "text": happening.text}


def scoped_id(number: str) -> str:
    """A business-scoped id of the person with this number. Source: webhooks contract, section 4.4."""
    return f"AR.{zlib.crc32(number.encode()):010d}{zlib.adler32(number.encode()):010d}"


def _put_marks(top: JsonObject, data: JsonObject, marks: bytes, where: str) -> None:
    if where == "data":
        data["meta_data"] = msgspec.Raw(marks)
    elif where == "envelope":
        top["meta_data"] = msgspec.Raw(marks)
    elif where == "text":
        data["metadata"] = marks.decode()


def _odd(value: object) -> object:
    if isinstance(value, str) and value.isdigit():
        return int(value)
    if isinstance(value, list):
        return [
            {**one, "code": str(one["code"])} if isinstance(one, dict) and "code" in one else one
            for one in value
        ]
    return value
