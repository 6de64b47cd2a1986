"""From the bytes of a delivery to its event, in both dialects of the service. Pure.

The documents show two shapes and leave much unsaid, so this reads whatever is there and asks for nothing:
what cannot be understood is an OtherEvent, never an error. The signature was looked at before.

Source: contract, sections 2.2, 3 and 10.
"""

import re
from collections.abc import Callable, Mapping
from typing import Final, TypedDict

from keebai_async.webhooks.events import (
    AnyWebhookEvent,
    BroadcastCompleted,
    ChannelChanged,
    DeliveryError,
    MessageDelivered,
    MessageFailed,
    MessageRead,
    MessageReceived,
    MessageSent,
    MessageStatus,
    OtherEvent,
    Preference,
    PreferencesChanged,
    TemplateChanged,
)
from keebai_async.webhooks.lenient import (
    JsonMap,
    as_map,
    first_text,
    json_map,
    maps,
    phone,
    text,
    unix_time,
    user_id,
    whole,
)
from keebai_async.webhooks.whautomate import read_whautomate

_EVENT_OF_STATUS: Final[Mapping[str, type[MessageStatus]]] = {
    "sent": MessageSent,
    "delivered": MessageDelivered,
    "read": MessageRead,
    "played": MessageRead,
    "failed": MessageFailed,
}
_META_DATA_NAMES: Final = ("meta_data", "metadata", "biz_opaque_callback_data")
_TEMPLATE_KIND: Final = re.compile(r"whatsapp\.template\.\w+")
_LONGEST_WORD: Final = 200


class _Envelope(TypedDict):
    kind: str
    id: str
    at: float


class _Message(_Envelope):
    message_id: str
    number: str
    user_id: str
    sender: str


def read_event(body: bytes) -> AnyWebhookEvent:
    """What *body* tells. Never raises: a body that is no JSON is an OtherEvent without a kind."""
    envelope = json_map(body)
    if isinstance(envelope.get("event"), dict):  # only Whautomate has an object there
        return read_whautomate(envelope, body)
    kind = first_text(envelope, "type", "event")[:_LONGEST_WORD]
    data = as_map(envelope.get("data"))
    about = _Envelope(
        kind=kind,
        id=first_text(envelope, "id")[:_LONGEST_WORD],
        at=_time_of(envelope, data),
    )
    read = _reader_of(kind, data)
    event = read(about, envelope, data) if read is not None else None
    return OtherEvent(**about, body=body) if event is None else event


_Reader = Callable[[_Envelope, JsonMap, JsonMap], AnyWebhookEvent | None]


def _reader_of(kind: str, data: JsonMap) -> _Reader | None:
    if "user_preferences" in data:
        return _preferences
    if kind == "whatsapp.message.received":
        return _received
    if kind.startswith("whatsapp.message."):
        return _status
    if _TEMPLATE_KIND.fullmatch(kind):
        return _template
    if kind in ("whatsapp.channel.connected", "whatsapp.channel.disconnected"):
        return _channel
    return _broadcast if kind == "whatsapp.broadcast.completed" else None


def _time_of(envelope: JsonMap, data: JsonMap) -> float:
    """The time of what happened, as near to its source as one is given."""
    status = text(data.get("status"))
    places = (data.get("timestamp"), data.get(f"{status}_at"), envelope.get("occurred_at"))
    return next((at for at in map(unix_time, (*places, envelope.get("timestamp"))) if at), 0.0)


def _message(about: _Envelope, data: JsonMap, *, person: tuple[str, ...]) -> _Message:
    people = [data.get(name) for name in person]
    ids = [data.get(name) for name in ("recipient_user_id", "from_user_id", "user_id")]
    return _Message(
        kind=about["kind"],
        id=about["id"],
        at=about["at"],
        message_id=first_text(data, "message_id", "id"),
        number=next(filter(None, map(phone, people)), ""),
        user_id=next(filter(None, map(user_id, (*ids, *people))), ""),
        sender=first_text(data, "phone_number_id"),
    )


def _status(about: _Envelope, envelope: JsonMap, data: JsonMap) -> AnyWebhookEvent | None:
    """Source: contract, section 3.2."""
    told = text(data.get("status")).strip().lower()
    make = _EVENT_OF_STATUS.get(told) or _EVENT_OF_STATUS.get(about["kind"].rpartition(".")[2])
    if make is None:
        return None
    message = _message(about, data, person=("recipient_id", "recipient"))
    meta_data = _meta_data(envelope, data)
    broadcast_id = first_text(data, "broadcast_id")
    if make is MessageFailed:
        errors = tuple(map(_error, maps(data.get("errors") or data.get("error"))))
        return MessageFailed(**message, meta_data=meta_data, broadcast_id=broadcast_id, errors=errors)
    if make is MessageSent:
        return MessageSent(**message, meta_data=meta_data, broadcast_id=broadcast_id)
    if make is MessageDelivered:
        return MessageDelivered(**message, meta_data=meta_data, broadcast_id=broadcast_id)
    return MessageRead(**message, meta_data=meta_data, broadcast_id=broadcast_id)


def _error(given: JsonMap) -> DeliveryError:
    return DeliveryError(
        code=whole(given.get("code"), missing=0),
        title=first_text(given, "title", "message"),
        detail=first_text(as_map(given.get("error_data")), "details"),
    )


def _meta_data(envelope: JsonMap, data: JsonMap) -> dict[str, object]:
    """What we sent with the message, from wherever it stands; a text that is no JSON has no name."""
    for place in (data, envelope):
        for name in _META_DATA_NAMES:
            found = place.get(name)
            if meta_data := as_map(found):
                return meta_data
            if isinstance(found, str) and found:
                return {"": found}
    return {}


def _received(about: _Envelope, _: JsonMap, data: JsonMap) -> AnyWebhookEvent | None:
    """Source: contract, section 3.3."""
    kind = first_text(data, "type")
    words, payload = _words(kind, data)
    contact = {"contact": as_map(data.get("contact")).get("wa_id")}
    message = _message(about, data | contact, person=("from", "contact"))
    return MessageReceived(
        **message,
        message_type=kind,
        text=words,
        payload=payload,
        replies_to=first_text(as_map(data.get("context")), "id", "message_id"),
    )


def _words(kind: str, data: JsonMap) -> tuple[str, str]:
    """What a person wrote, and the payload of what they tapped: taps come in three shapes.

    Source: contract, section 10 number 6.
    """
    interactive = as_map(data.get("interactive"))
    for name in ("button_reply", "list_reply"):
        if reply := as_map(interactive.get(name)):
            return text(reply.get("title")), first_text(reply, "id") or text(reply.get("title"))
    if button := as_map(data.get("button")):
        return text(button.get("text")), first_text(button, "payload", "text")
    written = data.get("text")
    body = written if isinstance(written, str) else text(as_map(written).get("body"))
    body = body or text(data.get("body"))
    return (body, body) if kind in ("button", "interactive") else (body, "")


def _template(about: _Envelope, _: JsonMap, data: JsonMap) -> AnyWebhookEvent | None:
    name = first_text(data, "name", "template_name", "message_template_name")
    if not name:
        return None
    language = first_text(data, "language", "template_language", "message_template_language")
    return TemplateChanged(
        **about,
        name=name,
        language=language.replace("-", "_"),
        status=first_text(data, "status", "event", "new_status").upper(),
        category=first_text(data, "new_category", "category", "message_template_category").upper(),
        reason=first_text(data, "reason"),
    )


def _channel(about: _Envelope, envelope: JsonMap, data: JsonMap) -> AnyWebhookEvent | None:
    return ChannelChanged(
        **about,
        connected=about["kind"].endswith(".connected"),
        channel_id=first_text(data, "channel_id", "id") or first_text(envelope, "channel_id"),
        sender=first_text(data, "phone_number_id"),
    )


def _preferences(about: _Envelope, _: JsonMap, data: JsonMap) -> AnyWebhookEvent | None:
    """Source: contract, section 4.5, "user_preferences"."""
    found = tuple(
        Preference(
            stop=first_text(one, "value").lower() == "stop",
            number=phone(one.get("wa_id")) or phone(one.get("phone_number")),
            user_id=user_id(one.get("user_id")) or user_id(one.get("wa_id")),
            at=unix_time(one.get("timestamp")) or about["at"],
        )
        for one in maps(data.get("user_preferences"))
        if first_text(one, "value").lower() in ("stop", "resume")
        and first_text(one, "category").lower() in ("", "marketing_messages")
    )
    return PreferencesChanged(**about, preferences=found) if found else None


def _broadcast(about: _Envelope, _: JsonMap, data: JsonMap) -> AnyWebhookEvent | None:
    return BroadcastCompleted(
        **about,
        broadcast_id=first_text(data, "broadcast_id", "id"),
        sent=whole(data.get("sent"), missing=-1),
        failed=whole(data.get("failed"), missing=-1),
    )
