"""Single messages that are sent once, each under a key of its sender's own. Pure.

The life of such a message is that of a chunk of one person: the same table of moves decides about it.
"""

import hashlib
from typing import Final

import msgspec
from msgspec.structs import replace

from keebai_async.errors import InvalidInput
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.lifecycle import (
    Abandon,
    Accept,
    Lose,
    Move,
    Resend,
    Submit,
    TakeBack,
    Vouch,
    Withdraw,
    apply,
)
from keebai_async.model.result import Result

LONGEST_KEY: Final = 200
"""Characters of the key of a message."""


class OutboxMessage(Result, frozen=True, kw_only=True):
    """A message under *key*, and where it stands. *to* is masked, *what* is what is sent, in words.

    *fingerprint* is a hash of the request: the same key for something else is a mistake. *receipt* is what
    the service answered, as JSON, once it was accepted in an answer that could be read.
    """

    key: str
    service: str
    to: str
    what: str
    fingerprint: str
    created_at: float
    life: Chunk = Chunk(number=1, recipients=1)
    receipt: bytes | None = None

    @property
    def state(self) -> ChunkState:
        return self.life.state


class MessageTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It was accepted, as *broadcast_id* or *receipt* say if they could be read."""

    broadcast_id: str | None
    receipt: bytes | None


class MessageNotTaken(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It was certainly not accepted: it may be sent again."""

    reason: str


class MessageLost(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """It may have been accepted, or not."""

    reason: str


MessageOutcome = MessageTaken | MessageNotTaken | MessageLost


def check_once(key: object) -> str:
    """A key as it can be kept. Raises InvalidInput."""
    if not isinstance(key, str) or not 0 < len(key) <= LONGEST_KEY or not key.isprintable():
        raise InvalidInput(
            f"once is a key of 1 to {LONGEST_KEY} printable characters, such as order-A-17", field="once"
        )
    return key


def message_id(key: str) -> str:
    """Under what a journal keeps the message of *key*."""
    return f"once-{hashlib.sha256(key.encode()).hexdigest()[:32]}"


def begun(message: OutboxMessage, *, at: float) -> OutboxMessage:
    """*message* with the intent to send it, at the Unix time *at*. Raises ForbiddenMove."""
    return _moved(message, Submit(number=1, step=message.life.step + 1, at=at))


def lost(message: OutboxMessage, reason: str, *, at: float) -> OutboxMessage:
    """*message* after its process died on the way, as is found at Unix time *at*. Raises ForbiddenMove."""
    return _moved(message, Lose(number=1, step=message.life.step + 1, reason=reason, at=at))


def ended(message: OutboxMessage, outcome: MessageOutcome, *, at: float) -> OutboxMessage:
    """*message* after the attempt that was its last one ended so, however late that is heard; *at* is now.

    Meanwhile it may have been lost, because its process was taken for dead, and a person may have had it
    sent again, if nobody has done so yet: what is certain counts more than both.
    """
    step = message.life.step + 1
    match message.state, outcome:
        case ChunkState.SUBMITTING, MessageTaken(broadcast_id=found):
            after = _moved(message, Accept(number=1, step=step, accepted=1, broadcast_id=found))
        case ChunkState.SUBMITTING, MessageNotTaken(reason=reason):
            after = _moved(message, TakeBack(number=1, step=step, reason=reason))
        case ChunkState.SUBMITTING, MessageLost(reason=reason):
            after = lost(message, reason, at=at)
        case ChunkState.UNKNOWN, MessageTaken(broadcast_id=found):
            after = _moved(message, Vouch(number=1, step=step, accepted=1, broadcast_id=found or ""))
        case ChunkState.UNKNOWN, MessageNotTaken():
            after = _moved(message, Resend(number=1, step=step))
        case ChunkState.PLANNED, MessageTaken() if message.life.resent:
            return ended(_moved(message, Withdraw(number=1, step=step)), outcome, at=at)
        case _:
            after = message
    return replace(after, receipt=outcome.receipt) if isinstance(outcome, MessageTaken) else after


def settled(
    message: OutboxMessage, *, accepted: str | None, resend: bool, abandon: bool, take_back: bool
) -> OutboxMessage:
    """*message* after a person's word; exactly one of the four. Raises InvalidInput, or ForbiddenMove."""
    if [accepted is not None, resend, abandon, take_back].count(True) != 1:
        raise InvalidInput("say one of accepted, resend, abandon and take_back", field="once")
    step = message.life.step + 1
    move: Move
    if accepted is not None:
        move = Vouch(number=1, step=step, accepted=1, broadcast_id=accepted)
    elif resend:
        move = Resend(number=1, step=step)
    elif abandon:
        move = Abandon(number=1, step=step)
    else:
        move = Withdraw(number=1, step=step)
    return _moved(message, move)


def _moved(message: OutboxMessage, move: Move) -> OutboxMessage:
    return replace(message, life=apply(message.life, move))
