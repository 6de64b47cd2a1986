"""The command `plan`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.launch_flow import LaunchSettings, PlanRequest, plan_and_launch
from keebai_async.cli.list_argument import FileArgument
from keebai_async.cli.option_groups import CampaignOptions, OutputOptions, SandboxChoice
from keebai_async.cli.options import OUTPUT_PANEL, LanguageOption, TemplateOption

PlanPageOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE.html",
        help="Write the plan as a page too, for who has to approve it.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]


def plan(
    template: TemplateOption,
    language: LanguageOption,
    options: CampaignOptions,
    connection: Connection,
    box: SandboxChoice,
    output: OutputOptions,
    file: FileArgument = None,
    html: PlanPageOption = None,
) -> None:
    """Read a list of people, check every row, and show what a launch would do. Nothing is submitted.

    Example: keebai-async plan clients.csv --template promo --language es
    """
    request = PlanRequest(
        people=options.people(file),
        template=template,
        language=language,
        options=options,
        senders=tuple(connection.sender or ()),
    )
    settings = LaunchSettings(
        dry=True,
        yes=True,
        json=output.json,
        rejects=output.rejects,
        journal=connection.journal,
        excel=output.excel,
        page=html,
        resumable=not box.sandbox,
    )
    raise typer.Exit(interrupts.run(partial(plan_and_launch, request, settings, connection, box)))
