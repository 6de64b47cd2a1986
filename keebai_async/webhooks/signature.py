"""The signature of one delivery: how it is made, and how it is read. Pure.

Source: contract, section 2.3.
"""

import hashlib
import hmac
from collections.abc import Iterable, Mapping
from typing import Final, cast

import msgspec

from keebai_async.errors import InvalidInput

SIGNATURE_HEADER: Final = "X-Keebai-Signature"
OLDEST: Final = 300.0
"""Seconds that a signature may be away from our clock, on both sides."""

_HeaderPairs = Iterable[tuple[str | bytes, str | bytes]]
Headers = Mapping[str, str] | _HeaderPairs
"""The headers of a request, as any web framework gives them; a name in any case, and more than once."""

_LONGEST_TIME: Final = 12


class SigningSecret:
    """A secret that deliveries are signed with, as the service gave it, `whsec_` included. It does not print.

    Raises:
        InvalidInput: it is empty, or has a character that no secret of the service has.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        if not secret or not secret.isascii() or not secret.isprintable() or " " in secret:
            raise InvalidInput(
                "the webhook secret is empty, or holds a blank or a character that is no letter or digit:"
                " copy it as the service gave it, whsec_ included",
                field="secret",
            )
        self._secret = secret.encode()

    def reveal(self) -> str:
        """The secret itself; for who writes it where it is kept."""
        return self._secret.decode()

    def digest(self, time: str, body: bytes) -> bytes:
        """The hexadecimal HMAC of a *body* signed at *time*, as the header writes it."""
        return hmac.digest(self._secret, b"%b.%b" % (time.encode(), body), hashlib.sha256).hex().encode()

    def __repr__(self) -> str:
        return "SigningSecret(...)"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SigningSecret) and hmac.compare_digest(other._secret, self._secret)

    def __hash__(self) -> int:
        return hash(self._secret)


class WebhookSecrets:
    """The secrets that a delivery may be signed with: one, or two while they change.

    *rotating* says that the service may sign with a secret that is not here yet: what matches none is then
    not refused for good, but asked for again a little later.

    Raises:
        InvalidInput: there is none, or one of them is no secret.
    """

    __slots__ = {
        "rotating": "Whether a secret that is not here yet may be in use.",
        "secrets": "Each of them; a delivery is compared with all.",
    }

    secrets: tuple[SigningSecret, ...]
    rotating: bool

    def __init__(self, *secrets: str | SigningSecret, rotating: bool = False) -> None:
        if not secrets:
            raise InvalidInput("no webhook secret: give the one that the service gave", field="secret")
        self.secrets = tuple(one if isinstance(one, SigningSecret) else SigningSecret(one) for one in secrets)
        self.rotating = rotating


class Signature(msgspec.Struct, frozen=True):
    """A well-formed signature: *time* as it was written, and every digest that came with it."""

    time: str
    digests: tuple[bytes, ...]


def signature_header(secret: str | SigningSecret, body: bytes, *, at: int) -> str:
    """What `X-Keebai-Signature` says of *body* when it is signed *at*, in Unix seconds."""
    secret = secret if isinstance(secret, SigningSecret) else SigningSecret(secret)
    return f"t={at},v1={secret.digest(str(at), body).decode()}"


def header_values(headers: Headers, name: str) -> list[str]:
    """Every value of the header *name*, in order."""
    wanted = name.lower()
    pairs = cast("_HeaderPairs", headers.items() if isinstance(headers, Mapping) else headers)
    return [_text(value) for key, value in pairs if len(key) == len(wanted) and _text(key).lower() == wanted]


def read_signature(header: str) -> Signature | None:
    """The parts of a signature's header; None if it is malformed.

    Unknown parts are passed over, several digests are all kept. A second time, or one that is not 1 to 12
    digits, makes it malformed.
    """
    time = None
    digests: list[bytes] = []
    for part in header.split(","):
        name, _, value = part.partition("=")
        name, value = name.strip(), value.strip()
        if name == "t":
            if time is not None or not _is_time(value):
                return None
            time = value
        elif name == "v1" and value:
            digests.append(value.encode("utf-8", "surrogateescape"))
    if time is None or not digests:
        return None
    return Signature(time, tuple(digests))


def matches(signature: Signature, body: bytes, secrets: Iterable[SigningSecret]) -> bool:
    """Whether any digest is that of any secret. All are compared, each in constant time."""
    matched = False
    for secret in secrets:
        expected = secret.digest(signature.time, body)
        for digest in signature.digests:
            matched |= hmac.compare_digest(digest, expected)
    return matched


def _is_time(text: str) -> bool:
    return 0 < len(text) <= _LONGEST_TIME and text.isascii() and text.isdigit()


def _text(value: str | bytes) -> str:
    return value if isinstance(value, str) else value.decode("latin-1")
