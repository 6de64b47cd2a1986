"""The command `status`."""

from collections.abc import Collection
from functools import partial
from typing import Annotated

import typer

from keebai_async.campaign_client import CampaignClient
from keebai_async.campaign_looks import CampaignLooks
from keebai_async.cli import completion
from keebai_async.cli.account_text import no_success, process_gone
from keebai_async.cli.campaign_codes import code_of_look
from keebai_async.cli.connect import Connection, bookkeeping, chosen_service, spending, token_known
from keebai_async.cli.error_line import line_of
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import account, emit
from keebai_async.cli.language import phrase
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import JournalOption, JsonOption, LangOption, QuotaStoreOption, journal_option
from keebai_async.cli.output import answer, answer_account, say
from keebai_async.cli.term_words import standing_words
from keebai_async.cli.text_output import list_text, report_text, step_lines
from keebai_async.errors import QuotaUnusable
from keebai_async.model.situation import Standing

OptionalCampaignArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="[CAMPAIGN]",
        help="Its id, or the beginning of it, its name, or: last. Default: all.",
        autocompletion=completion.campaigns,
    ),
]


def status(
    campaign: OptionalCampaignArgument = None,
    journal: JournalOption = None,
    quota_store: QuotaStoreOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Show where a campaign stands, as the journal has it; without an id, all campaigns, newest first.

    Exit code 6 while people are unknown.

    Example: keebai-async status promo-marzo-1a2b3c4d
    """
    connection = Connection(journal=journal, quota_store=quota_store)
    raise typer.Exit(interrupts.run(partial(_status, campaign, connection, json=json)))


async def _status(campaign: str | None, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        if campaign is None:
            await show_list(keebai, connection, json=json)
            return Exit.DONE
        campaign = await campaign_id(keebai, campaign)
        situation = await CampaignLooks(keebai).situation(campaign, fates=True)
        if json:
            emit(account("campaign", situation))
        else:
            answer_account(report_text(situation), alarm=no_success())
        for line in step_lines(situation, journal=connection.journal):
            say(line)
        await _tell_spending(keebai)
        return code_of_look(situation)


async def show_list(
    keebai: CampaignClient,
    connection: Connection,
    *,
    json: bool,
    states: Collection[Standing] = (),
    limit: int | None = None,
) -> None:
    """All campaigns, newest first, or at most *limit* of those in *states*."""
    every = await CampaignLooks(keebai).situations()
    chosen = [each for each in every if not states or each.standing in states][:limit]
    if json:
        for each in chosen:
            emit(account("campaign", each))
    elif chosen:
        answer(list_text(chosen))
    if not every:
        option = journal_option(connection.journal)
        command = f"keebai-async plan FILE --template NAME --language es{option}"
        say(phrase("no campaigns yet; to make one: {command}", command=command))
    elif not chosen:
        wanted = phrase(" or ").join(map(standing_words, states))
        say(phrase("none of the {number} campaigns is {state}", number=len(every), state=wanted))
    for each in chosen:
        if each.standing is Standing.DIED:
            say(f"{each.campaign_id}: {process_gone()}")
            for line in step_lines(each, journal=connection.journal):
                say(line)
    await _tell_spending(keebai)


async def _tell_spending(keebai: CampaignClient) -> None:
    """Where a campaign stands is known even if the store of the quota is not there."""
    try:
        spent = await spending(keebai)
    except QuotaUnusable as error:
        say(line_of(error, chosen_service().variables))
        return
    if token_known():
        say(phrase("quota: {spent} spent", spent=spent))
