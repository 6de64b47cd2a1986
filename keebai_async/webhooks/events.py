"""What a webhook can tell, as typed events; what nobody knows passes as OtherEvent.

Numbers, texts and names of people are in here: none of it belongs into a log. `key` and `kind` do not name
anybody.

Source: contract, sections 3 and 6.
"""

import hashlib

import msgspec

from keebai_async.model.fates import Fate
from keebai_async.model.result import Result


class DeliveryError(msgspec.Struct, frozen=True, kw_only=True):
    """Why a message failed. *code* is Meta's, 0 if none was given; the words are the service's own."""

    code: int = 0
    title: str = ""
    detail: str = ""


class WebhookEvent(Result, frozen=True, kw_only=True):
    """Something that the service told. Times are Unix seconds, 0.0 where none was given."""

    kind: str
    """As the service wrote it, such as `whatsapp.message.read`."""
    id: str = ""
    """The event's own id, the same in every repeat; empty where the service gives none."""
    at: float = 0.0
    """When it happened, by the service's clock."""

    @property
    def key(self) -> str:
        """Equal for repeats of one event, whether or not the service gave it an id."""
        return self.id or _hash(self.kind, *self.identity())

    def identity(self) -> tuple[str, ...]:
        """What tells it from others of its kind, where it has no id."""
        return (msgspec.json.encode(self).decode(),)


class MessageEvent(WebhookEvent, frozen=True, kw_only=True):
    """Something about one message.

    *number* is in E.164 with its plus, *user_id* Meta's business-scoped id of a person; either may be empty.
    """

    message_id: str = ""
    number: str = ""
    user_id: str = ""
    sender: str = ""
    """Our side, a `phone_number_id`."""

    def identity(self) -> tuple[str, ...]:
        return (self.message_id or self.number or self.user_id, str(self.at))


class MessageStatus(MessageEvent, frozen=True, kw_only=True):
    """What became of a message that was sent. *meta_data* is what we sent with it, if it came back."""

    fate: Fate = Fate.NONE
    meta_data: dict[str, object] = msgspec.field(default_factory=dict)
    broadcast_id: str = ""
    """No example of the service has one; taken where it comes."""


class MessageSent(MessageStatus, frozen=True, kw_only=True):
    """Meta took it."""

    fate: Fate = Fate.SENT


class MessageDelivered(MessageStatus, frozen=True, kw_only=True):
    """It is on the person's device."""

    fate: Fate = Fate.DELIVERED


class MessageRead(MessageStatus, frozen=True, kw_only=True):
    """The person opened it. That none comes says nothing: many people keep that to themselves."""

    fate: Fate = Fate.READ


class MessageFailed(MessageStatus, frozen=True, kw_only=True):
    """It did not arrive, as far as this event knows: one that was delivered is delivered all the same."""

    fate: Fate = Fate.FAILED
    errors: tuple[DeliveryError, ...] = ()

    @property
    def code(self) -> int:
        """Meta's code of the first error that has one, 0 without."""
        return next((each.code for each in self.errors if each.code), 0)


class MessageReceived(MessageEvent, frozen=True, kw_only=True):
    """A person wrote, or tapped a button.

    *text* is what was written, or the button's words; *payload* the id or payload of what was tapped, empty
    for a text that was typed.
    """

    message_type: str = ""
    text: str = ""
    payload: str = ""
    replies_to: str = ""
    """The id of our message that it answers, where that is given."""


class TemplateChanged(WebhookEvent, frozen=True, kw_only=True):
    """A template was approved, paused, rejected, put into another category. Words as Meta writes them."""

    name: str = ""
    language: str = ""
    status: str = ""
    """Such as `PAUSED`, in capitals."""
    category: str = ""
    reason: str = ""


class ChannelChanged(WebhookEvent, frozen=True, kw_only=True):
    """A sender was connected, or went away."""

    connected: bool
    channel_id: str = ""
    sender: str = ""


class Preference(msgspec.Struct, frozen=True, kw_only=True):
    """What one person said of marketing messages: no more of them (*stop*), or again."""

    stop: bool
    number: str = ""
    user_id: str = ""
    at: float = 0.0


class PreferencesChanged(WebhookEvent, frozen=True, kw_only=True):
    """People who stopped marketing messages, or take them again."""

    preferences: tuple[Preference, ...]


class BroadcastCompleted(WebhookEvent, frozen=True, kw_only=True):
    """A broadcast has ended, with the service's own counters; -1 where one was not given."""

    broadcast_id: str = ""
    sent: int = -1
    failed: int = -1


class OtherEvent(WebhookEvent, frozen=True, kw_only=True):
    """Something of a kind that is not known here, or whose content could not be understood."""

    body: bytes = b""
    """All of it, as it came."""

    def identity(self) -> tuple[str, ...]:
        return (self.body.decode("latin-1"),)


AnyWebhookEvent = (
    MessageSent
    | MessageDelivered
    | MessageRead
    | MessageFailed
    | MessageReceived
    | TemplateChanged
    | ChannelChanged
    | PreferencesChanged
    | BroadcastCompleted
    | OtherEvent
)


def _hash(*parts: str) -> str:
    return hashlib.blake2b("\n".join(parts).encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()
