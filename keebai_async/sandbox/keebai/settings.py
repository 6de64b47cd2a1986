"""What can be set about a sandbox, as data; the dialect and the switches may be changed while it runs."""

import enum
from typing import Final, Literal, TypedDict

import msgspec

from keebai_async.sandbox.keebai.catalogue import (
    DEFAULT_SENDERS,
    DEFAULT_TEMPLATES,
    SandboxSender,
    SandboxTemplate,
    SandboxToken,
    own_token,
)
from keebai_async.sandbox.keebai.delivery import Order
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches
from keebai_async.sandbox.replies import Complaints
from keebai_async.sandbox.throttle import ThrottlerVersion, Window


class Dialect(enum.Enum):
    """Which half of the service's documents it answers like. Source: contract, section 11, last paragraph."""

    GUIDE = "guide"
    OPENAPI = "openapi"
    MIXED = "mixed"
    """Alternates from request to request."""


OrderName = Literal["line", "shared", "own"]
DEFAULT_MAX_BODY: Final = 16 * 1024 * 1024
DEFAULT_WINDOWS: Final = (Window("minute", 60, 60.0), Window("hour", 1_000, 3_600.0))
"""Source: contract, section 6."""


class SandboxOptions(TypedDict, total=False):
    """The keywords of Sandbox that go into its SandboxSettings, all optional."""

    dialect: Dialect
    windows: tuple[Window, ...]
    throttler: ThrottlerVersion
    rate_headers: bool
    failing: float
    seed: int
    delivery_rate: float
    order: OrderName | Order
    templates: tuple[SandboxTemplate, ...]
    senders: tuple[SandboxSender, ...]
    tokens: tuple[SandboxToken, ...]
    complaints: Complaints | None
    strict_sender: bool
    forbid_unknown: bool
    accept_at_most: int | None
    max_body: int
    components: bool
    unapproved: Literal["refuse", "fail"]
    malformed: set[str]
    webhooks: WebhookSwitches


class SandboxSettings(msgspec.Struct, kw_only=True):
    """How a sandbox behaves.

    *windows*, *throttler*, *delivery_rate* and *order* are read when it starts, the rest at every request.
    """

    dialect: Dialect = Dialect.OPENAPI
    windows: tuple[Window, ...] = DEFAULT_WINDOWS
    throttler: ThrottlerVersion = ThrottlerVersion.BLOCKS
    rate_headers: bool = True
    """Whether replies carry X-RateLimit-* and Retry-After-* at all; the service's page shows none."""
    failing: float = 0.0
    """The share of numbers, 0 to 1, that never get anything, picked by a hash of number and seed."""
    seed: int = 0
    delivery_rate: float = 80.0
    """Messages a second and sender. Source: contract, section 10, "Throughput"."""
    order: OrderName | Order = Order.LINE
    templates: tuple[SandboxTemplate, ...] = DEFAULT_TEMPLATES
    senders: tuple[SandboxSender, ...] = DEFAULT_SENDERS
    tokens: tuple[SandboxToken, ...] = msgspec.field(default_factory=lambda: (own_token(),))
    """Without any it has one of its own, as no other sandbox has."""
    complaints: Complaints | None = None
    """How a request that does not validate is refused; None is as the dialect does it."""
    strict_sender: bool = False
    """Take only the dialect's own sender field: channel_id in guide, phone_number_id in openapi."""
    forbid_unknown: bool = True
    """Refuse body fields that nobody documented."""
    accept_at_most: int | None = None
    """Accept no more than so many of a bulk's people, and say so in total_recipients."""
    max_body: int = DEFAULT_MAX_BODY
    """Bytes; a longer body is answered 413."""
    components: bool = True
    """List templates with their text, in a field that the list's page does not show."""
    unapproved: Literal["refuse", "fail"] = "refuse"
    """What becomes of a send with a template that is not approved: 400, or everybody fails later."""
    malformed: set[str] = msgspec.field(default_factory=set)
    """Numbers that this server alone finds malformed."""
    webhooks: WebhookSwitches = msgspec.field(default_factory=WebhookSwitches)
    """What its webhooks tell, and how they go wrong."""
