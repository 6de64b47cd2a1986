"""`keebai.outbox`: the single messages that are sent once, and what a person says of an unknown one."""

import math
from typing import Final, Protocol

from keebai_async.clock import Clock
from keebai_async.errors import ForbiddenMove, InvalidInput, MessageBusy
from keebai_async.journal.contract import Journal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lost import resend_wait
from keebai_async.model.outbox import OutboxMessage, check_once, settled
from keebai_async.transport.request import Timeouts

_STATES: Final = (
    ChunkState.UNKNOWN,
    ChunkState.SUBMITTING,
    ChunkState.PLANNED,
    ChunkState.ABANDONED,
    ChunkState.ACCEPTED,
)


class OutboxHost(Protocol):
    """What an outbox uses of the client it belongs to."""

    @property
    def journal(self) -> Journal: ...

    @property
    def journal_named(self) -> bool: ...

    @property
    def clock(self) -> Clock: ...

    @property
    def timeouts(self) -> Timeouts: ...


class Outbox:
    """The single messages of a client's journal. Made by `Keebai`, used as `keebai.outbox`."""

    def __init__(self, host: OutboxHost) -> None:
        self._host = host

    async def get(self, once: str) -> OutboxMessage | None:
        """The message of this key, and where it stands; None if there is none. Raises JournalUnusable."""
        return await self._host.journal.outbox.find(check_once(once))

    async def messages(self, *, state: ChunkState | None = None, limit: int = 100) -> list[OutboxMessage]:
        """The newest messages in this state, or in any, those that need somebody first; at most *limit*.

        Raises:
            JournalUnusable: they cannot be read.
        """
        found: list[OutboxMessage] = []
        for each in _STATES if state is None else (state,):
            if len(found) < limit:
                found += await self._host.journal.outbox.messages(each, limit=limit - len(found))
        return found

    async def settle(
        self,
        once: str,
        *,
        accepted: str | None = None,
        resend: bool = False,
        abandon: bool = False,
        take_back: bool = False,
    ) -> OutboxMessage:
        """Say what became of an unknown message; exactly one of the four.

        *accepted* is the id by which the service knows it. *resend* says that it did not arrive: the next
        call with this key sends it; *take_back* takes that back while nobody has. *abandon* gives it up: it
        is never sent again.

        Raises:
            InvalidInput: not exactly one word is given, there is no such message, or it is not unknown.
            MessageBusy: it is too early for *resend*, what left may still arrive.
            JournalUnusable: it cannot be written.
        """
        wall = self._host.clock.wall()
        if accepted is not None and not (accepted := accepted.strip()):
            raise InvalidInput("accepted is the id by which the service knows it", field="accepted")

        def change(message: OutboxMessage) -> OutboxMessage:
            wait = math.ceil(resend_wait(message.life, wall)) if resend else 0
            if wait and message.state is ChunkState.UNKNOWN:
                raise MessageBusy(
                    f"it is too early to send {once!r} again: what left may still arrive;"
                    f" wait {wait} s, look into the portal again, and then repeat this",
                    once=once,
                )
            try:
                return settled(
                    message, accepted=accepted, resend=resend, abandon=abandon, take_back=take_back
                )
            except ForbiddenMove as error:
                raise InvalidInput(_not_so(message, take_back=take_back), field="once", value=once) from error

        after = await self._host.journal.outbox.settle(check_once(once), change)
        if after is None:
            raise InvalidInput(f"there is no message {once!r} in this journal", field="once", value=once)
        return after

    async def purge(self, *, older_than: float) -> int:
        """Forget the messages that were made more than *older_than* seconds ago and are settled.

        Their keys are new from then on: the same key sends again. Gives how many were forgotten.

        Raises:
            JournalUnusable: it cannot be written.
        """
        return await self._host.journal.outbox.purge(before=self._host.clock.wall() - older_than)


def _not_so(message: OutboxMessage, *, take_back: bool) -> str:
    if take_back:
        return f"there is nothing to take back: nobody had {message.key!r} sent again, or it was sent since"
    return f"the message {message.key!r} is {message.state.value}, not unknown: there is nothing to settle"
