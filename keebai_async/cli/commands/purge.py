"""The command `purge`."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import typer

from keebai_async.campaign_client import CampaignClient
from keebai_async.cli import completion
from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.console import can_ask, confirm
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import people_figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.language import phrase
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import JournalOption, JsonOption, YesOption
from keebai_async.cli.output import say
from keebai_async.cli.shown import shown_text
from keebai_async.errors import CampaignBusy, InvalidInput
from keebai_async.journal.parts import load_parts
from keebai_async.model.situation import Standing
from keebai_async.planning.reached_people import reached_lately

OneOrAllArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAMPAIGN]",
        help="Default: every campaign in which everyone is settled.",
        autocompletion=completion.campaigns,
    ),
]
UnfinishedOption = Annotated[
    bool,
    typer.Option(
        "--unfinished",
        help="Also people who are unsent or unknown; the campaign can never be resumed then.",
    ),
]


NoHashesOption = Annotated[
    bool,
    typer.Option(
        "--no-hashes",
        help="Leave no keyed hash of anybody, and remove those of earlier purges: --not-within does not know"
        " these people any more.",
    ),
]


def purge(
    campaign: OneOrAllArgument = None,
    unfinished: UnfinishedOption = False,
    no_hashes: NoHashesOption = False,
    yes: YesOption = False,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """Remove people from the journal for good: numbers, variables, rows. The counts stay.

    So does a keyed hash of each to whom something was sent, for 90 days, unless you say --no-hashes.

    Example: keebai-async purge promo-marzo-1a2b3c4d
    """
    if campaign is None and unfinished:
        raise InvalidInput("name the CAMPAIGN whose people are to be removed although it is not finished")
    if not yes and not can_ask():
        raise InvalidInput(
            "no terminal to ask on, nothing was removed: add --yes to purge without a question"
        )
    work = partial(
        _purge,
        campaign,
        Connection(journal=journal),
        unfinished=unfinished,
        hashes=not no_hashes,
        yes=yes,
        json=json,
    )
    raise typer.Exit(interrupts.run(work))


async def _purge(
    campaign: str | None, connection: Connection, *, unfinished: bool, hashes: bool, yes: bool, json: bool
) -> Exit:
    async with bookkeeping(connection) as keebai:
        if campaign is not None:
            campaign = await campaign_id(keebai, campaign)
        for line in await _forgotten(keebai, campaign):
            say(line)
        whose = campaign or phrase("every finished campaign")
        question = phrase("Remove the people of {campaign} for good?", campaign=whose)
        if not yes and not confirm(question):
            say(phrase("declined: nothing was removed"))
            return Exit.DECLINED
        if campaign is None:
            purged = await keebai.campaigns.purge_finished(hashes=hashes)
        else:
            await _purge_one(keebai, campaign, unfinished=unfinished, hashes=hashes)
            purged = (campaign,)
        if not hashes:
            await keebai.campaigns.forget_hashes()
    for each in purged:
        if json:
            emit({"type": "purged", "campaign_id": each})
        say(phrase("its people are removed: {campaign}", campaign=each))
    if not purged:
        say(phrase("nothing to remove: no finished campaign has people left"))
    return Exit.DONE


async def _purge_one(keebai: CampaignClient, campaign: str, *, unfinished: bool, hashes: bool) -> None:
    try:
        await keebai.campaigns.purge(campaign, unfinished=unfinished, hashes=hashes)
    except CampaignBusy as error:
        situation = await keebai.campaigns.situation(campaign)
        if situation.holder is not None:
            raise
        way = f"keebai-async remove {campaign} removes the plan"
        if situation.standing is not Standing.PLANNED:
            way = "--unfinished removes them all the same"
        raise CampaignBusy(f"{error} ({way})", campaign_id=campaign) from error


async def _forgotten(keebai: CampaignClient, campaign: str | None) -> Iterator[str]:
    """Whom nobody is warned of afterwards, a line for each campaign that reached them lately."""
    journal, now = keebai.journal, keebai.clock.wall()
    named = await (journal.campaigns() if campaign is None else load_parts(journal, campaign))
    ended = [each for each in named if campaign is not None or all(chunk.settled for chunk in each.chunks)]
    lately = ((each.plan, reached_lately(each, now=now)) for each in ended)
    return (
        phrase(
            "once these people are removed, nobody is warned any more if they get the same again: {people}"
            " got '{name}' in the last 20 hours [{campaign}]",
            people=people_figure(people),
            name=shown_text(plan.name),
            campaign=plan.campaign_id,
        )
        for plan, people in lately
        if people
    )
