"""A sandbox that serves until it is told to stop, and a whole campaign on one."""

import tempfile
from pathlib import Path

import anyio.to_thread

from keebai_async.cli.connect import Connection
from keebai_async.cli.console import answer, say
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.launch_flow import Manner, Wish, launch_plan, make_plan, save_rejects, show_plan
from keebai_async.cli.option_groups import Choice
from keebai_async.cli.sandboxed import on_sandbox, settle_with_ledger
from keebai_async.cli.serving import serve_until_told
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.keebai.settings import Dialect
from keebai_async.sandbox.people import make_messy_list


async def serve(port: int, *, speed: float, dialect: str, failing: float) -> Exit:
    """Run a sandbox until Ctrl-C or SIGTERM.

    Raises:
        InvalidInput: the port is taken.
    """
    sandbox = Sandbox(port=port, speed=speed, dialect=Dialect(dialect), failing=failing)
    await serve_until_told(sandbox, port, lambda: _introduce(sandbox))
    say(f"{sandbox.ledger.total:,} messages accepted, {sandbox.traffic.requests.total():,} requests seen")
    return Exit.DONE


def _introduce(sandbox: Sandbox) -> None:
    say("a Keebai on this machine; in another terminal:")
    answer(f"export KEEBAI_BASE_URL={sandbox.url}")
    answer(f"export KEEBAI_API_TOKEN={sandbox.token}")
    answer(f"export KEEBAI_PHONE_NUMBER_ID={sandbox.phone_number_id}")
    say("Ctrl-C ends it")


async def demonstrate(
    people: int, *, speed: float, dialect: str, failing: float, rejects: Path | None, json: bool
) -> Exit:
    """Make a messy list of *people* rows, launch it, and compare the report with the sandbox's ledger."""
    with tempfile.TemporaryDirectory(prefix="keebai-demo-") as folder:
        path = Path(folder) / "demo.csv"
        await anyio.to_thread.run_sync(lambda: make_messy_list(path, count=people))
        say(f"{people:,} messy rows, a sandbox {speed:g} times as fast as real time; nobody is messaged")
        wish = Wish(file=str(path), template="promo", language="es", choice=Choice(name="Demo"))
        options = on_sandbox(Connection(), speed=speed, dialect=Dialect(dialect), failing=failing)
        async with options as (keebai, sandbox):
            plan = await make_plan(keebai, wish)
            if rejects is not None:
                await save_rejects(keebai, plan, rejects)
            manner = Manner(yes=True, json=json, resumable=False)
            show_plan(keebai, plan, manner)
            code, report = await launch_plan(keebai, plan, manner)
            return code if report is None else settle_with_ledger(sandbox, report, code)
