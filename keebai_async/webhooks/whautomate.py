"""A delivery of Whautomate as an event. Its samples quote every value, what was captured does not: both pass.

Source: contract, section 5.3.
"""

from collections.abc import Callable, Mapping
from typing import Final

from keebai_async.model.meta_codes import code_in
from keebai_async.webhooks.events import (
    AnyWebhookEvent,
    DeliveryError,
    MessageDelivered,
    MessageFailed,
    MessageRead,
    MessageReceived,
    MessageSent,
    OtherEvent,
    Preference,
    PreferencesChanged,
)
from keebai_async.webhooks.lenient import JsonMap, as_map, first_text, flag, phone, text, unix_time

_UNSUBSCRIBED: Final = "unsubscribe"
_EVENT_OF_WORD: Final[Mapping[str, type[MessageSent | MessageDelivered | MessageRead]]] = {
    "sent": MessageSent,
    "delivered": MessageDelivered,
    "read": MessageRead,
}


def read_whautomate(envelope: JsonMap, body: bytes) -> AnyWebhookEvent:
    """What a delivery tells; one that is not understood is an OtherEvent."""
    about = as_map(envelope["event"])
    kind = first_text(about, "type")
    at = unix_time(about.get("timeStamp"))
    other = OtherEvent(kind=kind, id=first_text(about, "id"), at=at, body=body)
    readers: Mapping[str, Callable[[JsonMap, OtherEvent], AnyWebhookEvent | None]] = {
        "incoming_whatsapp_message": _received,
        "outgoing_whatsapp_message": _status,
        "contact_tag_added": lambda given, about: _tagged(given, about, stop=True),
        "contact_tag_removed": lambda given, about: _tagged(given, about, stop=False),
    }
    read = readers.get(kind)
    event = read(envelope, other) if read is not None else None
    return other if event is None else event


def _received(envelope: JsonMap, about: OtherEvent) -> AnyWebhookEvent | None:
    message = as_map(envelope.get("message"))
    if not message or flag(message.get("isIncoming")) is False:
        return None
    kind = first_text(message, "type").lower()
    words = text(message.get("text"))
    return MessageReceived(
        kind=about.kind,
        id=about.id,
        at=about.at,
        message_id=first_text(message, "id"),
        number=_number(message),
        message_type=kind,
        text=words,
        payload=words if kind in ("button", "interactive") else "",
        replies_to=first_text(as_map(message.get("replyToMessage")), "id"),
    )


def _status(envelope: JsonMap, about: OtherEvent) -> AnyWebhookEvent | None:
    """The status words are not documented: Meta's are understood, all others pass."""
    message = as_map(envelope.get("message"))
    told = first_text(message, "status").lower()
    # Without an id of the event, a message's repeated events differ in this time.
    at = unix_time(message.get("updatedAt")) or unix_time(message.get("timestamp")) or about.at
    message_id, number = first_text(message, "id"), _number(message)
    if told == "failed":
        words = first_text(message, "errorMessage")
        error = DeliveryError(code=code_in(words) or 0, title=words)
        return MessageFailed(
            kind=about.kind, id=about.id, at=at, message_id=message_id, number=number, errors=(error,)
        )
    make = _EVENT_OF_WORD.get(told)
    if make is None:
        return None
    return make(kind=about.kind, id=about.id, at=at, message_id=message_id, number=number)


def _tagged(envelope: JsonMap, about: OtherEvent, *, stop: bool) -> AnyWebhookEvent | None:
    """A tag that the account's STOP rule sets. The event does not say which tag it is about.

    So a tag that was added counts as a stop while `Unsubscribe` is among the person's tags; one that was
    removed, as consent given again, is not read: what it removed is not said.
    """
    contact = as_map(envelope.get("contact"))
    if not stop or _UNSUBSCRIBED not in text_tags(contact.get("tags")):
        return None
    preference = Preference(stop=True, number=phone(contact.get("phoneNumber")), at=about.at)
    return PreferencesChanged(kind=about.kind, id=about.id, at=about.at, preferences=(preference,))


def text_tags(value: object) -> set[str]:
    """The tags in small letters, of a list or of a text that holds one, however broken."""
    found = value if isinstance(value, list) else text(value).strip(" []").split(",")
    return {text(tag).strip(" \"'").lower() for tag in found} - {""}


def _number(message: JsonMap) -> str:
    return phone(as_map(message.get("contact")).get("phoneNumber")) or phone(message.get("from"))
