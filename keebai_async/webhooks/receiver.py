"""What a web application does with deliveries: let them in, keep them, answer, and work them off later.

The answer waits for the disk and for nothing else: what became of the event is decided afterwards, from the
spool, by who iterates `batches` or `events`.

Source: contract, section 8.
"""

import asyncio
import hashlib
from collections import Counter
from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import msgspec

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import SpoolUnusable
from keebai_async.webhooks.events import AnyWebhookEvent, OtherEvent
from keebai_async.webhooks.reading import read_event
from keebai_async.webhooks.signature import Headers, header_values
from keebai_async.webhooks.spool import Spool, Spooled
from keebai_async.webhooks.verifier import Proof, verify

MAX_BODY: Final = 1024 * 1024
"""Bytes; nothing documented is near it."""
DEADLINE: Final = 10.0
"""Seconds in which a request must have come whole, and be on disk."""
WORKED_OFF_AT_ONCE: Final = 500
"""Deliveries that are worked off together: they share the writes to disk."""
_READ_AT_ONCE: Final = 100
"""Deliveries that are read before others get their turn on the event loop."""


class WebhookAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """What to answer; the body stays empty. *reason* is for us, and says nothing of anybody.

    *close* asks that the connection is closed: the rest of the request was not read.
    """

    status: int
    reason: str
    close: bool = False


class WebhookReceiver:
    """Takes deliveries into *spool*, and gives their events.

    *secrets* are the proof that a delivery must show, or a function that gives them, asked at each one: for
    secrets that change while this runs. Open it with `async with` where the application starts, or close it
    with `aclose`. Usable from one event loop.

        receiver = WebhookReceiver("webhooks.db", secrets=WebhookSecrets("whsec_..."))
        app.add_route("/webhooks/keebai", WebhookApp(receiver))  # FastAPI, Starlette
        app.router.add_route("*", "/webhooks/keebai", webhook_handler(receiver))  # aiohttp
    """

    __slots__ = {
        "__dict__": "",
        "counts": "How many requests ended how, by reason; 'taken' are those on disk.",
        "spool": "Where deliveries are kept until they are worked off.",
        "trouble": "Why the last delivery could not be kept, for people; empty if it was.",
    }

    counts: Counter[str]
    spool: Spool
    trouble: str

    def __init__(
        self,
        spool: Spool | str | Path,
        *,
        secrets: Proof | Callable[[], Proof],
        clock: Clock = SYSTEM_CLOCK,
        max_body: int = MAX_BODY,
        deadline: float = DEADLINE,
    ) -> None:
        self.spool = spool if isinstance(spool, Spool) else Spool(spool, clock=clock)
        self.counts = Counter()
        self.trouble = ""
        self._secrets = secrets if callable(secrets) else lambda: secrets
        self._clock = clock
        self._max_body = max_body
        self._deadline = deadline

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Let go of the spool. What is in it stays, and is worked off by who opens it next."""
        await self.spool.aclose()

    async def answer(self, method: str, headers: Headers, pieces: AsyncIterable[bytes]) -> WebhookAnswer:
        """Take one request, whose body comes in *pieces*, and say what to answer.

        204 once it is on disk. 405 for what is no POST; 413 for a body that is too long, or of another
        length than its head says; 408 for one that does not come; 401 or 503 as `verify` says; 503 if it
        cannot be kept. No other error leaves here.
        """
        answer = await self._answer(method, headers, pieces)
        self.counts[answer.reason] += 1
        return answer

    async def _answer(self, method: str, headers: Headers, pieces: AsyncIterable[bytes]) -> WebhookAnswer:
        if method != "POST":
            return WebhookAnswer(status=405, reason="not a POST", close=True)
        if not isinstance(headers, Mapping):
            headers = tuple(headers)
        told = _length_told(headers)
        if told is not None and not _fits(told, self._max_body):
            return WebhookAnswer(status=413, reason="too long", close=True)
        # One timer for both waits: to set one up costs as much as to compare a signature.
        body: bytes | WebhookAnswer | None = None
        try:
            async with asyncio.timeout(self._deadline):
                body = await self._body(told, pieces)
                if isinstance(body, WebhookAnswer):
                    return body
                refusal = verify(headers, body, now=self._clock.wall(), secrets=self._secrets())
                if refusal is not None:
                    return WebhookAnswer(status=refusal.status, reason=refusal.reason)
                await self.spool.put(body)
        except (SpoolUnusable, TimeoutError) as error:
            if body is None:
                return WebhookAnswer(status=408, reason="too slow", close=True)
            self.trouble = str(error) or f"the disk did not answer within {self._deadline:g} s"
            return WebhookAnswer(status=503, reason="cannot be kept")
        self.trouble = ""
        return WebhookAnswer(status=204, reason="taken")

    async def _body(self, told: str | None, pieces: AsyncIterable[bytes]) -> bytes | WebhookAnswer:
        parts: list[bytes] = []
        size = 0
        async for piece in pieces:
            parts.append(piece)
            size += len(piece)
            if size > self._max_body:
                return WebhookAnswer(status=413, reason="too long", close=True)
        if told is not None and size != int(told):
            return WebhookAnswer(status=413, reason="of another length than it says", close=True)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    async def batches(self, *, limit: int = WORKED_OFF_AT_ONCE) -> AsyncIterator[tuple[AnyWebhookEvent, ...]]:
        """For ever: the events that were not worked off yet, in the order they came, some at a time.

        Asking for the next ones says that those before are worked off; after a crash, what was not comes
        again. A repeat of an event of the last seven days is left out. The service promises no order.
        """
        async for spooled in self.spool.batches(limit=limit):
            events, keys = await _read(spooled)
            new = await self.spool.new(keys)
            fresh: dict[int, AnyWebhookEvent] = {}
            for key, event in zip(keys, events, strict=True):
                if key in new:
                    fresh.setdefault(key, event)
            if fresh:
                yield tuple(fresh.values())
            await self.spool.done([each.id for each in spooled], list(fresh), others=_others(spooled, events))

    async def events(self, *, limit: int = WORKED_OFF_AT_ONCE) -> AsyncIterator[AnyWebhookEvent]:
        """For ever: the events of `batches`, one at a time."""
        async for batch in self.batches(limit=limit):
            for event in batch:
                yield event


async def _read(spooled: list[Spooled]) -> tuple[list[AnyWebhookEvent], list[int]]:
    """Their events, and the keys of these."""
    events: list[AnyWebhookEvent] = []
    keys: list[int] = []
    for start in range(0, len(spooled), _READ_AT_ONCE):
        await asyncio.sleep(0)
        some = [read_event(each.body) for each in spooled[start : start + _READ_AT_ONCE]]
        events += some
        keys += [_number_of(event.key) for event in some]
    return events, keys


def _others(spooled: list[Spooled], events: list[AnyWebhookEvent]) -> list[Spooled]:
    return [one for one, event in zip(spooled, events, strict=True) if isinstance(event, OtherEvent)]


def _length_told(headers: Headers) -> str | None:
    """The length of the body; None if none is told, and no number if several are."""
    lengths = {value.strip() for value in header_values(headers, "Content-Length")}
    return " ".join(sorted(lengths)) if lengths else None


def _fits(length: str, most: int) -> bool:
    return length.isascii() and length.isdigit() and len(length) < 12 and int(length) <= most


def _number_of(key: str) -> int:
    """A key as 63 bits."""
    digest = hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> 1
