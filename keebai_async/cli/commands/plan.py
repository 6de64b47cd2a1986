"""The command `plan`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.cli.check_flow import ListCheck, check_list, variables_in
from keebai_async.cli.connect import Connection
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.launch_flow import LaunchSettings, PlanRequest, plan_and_launch
from keebai_async.cli.list_argument import FileArgument
from keebai_async.cli.option_groups import CampaignOptions, OutputOptions, SandboxChoice
from keebai_async.cli.options import (
    LIST_PANEL,
    OUTPUT_PANEL,
    OptionalLanguageOption,
    OptionalTemplateOption,
)
from keebai_async.errors import InvalidInput

PlanPageOption = Annotated[
    Path | None,
    typer.Option(
        "--html",
        metavar="FILE.html",
        help="Write the plan as a page too, for who has to approve it.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
VariablesOption = Annotated[
    str | None,
    typer.Option(
        "--variables",
        metavar="nombre,codigo",
        help="Check the list against these variables, in the place of a template. Needs no token, and keeps"
        " nothing.",
        rich_help_panel=LIST_PANEL,
    ),
]


def plan(
    options: CampaignOptions,
    connection: Connection,
    box: SandboxChoice,
    output: OutputOptions,
    file: FileArgument = None,
    template: OptionalTemplateOption = None,
    language: OptionalLanguageOption = None,
    variables: VariablesOption = None,
    html: PlanPageOption = None,
) -> None:
    """Read a list of people, check every row, and show what a launch would do. Nothing is submitted.

    Example: keebai-async plan clients.csv --template promo --language es
    """
    people = options.people(file)
    settings = LaunchSettings(
        dry=True,
        yes=True,
        json=output.json,
        rejects=output.rejects,
        journal=connection.journal,
        excel=output.excel,
        page=html,
        sandbox=box.sandbox,
    )
    if variables is not None:
        if template is not None or html is not None:
            raise InvalidInput(
                "it checks the list alone, without a template and its texts: leave"
                f" {'--template' if html is None else '--html'} out",
                field="--variables",
            )
        check = ListCheck(people=people, variables=variables_in(variables), options=options)
        raise typer.Exit(interrupts.run(partial(check_list, check, settings)))
    if template is None or language is None:
        raise InvalidInput(
            f"--{'template' if template is None else 'language'} is missing: name the template and its"
            " language, or check the list alone with --variables nombre,codigo",
            field=f"--{'template' if template is None else 'language'}",
        )
    request = PlanRequest(
        people=people,
        template=template,
        language=language,
        options=options,
        senders=tuple(connection.sender or ()),
    )
    raise typer.Exit(interrupts.run(partial(plan_and_launch, request, settings, connection, box)))
