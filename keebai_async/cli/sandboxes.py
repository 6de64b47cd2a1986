"""The commands `sandbox` and `demo`: a Keebai on this machine."""

import signal
import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import typer

from keebai_async.cli import arguments as a
from keebai_async.cli.exits import Exit
from keebai_async.cli.launching import Manner, Wish, launch_plan, make_plan, save_rejects, show_plan
from keebai_async.cli.opening import Connection
from keebai_async.cli.sandboxed import on_sandbox, settle_with_ledger
from keebai_async.cli.talk import answer, say
from keebai_async.sandbox.people import MAX_ROWS, make_messy_list
from keebai_async.sandbox.server import Sandbox
from keebai_async.sandbox.settings import Dialect

Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
DialectOption = Annotated[
    Dialect, typer.Option("--dialect", help="Which half of the service's documents it answers like.")
]
Failing = Annotated[
    float, typer.Option("--failing", min=0.0, max=1.0, help="The share of people who never get anything.")
]


def sandbox(
    port: Port = 8765, speed: a.Speed = 1.0, dialect: DialectOption = Dialect.OPENAPI, failing: Failing = 0.0
) -> None:
    """Run a Keebai on this machine until Ctrl-C; nobody is messaged. Prints the environment to use it."""
    raise typer.Exit(anyio.run(partial(_sandbox, port, speed, dialect, failing)))


async def _sandbox(port: int, speed: float, dialect: Dialect, failing: float) -> Exit:
    async with Sandbox(port=port, speed=speed, dialect=dialect, failing=failing) as running:
        say("a Keebai on this machine; in another terminal:")
        answer(f"export KEEBAI_BASE_URL={running.url}")
        answer(f"export KEEBAI_API_TOKEN={running.token}")
        answer(f"export KEEBAI_PHONE_NUMBER_ID={running.phone_number_id}")
        say("Ctrl-C ends it")
        with anyio.open_signal_receiver(signal.SIGINT, signal.SIGTERM) as signals:
            async for _ in signals:
                break
        say(f"{running.ledger.total:,} messages accepted, {running.traffic.requests.total():,} requests seen")
    return Exit.DONE


def demo(
    people: Annotated[
        int, typer.Option("--people", min=1, max=MAX_ROWS, help="How many rows the messy list has.")
    ] = 50_000,
    speed: a.Speed = 100.0,
    dialect: DialectOption = Dialect.OPENAPI,
    failing: Failing = 0.0,
    rejects: a.Rejects = None,
    json: a.Json = False,
) -> None:
    """Launch a campaign to a generated messy list on a sandbox of its own: the whole way, in seconds."""
    raise typer.Exit(anyio.run(partial(_demo, people, speed, dialect, failing, rejects, json=json)))


async def _demo(
    people: int, speed: float, dialect: Dialect, failing: float, rejects: Path | None, *, json: bool
) -> Exit:
    manner = Manner(yes=True, json=json, resumable=False)
    with tempfile.TemporaryDirectory(prefix="keebai-demo-") as folder:
        path = Path(folder) / "demo.csv"
        make_messy_list(path, count=people)
        wish = Wish(file=str(path), template="promo", language="es", name="Demo")
        async with on_sandbox(Connection(), speed=speed, dialect=dialect, failing=failing) as (keebai, box):
            plan = await make_plan(keebai, wish)
            if rejects is not None:
                await save_rejects(keebai, plan, rejects)
            show_plan(keebai, plan, json=json)
            code, report = await launch_plan(keebai, plan, manner)
            return code if report is None else settle_with_ledger(box, report, code)
