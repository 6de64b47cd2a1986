"""The command `demo`."""

import tempfile
from functools import partial
from pathlib import Path
from typing import Annotated

import anyio
import anyio.to_thread
import typer

from keebai_async.cli.connect import Connection
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.language import phrase
from keebai_async.cli.launch_flow import LaunchSettings, PlanRequest, show_and_launch
from keebai_async.cli.option_groups import CampaignOptions
from keebai_async.cli.options import (
    DialectName,
    DialectOption,
    FailingOption,
    JsonOption,
    LangOption,
    RejectsOption,
    SpeedOption,
)
from keebai_async.cli.output import say
from keebai_async.cli.people_files import check_rejects_file

MAX_PEOPLE = 10_000_000

PeopleOption = Annotated[
    int, typer.Option("--people", min=1, max=MAX_PEOPLE, help="How many rows the messy list has.")
]


def demo(
    people: PeopleOption = 50_000,
    speed: SpeedOption = 100.0,
    dialect: DialectOption = DialectName.OPENAPI,
    failing: FailingOption = 0.0,
    rejects: RejectsOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Launch a generated messy list on a sandbox of its own: a whole campaign in seconds. Nobody is messaged.

    Example: keebai-async demo --people 3000 --speed 300
    """
    if rejects is not None:
        check_rejects_file(rejects)
    settings = LaunchSettings(yes=True, json=json, rejects=rejects, sandbox=True)
    work = partial(_demo, people, settings, speed=speed, dialect=dialect, failing=failing)
    raise typer.Exit(interrupts.run(work))


async def _demo(
    people: int, settings: LaunchSettings, *, speed: float, dialect: DialectName, failing: float
) -> Exit:
    """Launch a messy list of *people* rows, and compare the report with the sandbox's ledger."""
    # A sandbox brings a web server with it, and no other command should wait until that is loaded.
    from keebai_async.cli.sandbox_run import compare_with_ledger, on_sandbox
    from keebai_async.sandbox.keebai.settings import Dialect
    from keebai_async.sandbox.people import make_messy_list

    with tempfile.TemporaryDirectory(prefix="keebai-demo-") as folder:
        path = Path(folder) / "demo.csv"
        await anyio.to_thread.run_sync(lambda: make_messy_list(path, count=people))
        say(
            phrase(
                "{number} messy rows, and a sandbox on this machine: nobody is messaged. Its clock runs"
                " {speed} times as fast as yours, and the times below are of its clock",
                number=figure(people),
                speed=f"{speed:g}",
            )
        )
        request = PlanRequest(
            people=str(path), template="promo", language="es", options=CampaignOptions(name="Demo")
        )
        opened = on_sandbox(Connection(), speed=speed, dialect=Dialect(dialect.value), failing=failing)
        async with opened as (keebai, sandbox):
            code, report = await show_and_launch(keebai, request, settings)
            return code if report is None else compare_with_ledger(sandbox, report, code)
