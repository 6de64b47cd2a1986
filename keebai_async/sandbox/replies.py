"""What the sandbox answers, and the documented bodies of its refusals."""

import enum
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from http import HTTPStatus

import msgspec

HeaderPairs = tuple[tuple[str, str], ...]
JsonObject = dict[str, object]


class SandboxReply(msgspec.Struct, frozen=True):
    """A reply, ready to be written."""

    status: int
    body: bytes
    headers: HeaderPairs = ()


class RequestRefused(Exception):
    """The request is in order, but what it asks for cannot be done. It never leaves the sandbox."""

    def __init__(self, reply: SandboxReply) -> None:
        super().__init__(reply.status)
        self.reply = reply


class Envelope(enum.Enum):
    """The two documented shapes of an error. Source: contract, section 5."""

    CODE = "code"
    """A: `{"error": {"code", "message", "details"?}}`."""
    NEST = "nest"
    """B: `{"message", "error"?, "statusCode"}`."""


class Complaints(msgspec.Struct, frozen=True, kw_only=True):
    """How a request that does not validate is refused."""

    envelope: Envelope = Envelope.NEST
    named: bool = True
    """Say what is wrong (`recipients.17.to must be a phone number`), or nothing but the reason phrase."""
    listed: bool = True
    """All complaints as a list, or the first one as a string."""


def _phrase(status: int) -> str:
    # Python's name for 413 is another in each of its versions; this is that of the service's framework.
    return "Payload Too Large" if status == 413 else HTTPStatus(status).phrase


def json_reply(status: int, content: object) -> SandboxReply:
    """*content* as JSON."""
    return SandboxReply(status, msgspec.json.encode(content))


def timestamp(at: float) -> str:
    """*at*, in seconds since 1970, as both services write it: `2026-01-01T12:00:00.000Z`."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def code_error(status: int, code: str, details: Mapping[str, object] | None = None) -> SandboxReply:
    """An error in envelope A."""
    error: JsonObject = {"code": code, "message": _phrase(status)}
    if details is not None:
        error["details"] = details
    return json_reply(status, {"error": error})


def nest_error(status: int, message: str | Sequence[str] | None = None) -> SandboxReply:
    """An error in envelope B."""
    phrase = _phrase(status)
    return json_reply(status, {"message": message or phrase, "error": phrase, "statusCode": status})


def invalid(
    wrong: Sequence[str], how: Complaints, *, status: int = 400, code: str = "BAD_REQUEST"
) -> SandboxReply:
    """The refusal of a request that does not validate. *wrong* are one or more sentences about it."""
    words: str | list[str] = _phrase(status)
    if how.named:
        words = list(wrong) if how.listed else wrong[0]
    if how.envelope is Envelope.NEST:
        return nest_error(status, words)
    return json_reply(status, {"error": {"code": code, "message": words}})


def unauthorized() -> SandboxReply:
    return nest_error(401, "Invalid or missing API token")


def throttled(headers: HeaderPairs) -> SandboxReply:
    """Source: contract, section 6: this body has no `error` key."""
    body = msgspec.json.encode({"message": "ThrottlerException: Too Many Requests", "statusCode": 429})
    return SandboxReply(429, body, headers)
