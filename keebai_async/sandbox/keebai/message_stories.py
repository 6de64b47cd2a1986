"""What becomes of each message after it was sent, as events with their times. Pure.

Source: webhooks contract, sections 4.2, 4.3 and 6.
"""

import hashlib
from collections.abc import Iterator

import msgspec

from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches
from keebai_async.sandbox.replies import JsonObject

UNDELIVERABLE, CAPPED, STOPPED, PACED = 131026, 131049, 131050, 132015
RANKS = {"sent": 1, "failed": 2, "delivered": 3, "read": 4}
"""Which of two words about one message counts."""


class SentMessage(msgspec.Struct, frozen=True, kw_only=True):
    """One message that left: to whom, by whom, and what was sent along (JSON, empty for nothing)."""

    message_id: str
    number: str
    sender: str
    meta_data: bytes = b""


class MessageHappening(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to a message, or that its person did. *after* is seconds after it was sent."""

    kind: str
    """`sent`, `delivered`, `read`, `failed`, `received`, or a kind that nobody knows."""
    message: SentMessage
    after: float = 0.0
    code: int = 0
    text: str = ""
    payload: str = ""


class AccountHappening(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened to the account: its name, and the event's `data`."""

    kind: str
    data: JsonObject
    after: float = 0.0


def chosen(share: float, what: str, number: str, seed: int) -> bool:
    """Whether a number is among *share* of all for *what*: for one seed always the same numbers."""
    return share > 0 and chance(what, number, seed) < share


def chance(what: str, number: str, seed: int) -> float:
    """A number from 0 to 1 that looks like chance."""
    # Not a checksum: two of those over one number, with other words before it, are not independent.
    digest = hashlib.blake2b(f"{seed} {what} {number}".encode(), digest_size=4).digest()
    return int.from_bytes(digest, "big") / 2**32


def story(
    message: SentMessage, switches: WebhookSwitches, *, fails: bool, seed: int
) -> Iterator[MessageHappening]:
    """Everything that happens to a message, in the order in which it happens."""
    number = message.number

    def happens(kind: str, after: float = 0.0, **more: object) -> MessageHappening:
        return MessageHappening(kind=kind, message=message, after=after, **more)  # type: ignore[arg-type]

    def is_(share: float, what: str) -> bool:
        return chosen(share, what, number, seed)

    if fails:
        yield happens("failed", code=_code(number, switches, seed))
        return
    yield happens("sent")
    delivered = switches.delivered_after * chance("delivered", number, seed)
    read = delivered + switches.read_after * chance("read after", number, seed)
    if is_(switches.failed_first, "failed first"):
        yield happens("failed", delivered / 2, code=UNDELIVERABLE)
    reads = is_(switches.reading, "reading")
    if not (reads and is_(switches.without_delivered, "without delivered")):
        yield happens("delivered", delivered)
    if reads:
        yield happens("read", read)
    if is_(switches.failed_after, "failed after"):
        yield happens("failed", read + 0.5, code=UNDELIVERABLE)
    if is_(switches.replying, "replying"):
        yield happens("received", read + 1.0, text=switches.reply_text)
    if is_(switches.tapping, "tapping"):
        yield happens("received", read + 2.0, text="No, gracias", payload=switches.tap_payload)
    if is_(switches.unknown_kinds, "unknown kind"):
        yield happens("reacted", read + 3.0)


def _code(number: str, switches: WebhookSwitches, seed: int) -> int:
    share = chance("code", number, seed)
    for part, code in ((switches.capped, CAPPED), (switches.stopped, STOPPED), (switches.paced, PACED)):
        if share < part:
            return code
        share -= part
    return UNDELIVERABLE


def paused(template: str, language: str) -> AccountHappening:
    """A template is paused. The content is Meta's: what the service makes of it is not shown anywhere.

    Source: webhooks contract, sections 3.4 and 4.5.
    """
    return AccountHappening(
        kind="whatsapp.template.status_updated",
        data={
            "event": "PAUSED",
            "message_template_name": template,
            "message_template_language": language,
            "reason": "NONE",
            "other_info": {"title": "FIRST_PAUSE"},
        },
    )
