"""The command `export`."""

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.csv_files import PeopleGroup, write_people, write_rejects
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.options import CampaignArgument, JournalOption, JsonOption
from keebai_async.cli.output import say
from keebai_async.errors import InvalidInput

CsvArgument = Annotated[
    Path, typer.Argument(metavar="FILE.csv", help="The file to write; only you can read it.")
]
RejectedOption = Annotated[
    bool, typer.Option("--rejected", help="Rows that were never sent, with the reason of each.")
]
RefusedOption = Annotated[bool, typer.Option("--refused", help="People whom the service did not take.")]
UnknownOption = Annotated[bool, typer.Option("--unknown", help="People in chunks without an answer.")]
UnsentOption = Annotated[bool, typer.Option("--unsent", help="People who were not submitted yet.")]


def export(
    campaign: CampaignArgument,
    file: CsvArgument,
    rejected: RejectedOption = False,
    refused: RefusedOption = False,
    unknown: UnknownOption = False,
    unsent: UnsentOption = False,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """Write people of a campaign to a CSV file that only you can read.

    Example: keebai-async export promo-marzo-1a2b3c4d refused.csv --refused
    """
    chosen = [
        group
        for group, wanted in (
            (PeopleGroup.REFUSED, refused),
            (PeopleGroup.UNKNOWN, unknown),
            (PeopleGroup.UNSENT, unsent),
        )
        if wanted
    ]
    if rejected + len(chosen) != 1:
        raise InvalidInput("choose exactly one of --rejected, --refused, --unknown and --unsent")
    group = chosen[0] if chosen else None
    work = partial(_export, campaign, group, file, Connection(journal=journal), json=json)
    raise typer.Exit(interrupts.run(work))


async def _export(
    campaign: str, group: PeopleGroup | None, file: Path, connection: Connection, *, json: bool
) -> Exit:
    async with bookkeeping(connection) as keebai:
        await keebai.campaigns.status(campaign)  # an unknown id is an error before a file is made
        if group is None:
            count = await write_rejects(file, lambda: keebai.campaigns.rejections(campaign))
        else:
            count = await write_people(file, lambda: keebai.campaigns.people(campaign, *group.value))
        if json:
            name = "rejected" if group is None else group.name.lower()
            emit(
                {
                    "type": "exported",
                    "campaign_id": campaign,
                    "group": name,
                    "file": str(file),
                    "rows": count,
                }
            )
        say(f"{figure(count)} rows: {file}")
        return Exit.DONE
