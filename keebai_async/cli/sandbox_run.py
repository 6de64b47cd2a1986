"""A campaign on a sandbox of its own, and what the sandbox's ledger says of it afterwards."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from keebai_async.cli.connect import Connection
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure, people_figure
from keebai_async.cli.language import phrase
from keebai_async.cli.output import say
from keebai_async.cli.senders import sender_in
from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.keebai.settings import KEEBAI_QUOTAS, MAX_RECIPIENTS
from keebai_async.model.report import Report
from keebai_async.sandbox.keebai.catalogue import DEFAULT_SENDERS, SandboxSender
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.keebai.settings import Dialect


@asynccontextmanager
async def on_sandbox(
    connection: Connection, *, speed: float, dialect: Dialect = Dialect.OPENAPI, failing: float = 0.0
) -> AsyncIterator[tuple[Keebai, Sandbox]]:
    """Start a sandbox and a client of it, both on the sandbox's clock; nothing outlives the command."""
    own_senders = _senders_of(connection.sender or ())
    async with Sandbox(
        speed=speed, dialect=dialect, failing=failing, senders=own_senders or DEFAULT_SENDERS
    ) as sandbox:
        own = connection.phone_number_id or connection.channel_id
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=connection.phone_number_id if own else sandbox.phone_number_id,
            channel_id=connection.channel_id,
            journal=MemoryJournal(clock=sandbox.clock),
            quotas=KEEBAI_QUOTAS,
            limiter="memory:",
            clock=sandbox.clock,
        ) as keebai:
            yield keebai, sandbox


def sandbox_words(speed: float) -> str:
    """That nobody is messaged, and whose clock it is that the times are of."""
    if speed == 1.0:
        return phrase("a sandbox on this machine: nobody is messaged")
    return phrase(
        "a sandbox on this machine: nobody is messaged. Its clock runs {speed} times as fast as yours, and"
        " the times below are of its clock",
        speed=f"{speed:g}",
    )


def _senders_of(texts: Sequence[str]) -> tuple[SandboxSender, ...]:
    """Those that `--sender` names, so that the sandbox has them. Raises InvalidInput."""
    made: list[SandboxSender] = []
    for number, text in enumerate(texts, start=1):
        sender, token = sender_in(text)
        if token:
            raise InvalidInput(
                f"a sandbox has one token: leave @{token} out of {text}", field="--sender", value=text
            )
        made.append(
            SandboxSender(
                phone_number_id=sender.phone_number_id or f"100000000001{number:03}",
                channel_id=sender.channel_id or f"66cc0011223344556678{number:04}",
                phone_number=f"+54911500{number:05}",
                name=f"Ventas {number}",
            )
        )
    return tuple(made)


def compare_with_ledger(sandbox: Sandbox, report: Report, code: Exit) -> Exit:
    """Print what the sandbox saw; a report that it contradicts is a failure."""
    compared: Sequence[tuple[bool, str]] = list(_compared(_seen_by(sandbox), report))
    say("")
    say(phrase("what the sandbox saw"))
    for holds, sentence in compared:
        mark = phrase("ok") if holds else phrase("WRONG")
        say(f"  {mark:<5}  {sentence}")
    return code if all(holds for holds, _ in compared) else Exit.FAILED


class SeenBySandbox(msgspec.Struct, frozen=True, kw_only=True):
    """What a sandbox saw. *windows* are (name, most requests seen, limit)."""

    messages: int
    people_twice: int
    largest: int
    throttled: int
    windows: tuple[tuple[str, int, int], ...]


def _seen_by(sandbox: Sandbox) -> SeenBySandbox:
    limits: Mapping[str, int] = {window.name: window.limit for window in sandbox.settings.windows}
    return SeenBySandbox(
        messages=sandbox.ledger.total,
        people_twice=len(sandbox.ledger.repeated()),
        largest=max((one.accepted for one in sandbox.ledger.submissions), default=0),
        throttled=sandbox.traffic.throttled.total(),
        windows=tuple((name, most, limits[name]) for name, most in sandbox.traffic.most.items()),
    )


def _compared(seen: SeenBySandbox, report: Report) -> Iterator[tuple[bool, str]]:
    """Whether each sentence about *seen* is as it must be, given what *report* says."""
    # People in unknown chunks may have been accepted or not: the report says so, the ledger knows.
    certain, possible = report.accepted, report.accepted + report.unknown + report.abandoned
    yield (
        certain <= seen.messages <= possible,
        phrase(
            "{people} messaged, {reported} reported",
            people=people_figure(seen.messages),
            reported=figure(certain),
        ),
    )
    twice = phrase("{people} messaged twice", people=people_figure(seen.people_twice))
    yield seen.people_twice == 0, twice
    largest = phrase("{people} in the largest chunk", people=people_figure(seen.largest))
    yield seen.largest <= MAX_RECIPIENTS, largest
    throttled = phrase("{number} requests answered with a 429", number=figure(seen.throttled))
    yield seen.throttled == 0, throttled
    for name, most, limit in seen.windows:
        spent = phrase(
            "at most {number} requests in any {window}, {limit} allowed",
            number=figure(most),
            window=phrase(name, about="window"),
            limit=figure(limit),
        )
        yield most <= limit, spent
