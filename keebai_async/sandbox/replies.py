"""What the sandbox answers, and the documented bodies of its refusals."""

import enum
from collections.abc import Mapping, Sequence
from http import HTTPStatus

import msgspec


class Said(msgspec.Struct, frozen=True):
    """An answer, ready to be written."""

    status: int
    body: bytes
    headers: tuple[tuple[str, str], ...] = ()


class Refused(Exception):
    """The request is in order, but what it asks for cannot be done. It never leaves the sandbox."""

    def __init__(self, said: Said) -> None:
        super().__init__(said.status)
        self.said = said


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
    # Python has changed its mind about the name of 413, the service's framework has not.
    return "Payload Too Large" if status == 413 else HTTPStatus(status).phrase


def say(status: int, content: object) -> Said:
    """*content* as JSON."""
    return Said(status, msgspec.json.encode(content))


def code_error(status: int, code: str, details: Mapping[str, object] | None = None) -> Said:
    """An error in envelope A."""
    error: dict[str, object] = {"code": code, "message": _phrase(status)}
    if details is not None:
        error["details"] = details
    return say(status, {"error": error})


def nest_error(status: int, message: str | Sequence[str] | None = None) -> Said:
    """An error in envelope B."""
    phrase = _phrase(status)
    return say(status, {"message": message or phrase, "error": phrase, "statusCode": status})


def invalid(wrong: Sequence[str], how: Complaints, *, status: int = 400, code: str = "BAD_REQUEST") -> Said:
    """A refusal of a request that has *wrong* with it, at least one complaint."""
    words: str | list[str] = _phrase(status)
    if how.named:
        words = list(wrong) if how.listed else wrong[0]
    if how.envelope is Envelope.NEST:
        return nest_error(status, words)
    return say(status, {"error": {"code": code, "message": words}})


def unauthorized() -> Said:
    return nest_error(401, "Invalid or missing API token")


def throttled(headers: tuple[tuple[str, str], ...]) -> Said:
    """Source: contract, section 6: this body has no `error` key."""
    body = msgspec.json.encode({"message": "ThrottlerException: Too Many Requests", "statusCode": 429})
    return Said(429, body, headers)
