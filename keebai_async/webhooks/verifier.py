"""Whether a delivery is let in: the pure core of a receiver.

The signature is looked at before anything else, on the bytes as they came; nothing of a body that is not
signed is parsed, kept or logged.

Source: contract, sections 2.3 and 8.
"""

import hmac
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.webhooks.events import AnyWebhookEvent
from keebai_async.webhooks.reading import read_event
from keebai_async.webhooks.signature import (
    OLDEST,
    SIGNATURE_HEADER,
    Headers,
    WebhookSecrets,
    header_values,
    matches,
    read_signature,
)

_SHORTEST_SHARED: Final = 16


class RefusedDelivery(msgspec.Struct, frozen=True, kw_only=True):
    """A delivery that is not let in: the *status* to answer, and why, in words that name nobody."""

    status: int
    reason: str


class SharedHeader:
    """A header that only the service and we know, in place of a signature: Whautomate signs nothing.

    Raises:
        InvalidInput: the value has fewer than 16 characters, or the name is empty.

    Source: contract, section 5.1.
    """

    __slots__ = ("_name", "_value")

    def __init__(self, name: str, value: str) -> None:
        if not name or len(value) < _SHORTEST_SHARED or not value.isascii():
            raise InvalidInput(
                f"a shared header needs a name and a value of {_SHORTEST_SHARED} characters or more:"
                " make a long random one",
                field="secret",
            )
        self._name = name
        self._value = value.encode()

    def is_in(self, headers: Headers) -> bool:
        """Whether the header came, once and with the right value. Compared in constant time."""
        found = [value.encode("utf-8", "surrogateescape") for value in header_values(headers, self._name)]
        return len(found) == 1 and hmac.compare_digest(found[0], self._value)

    def __repr__(self) -> str:
        return f"SharedHeader({self._name!r}, ...)"


Proof = WebhookSecrets | SharedHeader
"""What a delivery must show to be let in."""


def receive(
    headers: Headers, body: bytes, *, now: float, secrets: Proof
) -> AnyWebhookEvent | RefusedDelivery:
    """The event of one delivery, or why it is not let in. *now* is Unix time in seconds."""
    return verify(headers, body, now=now, secrets=secrets) or read_event(body)


def verify(headers: Headers, body: bytes, *, now: float, secrets: Proof) -> RefusedDelivery | None:
    """None if the delivery is the service's own, and fresh; else why not, and what to answer."""
    if isinstance(secrets, SharedHeader):
        return None if secrets.is_in(headers) else _refused("the shared header is missing or wrong")
    values = header_values(headers, SIGNATURE_HEADER)
    if not values:
        return _refused("no signature")
    signature = read_signature(",".join(values))
    if signature is None:
        return _refused("malformed signature")
    fresh = abs(now - int(signature.time)) <= OLDEST
    if not matches(signature, body, secrets.secrets):
        if fresh and secrets.rotating:
            # A 401 is not repeated, and what the new secret signed would be lost.
            return RefusedDelivery(status=503, reason="signed with a secret that is not here yet")
        return _refused("wrong signature")
    return None if fresh else _refused("too old or too new: a replay, or a wrong clock")


def _refused(reason: str) -> RefusedDelivery:
    return RefusedDelivery(status=401, reason=reason)
