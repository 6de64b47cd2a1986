"""The command `export`."""

from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import CampaignArgument, ExcelOption, JournalOption, JsonOption
from keebai_async.cli.output import say
from keebai_async.cli.people_files import (
    PeopleGroup,
    check_people_file,
    check_rejects_file,
    write_people,
    write_rejects,
    write_told,
)
from keebai_async.errors import InvalidInput
from keebai_async.model.fates import FateGroup

PeopleFileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="The file to write (.csv, .xlsx or .jsonl); only you can read it."),
]
RejectedOption = Annotated[
    bool, typer.Option("--rejected", help="Rows that were never sent, with the reason of each.")
]
AcceptedOption = Annotated[bool, typer.Option("--accepted", help="People whom the service took.")]
RefusedOption = Annotated[bool, typer.Option("--refused", help="People whom the service did not take.")]
UnknownOption = Annotated[bool, typer.Option("--unknown", help="People in chunks without an answer.")]
AbandonedOption = Annotated[
    bool, typer.Option("--abandoned", help="People in unknown chunks that were given up.")
]
UnsentOption = Annotated[bool, typer.Option("--unsent", help="People who were not submitted yet.")]
FailedOption = Annotated[
    bool, typer.Option("--failed", help="People whom the message did not reach, as webhooks told, and why.")
]
DeliveredOption = Annotated[
    bool, typer.Option("--delivered", help="People of whom webhooks told that it was delivered, or read.")
]
NotDeliveredOption = Annotated[
    bool,
    typer.Option(
        "--not-delivered",
        help="People who may have been sent to, and of whom webhooks did not tell that it was delivered."
        " That nothing was told proves nothing.",
    ),
]
RepliedOption = Annotated[
    bool, typer.Option("--replied", help="People who wrote back, as far as webhooks told.")
]


_ADVICE: Final[dict[PeopleGroup | FateGroup | None, str]] = {
    PeopleGroup.UNSENT: "resume sends to them: either send this file, or resume the campaign, not both",
    PeopleGroup.UNKNOWN: "they may have the message already: reconcile them before you send this file",
    FateGroup.FAILED: "not all of them may get it again: keebai-async retry sends to those who may",
    FateGroup.NOT_DELIVERED: "they may have the message all the same: webhooks lag, and may be lost",
}


def export(
    campaign: CampaignArgument,
    file: PeopleFileArgument,
    rejected: RejectedOption = False,
    accepted: AcceptedOption = False,
    refused: RefusedOption = False,
    unknown: UnknownOption = False,
    abandoned: AbandonedOption = False,
    unsent: UnsentOption = False,
    failed: FailedOption = False,
    delivered: DeliveredOption = False,
    not_delivered: NotDeliveredOption = False,
    replied: RepliedOption = False,
    excel: ExcelOption = False,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """Write people of a campaign to a file that only you can read, and that can be planned as it is.

    Example: keebai-async export promo-marzo-1a2b3c4d refused.csv --refused
    """
    groups: tuple[tuple[PeopleGroup | FateGroup, bool], ...] = (
        (PeopleGroup.ACCEPTED, accepted),
        (PeopleGroup.REFUSED, refused),
        (PeopleGroup.UNKNOWN, unknown),
        (PeopleGroup.ABANDONED, abandoned),
        (PeopleGroup.UNSENT, unsent),
        (FateGroup.FAILED, failed),
        (FateGroup.DELIVERED, delivered),
        (FateGroup.NOT_DELIVERED, not_delivered),
        (FateGroup.REPLIED, replied),
    )
    chosen = [group for group, wanted in groups if wanted]
    if rejected + len(chosen) != 1:
        raise InvalidInput(
            "choose exactly one of --rejected, --accepted, --refused, --unknown, --abandoned, --unsent,"
            " --failed, --delivered, --not-delivered and --replied"
        )
    group = chosen[0] if chosen else None
    (check_rejects_file if rejected else check_people_file)(file, excel=excel)
    work = partial(_export, campaign, group, file, Connection(journal=journal), excel=excel, json=json)
    raise typer.Exit(interrupts.run(work))


async def _export(
    campaign: str,
    group: PeopleGroup | FateGroup | None,
    file: Path,
    connection: Connection,
    *,
    excel: bool,
    json: bool,
) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        await keebai.campaigns.status(campaign)  # an unknown id is an error before a file is made
        count = await _write(keebai, campaign, group, file, excel=excel)
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
        if count and group in _ADVICE:
            say(_ADVICE[group])
        return Exit.DONE


async def _write(
    keebai: CampaignClient, campaign: str, group: PeopleGroup | FateGroup | None, file: Path, *, excel: bool
) -> int:
    match group:
        case None:
            return await write_rejects(file, lambda: keebai.campaigns.rejections(campaign), excel=excel)
        case PeopleGroup():
            people = partial(keebai.campaigns.people, campaign, *group.value)
            return await write_people(file, people, excel=excel)
        case FateGroup():
            told = partial(keebai.campaigns.told, campaign, group)
            return await write_told(file, told, group, excel=excel)
