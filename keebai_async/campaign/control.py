"""RunControl: the state of one run, for all who act on it, and the end of what it no longer allows."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

import anyio

from keebai_async.campaign.run_state import RunEvent, RunState, apply, end_of
from keebai_async.model.chunk import Chunk

Allowed = Callable[[RunState], bool]


class RunControl:
    """*state* is where the run stands; only `apply` and `end` change it, at once and for everybody."""

    def __init__(self) -> None:
        self.state = RunState()
        self._change = anyio.Event()
        self._under_way: dict[anyio.CancelScope, Allowed] = {}

    def apply(self, event: RunEvent) -> bool:
        """Let *event* happen, and call off what is not allowed any more; say whether it changed anything.

        Raises ForbiddenMove as the table does.
        """
        return self._become(apply(self.state, event))

    def end(self, chunks: Iterable[Chunk]) -> None:
        """Nothing of the run is on its way any more: what its *chunks* are now is its result."""
        self._become(end_of(self.state, chunks))

    def _become(self, state: RunState) -> bool:
        changed, self.state = state != self.state, state
        for scope, allowed in list(self._under_way.items()):
            if not allowed(state):
                scope.cancel()
        self.wake()
        return changed

    def wake(self) -> None:
        """Let everybody who waits look at the world again."""
        self._change.set()
        self._change = anyio.Event()

    async def changed(self) -> None:
        """Wait until the state changes, or somebody wakes us."""
        await self._change.wait()

    async def until(self, holds: Callable[[], bool]) -> None:
        """Wait until *holds* does; it is asked again after each change and each `wake`."""
        while not holds():
            await self.changed()

    @contextmanager
    def while_allowed(self, allowed: Allowed) -> Iterator[anyio.CancelScope]:
        """Do something that is called off at once when the state does not allow it any more."""
        with anyio.CancelScope() as scope:
            self._under_way[scope] = allowed
            if not allowed(self.state):
                scope.cancel()  # it was called off before it began, and nobody will do it again
            try:
                yield scope
            finally:
                self._under_way.pop(scope, None)

    def commit(self, scope: anyio.CancelScope) -> bool:
        """Whether what `while_allowed` gave this *scope* for goes on now, to its end.

        If so, nothing calls it off any more: neither a change of the state nor a cancellation from outside.
        """
        allowed = self._under_way.pop(scope)
        if scope.cancel_called or not allowed(self.state):
            return False
        scope.shield = True
        return True
