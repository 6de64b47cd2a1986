"""How many requests really left, counted by what they were for."""

import msgspec

from keebai_async.transport.request import Kind, Lane, Request


class Requests(msgspec.Struct, kw_only=True):
    """Requests that really left, counted by what they were for; *throttled* counts the 429s among them."""

    submits: int = 0
    polls: int = 0
    other: int = 0
    throttled: int = 0

    def count(self, request: Request, *, throttled: bool = False) -> None:
        """Count one more that left; a 429 is counted as what it asked for, and as throttled."""
        if request.kind is Kind.SUBMIT:
            self.submits += 1
        elif request.lane is Lane.POLL:
            self.polls += 1
        else:
            self.other += 1
        self.throttled += throttled
