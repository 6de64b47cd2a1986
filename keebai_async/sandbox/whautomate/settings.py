"""What can be set about the sandbox's Whautomate. Most of it is what nobody documented."""

import enum
import secrets
from typing import Final, Literal, TypedDict

import msgspec

from keebai_async.sandbox.throttle import ThrottlerVersion, Window
from keebai_async.sandbox.whautomate.audience import DEFAULT_CONTACTS, SandboxContact
from keebai_async.sandbox.whautomate.webhook_switches import WhautomateWebhookSwitches

DEFAULT_KEY: Final = "wh_sandbox_key_0001"
"""Always the same: for a sandbox that programs reach at a port that stays."""


def own_key() -> str:
    """A key like no other: see `own_token` of the other sandbox."""
    return f"wh_sandbox_key_{secrets.token_hex(8)}"


WHAUTOMATE_WINDOWS: Final = (Window("default", 100, 60.0),)
"""Source: contract, section 2."""

DEFAULT_ERRORS: Final = (
    "(#131026) Message undeliverable",
    "This message was not delivered to maintain healthy ecosystem engagement. code: 131049",
    "Error 131050: the user has stopped marketing messages from your business",
    "Something went wrong",
)


class ErrorShape(enum.Enum):
    """How a refusal is worded; none is documented. Source: contract, section 8."""

    ERROR_TEXT = "error text"
    """`{"error": "..."}`"""
    ERROR_OBJECT = "error object"
    """`{"error": {"message": "..."}}`"""
    MESSAGE = "message"
    """`{"message": "..."}`"""
    TEXT = "text"
    """`"..."`, a JSON string"""
    SUCCESS_FALSE = "success false"
    """`{"success": false, "message": "..."}`"""
    PLAIN = "plain"
    """Words that are no JSON at all."""


class WhautomateSandboxOptions(TypedDict, total=False):
    """The keywords of WhautomateSandbox that go into its WhautomateSandboxSettings, all optional."""

    keys: tuple[str, ...]
    locations: tuple[str, ...]
    contacts: tuple[SandboxContact, ...]
    crowds: dict[str, int]
    unsubscribed_every: int
    windows: tuple[Window, ...]
    throttler: ThrottlerVersion
    rate_headers: bool
    throttled_body: bytes
    error_shape: ErrorShape
    errors_as_success: bool
    first_page: int
    before_first: Literal["first", "empty", "refuse", "fail"]
    default_limit: int
    max_limit: int
    over_limit: Literal["cap", "refuse"]
    ignores_page: bool
    reordered: bool
    membership: Literal["start", "creation"]
    delivery_rate: float
    failing: float
    errors: tuple[str, ...]
    read: float
    replied: float
    repeats_country_code: bool
    wrapped: bool
    any_id: bool
    webhooks: WhautomateWebhookSwitches


class WhautomateSandboxSettings(msgspec.Struct, kw_only=True):
    """How it behaves. *windows* and *throttler* are read when it starts, the rest at every request."""

    keys: tuple[str, ...] = msgspec.field(default_factory=lambda: (own_key(),))
    locations: tuple[str, ...] = ("LOC0000001",)
    contacts: tuple[SandboxContact, ...] = DEFAULT_CONTACTS
    crowds: dict[str, int] = msgspec.field(default_factory=lambda: {"everyone": 1_000})
    """By tag, how many generated people carry it besides the contacts."""
    unsubscribed_every: int = 50
    """One in so many of a crowd wrote STOP; 0 is nobody."""
    windows: tuple[Window, ...] = WHAUTOMATE_WINDOWS
    throttler: ThrottlerVersion = ThrottlerVersion.BLOCKS
    rate_headers: bool = False
    """Whether replies carry X-RateLimit-* and Retry-After; none is documented."""
    throttled_body: bytes = b'{"message":"Too many requests"}'
    error_shape: ErrorShape = ErrorShape.ERROR_TEXT
    errors_as_success: bool = False
    """Answer refusals with 200, with the error inside."""
    first_page: int = 1
    before_first: Literal["first", "empty", "refuse", "fail"] = "first"
    """What a page before the first is: the first, an empty one, 400 or 500."""
    default_limit: int = 20
    max_limit: int = 100
    over_limit: Literal["cap", "refuse"] = "cap"
    """A limit above the greatest is lowered to it without a word, or answered 400."""
    ignores_page: bool = False
    """Always answer with the first page."""
    reordered: bool = False
    """A log is listed in another order while the broadcast goes on: the row that changed last comes first."""
    membership: Literal["start", "creation"] = "start"
    """When it is decided who is in a broadcast's segments."""
    delivery_rate: float = 80.0
    """Messages a second of one broadcast."""
    failing: float = 0.02
    """The share of people who are never reached."""
    errors: tuple[str, ...] = DEFAULT_ERRORS
    read: float = 0.6
    replied: float = 0.05
    repeats_country_code: bool = False
    """The phone of a log row repeats the country code that stands beside it."""
    wrapped: bool = False
    """Lists come as `{"data": [...]}`, and objects inside `data`."""
    any_id: bool = False
    """Take any id of a segment or location in a broadcast; a segment that is not there holds everybody."""
    webhooks: WhautomateWebhookSwitches = msgspec.field(default_factory=WhautomateWebhookSwitches)
    """What its webhooks tell, and how they go wrong."""
