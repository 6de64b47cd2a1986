"""What can be set about the sandbox's webhooks, as data; all of it may be changed while it runs."""

from typing import Literal, TypedDict

import msgspec


class WebhookOptions(TypedDict, total=False):
    """The fields of WebhookSwitches, all optional."""

    dialect: Literal["docs", "skills", "mixed"]
    reading: float
    delivered_after: float
    read_after: float
    capped: float
    stopped: float
    paced: float
    failed_first: float
    failed_after: float
    replying: float
    reply_text: str
    tapping: float
    tap_payload: str
    tap_shape: Literal["button", "interactive", "body", "mixed"]
    duplicates: float
    disorder: float
    lost: float
    before_answer: float
    without_delivered: float
    marks: Literal["data", "envelope", "text", "none"]
    without_number: float
    odd_types: bool
    unknown_kinds: float
    wrong_signature: float
    clock_off: float
    slow: float
    padding: int
    retries: Literal["docs", "skills"]
    disable_after: int | None
    timeout: float
    at_once: int


class WebhookSwitches(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """How the sandbox's webhooks behave. Shares are 0 to 1, of people or of deliveries; times are seconds.

    Whose fate is which follows from the number and the sandbox's seed: the same people each time.

    Source: webhooks contract, section 9.
    """

    dialect: Literal["docs", "skills", "mixed"] = "docs"
    """Which documents the bodies follow; `mixed` alternates."""
    reading: float = 0.6
    """Of those who get it."""
    delivered_after: float = 2.0
    """After `sent`, at most, on the sandbox's clock."""
    read_after: float = 30.0
    """After `delivered`, at most."""
    capped: float = 0.0
    """Of those who fail: with 131049, the limit of marketing messages. All others fail with 131026."""
    stopped: float = 0.0
    """Of those who fail: with 131050, they stopped marketing messages."""
    paced: float = 0.0
    """Of those who fail: with 132015, and the template is told as paused, once for each broadcast."""
    failed_first: float = 0.0
    """Of those who get it: told as failed before they are told as delivered."""
    failed_after: float = 0.0
    """Of those who get it: told as failed after they are told as delivered."""
    replying: float = 0.0
    """Of those who get it: they write `reply_text`."""
    reply_text: str = "STOP"
    tapping: float = 0.0
    """Of those who get it: they tap a button with `tap_payload`."""
    tap_payload: str = "OPT_OUT"
    tap_shape: Literal["button", "interactive", "body", "mixed"] = "button"
    """Which of the three shapes that documents have a tap comes in; `mixed` goes by the number."""
    duplicates: float = 0.0
    """Of the deliveries: made twice."""
    disorder: float = 0.0
    """Each event comes up to so many seconds later than it happened."""
    lost: float = 0.0
    """Of the events: never delivered."""
    before_answer: float = 0.0
    """Seconds by which the answer to a send comes later, so that its events come before it."""
    without_delivered: float = 0.0
    """Of those who read: no `delivered` is told."""
    marks: Literal["data", "envelope", "text", "none"] = "data"
    """Where `meta_data` comes back: in data, beside it, as JSON in a text, or nowhere."""
    without_number: float = 0.0
    """Of the people: known by a business-scoped id alone."""
    odd_types: bool = False
    """Numbers as texts, texts as numbers."""
    unknown_kinds: float = 0.0
    """Of the events: followed by one of a kind that no document has."""
    wrong_signature: float = 0.0
    """Of the deliveries: signed with another secret, and not repeated."""
    clock_off: float = 0.0
    """How far the clock that signs is ahead."""
    slow: float = 0.0
    """Seconds between the two halves of a body."""
    padding: int = 0
    """Bytes of blanks behind each body."""
    retries: Literal["docs", "skills"] = "docs"
    """What is repeated, and when: see webhooks contract, section 2.4."""
    disable_after: int | None = 50
    """Failures in a row after which a subscription is switched off; None is never."""
    timeout: float = 30.0
    """Seconds of real time that an answer may take."""
    at_once: int = 16
    """Deliveries on their way at the same time."""
