"""What can be set about the webhooks of the sandbox's Whautomate; all of it may be changed while it runs."""

from typing import TypedDict

import msgspec


class WhautomateWebhookOptions(TypedDict, total=False):
    """The fields of WhautomateWebhookSwitches, all optional."""

    each_status: bool
    reply_text: str
    tagged: bool
    quoted: bool
    plus: bool
    duplicates: float
    disorder: float
    lost: float
    without_header: float
    retries: int
    slow: float
    timeout: float
    at_once: int


class WhautomateWebhookSwitches(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How its webhooks behave; hardly anything of it is documented. Shares are 0 to 1; times are seconds.

    Source: webhooks contract, sections 5 and 9.
    """

    each_status: bool = True
    """Whether a change of a message's status makes another event, or the first one is all."""
    reply_text: str = "Gracias"
    """What those write who reply."""
    tagged: bool = False
    """Whether those who reply get the tag `Unsubscribe`, which is told too."""
    quoted: bool = False
    """Every value as a text, as the page's samples have it; else as a delivery that was really received."""
    plus: bool = True
    """Numbers with their plus."""
    duplicates: float = 0.0
    """Of the deliveries: made twice."""
    disorder: float = 0.0
    """Each event comes up to so many seconds later than it happened."""
    lost: float = 0.0
    """Of the events: never delivered."""
    without_header: float = 0.0
    """Of the deliveries: without the subscription's own headers, as somebody else would make them."""
    retries: int = 0
    """How often one is repeated that was not answered 2xx, a minute later each."""
    slow: float = 0.0
    """Seconds between the two halves of a body."""
    timeout: float = 30.0
    """Seconds of real time that an answer may take."""
    at_once: int = 16
    """Deliveries on their way at the same time."""
