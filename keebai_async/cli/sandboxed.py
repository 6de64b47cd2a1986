"""A campaign on a sandbox of its own, and what the sandbox's ledger says of it afterwards."""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec

from keebai_async.cli.connect import Connection
from keebai_async.cli.console import say
from keebai_async.cli.exit_codes import Exit
from keebai_async.client import Keebai
from keebai_async.keebai.settings import KEEBAI_QUOTAS
from keebai_async.model.limits import MAX_RECIPIENTS
from keebai_async.model.report import Report
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.keebai.settings import Dialect


class Truth(msgspec.Struct, frozen=True, kw_only=True):
    """What a sandbox saw. *windows* are (name, most requests seen, limit)."""

    messages: int
    people_twice: int
    largest: int
    throttled: int
    windows: tuple[tuple[str, int, int], ...]


def truth_of(sandbox: Sandbox) -> Truth:
    """Read the ledger and the traffic of *sandbox*."""
    limits: Mapping[str, int] = {window.name: window.limit for window in sandbox.settings.windows}
    return Truth(
        messages=sandbox.ledger.total,
        people_twice=len(sandbox.ledger.repeated()),
        largest=max((one.accepted for one in sandbox.ledger.submissions), default=0),
        throttled=sandbox.traffic.throttled.total(),
        windows=tuple((name, most, limits[name]) for name, most in sandbox.traffic.most.items()),
    )


def verdict(truth: Truth, report: Report) -> Iterator[tuple[bool, str]]:
    """Compare what the sandbox saw with what the report says, a judgement and a sentence at a time."""
    # People in unknown chunks may have been accepted or not: the report says so, the ledger knows.
    certain, possible = report.accepted, report.accepted + report.unknown + report.abandoned
    yield certain <= truth.messages <= possible, f"{truth.messages:,} people messaged, {certain:,} reported"
    yield truth.people_twice == 0, f"{truth.people_twice:,} people messaged twice"
    yield truth.largest <= MAX_RECIPIENTS, f"largest chunk {truth.largest:,} people"
    yield truth.throttled == 0, f"{truth.throttled:,} requests met a 429"
    for name, most, limit in truth.windows:
        yield most <= limit, f"at most {most:,} requests in any {name}, {limit:,} allowed"


def settle_with_ledger(sandbox: Sandbox, report: Report, code: Exit) -> Exit:
    """Print the sandbox's own account; a report that it contradicts is a failure."""
    judged: Sequence[tuple[bool, str]] = list(verdict(truth_of(sandbox), report))
    say("")
    say("the sandbox's ledger")
    for holds, sentence in judged:
        say(f"  {'ok   ' if holds else 'WRONG'}  {sentence}")
    return code if all(holds for holds, _ in judged) else Exit.FAILED


@asynccontextmanager
async def on_sandbox(
    connection: Connection, *, speed: float, dialect: Dialect = Dialect.OPENAPI, failing: float = 0.0
) -> AsyncIterator[tuple[Keebai, Sandbox]]:
    """Start a sandbox and a client of it, both on the sandbox's clock; nothing outlives the command."""
    async with Sandbox(speed=speed, dialect=dialect, failing=failing) as sandbox:
        own = connection.phone_number_id or connection.channel_id
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=connection.phone_number_id if own else sandbox.phone_number_id,
            channel_id=connection.channel_id,
            journal="memory:",
            quotas=KEEBAI_QUOTAS,
            limiter="memory:",
            clock=sandbox.clock,
        ) as keebai:
            yield keebai, sandbox
