"""A worker that sends one message once and is killed at a named point; `python -m` with a Job on stdin."""

import os
import signal
import sys

import anyio
import msgspec

from keebai_async.client import Keebai
from keebai_async.clock import SYSTEM_CLOCK
from keebai_async.errors import KeebaiError
from keebai_async.journal.outbox import StoredOutbox
from keebai_async.model.outbox import MessageOutcome, OutboxMessage
from keebai_async.quota.gate import OpenGate


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """Die at *point*: before or after the intent, with the verdict seen, or with the outcome on disk."""

    journal: str
    url: str
    token: str
    sender: str
    once: str
    point: str = ""


class Ended(msgspec.Struct, frozen=True, kw_only=True):
    receipt: str | None = None
    error: str | None = None


def die_at(point: str) -> None:
    """Have this process killed at *point*: what the product calls is wrapped, it knows nothing of this."""

    def reached(name: str) -> None:
        if name == point:
            os.kill(os.getpid(), signal.SIGKILL)

    begin, end = StoredOutbox.begin, StoredOutbox.end

    async def mortal_begin(
        self: StoredOutbox, message: OutboxMessage, *, seconds: float
    ) -> tuple[OutboxMessage, str | None]:
        reached("before the intent")
        begun = await begin(self, message, seconds=seconds)
        reached("after the intent")
        return begun

    async def mortal_end(
        self: StoredOutbox, key: str, attempt: str, outcome: MessageOutcome
    ) -> OutboxMessage:
        reached("before the outcome")
        after = await end(self, key, attempt, outcome)
        reached("after the outcome")
        return after

    StoredOutbox.begin = mortal_begin  # type: ignore[method-assign]
    StoredOutbox.end = mortal_end  # type: ignore[method-assign]


async def send(job: Job) -> Ended:
    async with Keebai(
        job.token,
        base_url=job.url,
        phone_number_id=job.sender,
        journal=job.journal,
        clock=SYSTEM_CLOCK,
        limiter=OpenGate(),
    ) as keebai:
        try:
            receipt = await keebai.messages.send_text("+5491155555555", "Hola", once=job.once)
        except KeebaiError as error:
            return Ended(error=type(error).__name__)
        return Ended(receipt=receipt.broadcast_id or receipt.message_id)


def main() -> None:
    job = msgspec.json.decode(sys.stdin.buffer.read(), type=Job)
    die_at(job.point)
    sys.stdout.buffer.write(msgspec.json.encode(anyio.run(send, job)))


if __name__ == "__main__":
    main()
