"""What came back for one request on the wire, or how it failed: values, not judged yet."""

import enum

import msgspec

from keebai_async.privacy import shown

_NOT_WRITTEN = "nothing of the request was written"


def mark_unwritten(error: BaseException) -> None:
    """Say on a cancellation that no byte of the request had left."""
    vars(error)[_NOT_WRITTEN] = True


def stage_of(error: BaseException) -> "Stage":
    """How far a request came that *error* ended; in doubt, some of it may have left."""
    return Stage.NOT_WRITTEN if _NOT_WRITTEN in vars(error) else Stage.WRITTEN


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """A status line arrived. *complete* is false if the body was cut off, not readable or over the cap."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    complete: bool = True

    def header(self, name: str) -> str | None:
        """The first header of this name, whatever its case."""
        name = name.lower()
        return next((value for key, value in self.headers if key.lower() == name), None)

    @property
    def packing(self) -> str:
        """Words for a body that was not read whole and is packed, which we do not ask for; else none."""
        name = shown(self.header("Content-Encoding") or "", longest=40)
        if self.complete or name.lower() in {"", "identity"}:
            return ""
        return f", or cannot be unpacked (Content-Encoding: {name}, which was not asked for)"


class Stage(enum.Enum):
    """How far a request came that has no answer."""

    NOT_WRITTEN = "not written"
    """No byte of it left: name not resolved, connection refused, TLS failed, connect timed out."""
    WRITTEN = "written"
    """Some of it may have left, so the service may have acted on it."""


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """No status line arrived. *reason* is a phrase for people, without secrets or numbers of people."""

    stage: Stage
    reason: str
    timed_out: bool = False


Outcome = Answer | Failure
