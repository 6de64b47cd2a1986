"""The command `reconcile`."""

from collections.abc import Iterator
from functools import partial
from typing import Annotated

import msgspec
import typer

from keebai_async.campaign.reconcile import PortalEntry
from keebai_async.campaign_client import CampaignClient
from keebai_async.cli.connect import Connection, bookkeeping, campaigning
from keebai_async.cli.console import can_ask, confirm_people
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import counted, figure, moment
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import account, emit, typed
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import library_reason
from keebai_async.cli.meant import campaign_id
from keebai_async.cli.options import (
    CampaignArgument,
    JournalOption,
    JsonOption,
    LangOption,
    YesOption,
    journal_option,
)
from keebai_async.cli.output import answer, say
from keebai_async.cli.shown import shown_text
from keebai_async.cli.text_output import report_text, step_lines
from keebai_async.errors import InvalidInput
from keebai_async.model.part import part_ids
from keebai_async.model.report import utc

ChunkOption = Annotated[
    int | None,
    typer.Option(
        "--chunk", min=1, metavar="N", help="The number of the unknown chunk. Without it, all are shown."
    ),
]
AcceptedAsOption = Annotated[
    str | None,
    typer.Option("--accepted", metavar="BROADCAST-ID", help="It is in the portal, under this id: follow it."),
]
ResendOption = Annotated[
    bool, typer.Option("--resend", help="It is not in the portal: submit it again at the next resume.")
]
TakeBackOption = Annotated[
    bool,
    typer.Option(
        "--take-back", help="Take --resend back, before a resume has submitted it: it is unknown again."
    ),
]
AbandonOption = Annotated[
    bool, typer.Option("--abandon", help="Give its people up for good: neither sent nor followed.")
]


def reconcile(
    campaign: CampaignArgument,
    chunk: ChunkOption = None,
    accepted: AcceptedAsOption = None,
    resend: ResendOption = False,
    abandon: AbandonOption = False,
    take_back: TakeBackOption = False,
    yes: YesOption = False,
    journal: JournalOption = None,
    json: JsonOption = False,
    lang: LangOption = None,
) -> None:
    """Show the chunks whose outcome is unknown, or settle one after a look into the portal.

    Example: keebai-async reconcile promo-marzo-1a2b3c4d --chunk 3 --accepted 66aa00112233445566778899
    """
    word = Decision(accepted=accepted, resend=resend, abandon=abandon, take_back=take_back)
    connection = Connection(journal=journal)
    if chunk is None and not word.said:
        raise typer.Exit(interrupts.run(partial(_show, campaign, connection, json=json)))
    if chunk is None:
        raise InvalidInput(f"--chunk is needed; see: keebai-async reconcile {campaign}", field="--chunk")
    if word.said != 1:
        raise InvalidInput(
            "choose exactly one of --accepted BROADCAST-ID, --resend, --abandon and --take-back"
        )
    if (resend or abandon) and not yes and not can_ask():
        what = "submit it again" if resend else "give it up"
        raise InvalidInput(
            f"no terminal to ask on, nothing was changed: add --yes to {what} without a question"
        )
    work = partial(_reconcile, campaign, chunk, word, connection, yes=yes, json=json)
    raise typer.Exit(interrupts.run(work))


class Decision(msgspec.Struct, frozen=True, kw_only=True):
    """What a person says became of a chunk."""

    accepted: str | None
    resend: bool
    abandon: bool
    take_back: bool

    @property
    def said(self) -> int:
        return (self.accepted is not None) + self.resend + self.abandon + self.take_back


async def _show(campaign: str, connection: Connection, *, json: bool) -> Exit:
    async with bookkeeping(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        found = [
            (part, each)
            for part in part_ids(campaign) or (campaign,)
            for each in await keebai.campaigns.unknown(part)
        ]
    option = journal_option(connection.journal)
    for part, each in found:
        if json:
            known = {"campaign_id": part, "left_at": utc(each.left_at), "matched": _matched(each)}
            emit(typed("unknown", each) | known)
        else:
            answer("\n".join(_lines(part, each, option)))
    if not found:
        say(phrase("no chunk is unknown: there is nothing to settle"))
    return Exit.UNKNOWN if found else Exit.DONE


def _matched(each: PortalEntry) -> dict[str, object] | None:
    if (matched := each.matched) is None:
        return None
    return {"people": matched.people, "first_at": utc(matched.first_at), "last_at": utc(matched.last_at)}


def _lines(campaign: str, each: PortalEntry, option: str) -> Iterator[str]:
    yield phrase("chunk {number}: look in the portal for", number=each.number)
    yield from _described(each)
    settle = f"keebai-async reconcile {campaign} --chunk {each.number}"
    yield _labelled(phrase("it is there:"), f"{settle} --accepted BROADCAST-ID{option}")
    yield _labelled(phrase("it is not:"), f"{settle} --resend{option}")
    if each.resend_in:
        wait = f"{each.resend_in:.0f} s"
        yield _labelled(
            "", phrase("--resend in {time} at the earliest: until then it may still arrive", time=wait)
        )
    yield _labelled(phrase("give them up:"), f"{settle} --abandon{option}")


def _labelled(label: str, words: str) -> str:
    return f"  {label:<13}  {words}"


def _described(each: PortalEntry) -> Iterator[str]:
    yield _labelled(phrase("campaign name"), shown_text(each.campaign_name))
    if each.left_at is not None:
        yield _labelled(phrase("left at"), moment(each.left_at))
    numbers = ""
    if each.first:
        numbers = phrase(", the first {first}, the last {last}", first=each.first, last=each.last)
    yield _labelled(phrase("recipients"), f"{figure(each.recipients)}{numbers}")
    if each.reason:
        yield _labelled(phrase("what happened"), library_reason(each.reason))
    if (matched := each.matched) is not None:
        told = counted(
            matched.people,
            "told of messages to {count} of these numbers since then, the first {first}, the last {last}",
            "told of messages to {count} of these numbers since then, the first {first}, the last {last}",
            first=moment(matched.first_at),
            last=moment(matched.last_at),
        )
        yield _labelled("webhooks", told)
        others = phrase("they have no mark, so they prove nothing: others write to these numbers, too")
        yield _labelled("", others)


async def _reconcile(
    campaign: str, chunk: int, word: Decision, connection: Connection, *, yes: bool, json: bool
) -> Exit:
    # What is accepted is checked at the service.
    opened = bookkeeping if word.accepted is None else campaigning
    async with opened(connection) as keebai:
        campaign = await campaign_id(keebai, campaign)
        asked = (word.resend or word.abandon) and not yes
        if asked and not await _meant(keebai, campaign, chunk, abandon=word.abandon):
            say(phrase("declined: nothing was changed"))
            return Exit.DECLINED
        await keebai.campaigns.reconcile(
            campaign,
            chunk,
            accepted=word.accepted,
            resend=word.resend,
            abandon=word.abandon,
            take_back=word.take_back,
        )
        now = await keebai.campaigns.situation(campaign)
        if json:
            emit(account("report", now))
        else:
            answer(report_text(now))
        for line in step_lines(now, journal=connection.journal):
            say(line)
        return Exit.DONE


def _before_resend() -> str:
    return phrase(
        "the next resume submits it again. If it did arrive, these people get the message twice,"
        " and it is billed twice. Until that resume, --take-back takes it back"
    )


def _before_abandon() -> str:
    return phrase(
        "nothing takes this back: this campaign submits them never again. If it did arrive, they have the"
        " message, and nobody follows its delivery"
    )


async def _meant(keebai: CampaignClient, campaign: str, chunk: int, *, abandon: bool) -> bool:
    """Show the chunk, say what will happen, and ask. What is not unknown is refused later."""
    for each in await keebai.campaigns.unknown(campaign):
        if each.number == chunk:
            say(phrase("chunk {number}, as it would stand in the portal:", number=chunk))
            for line in _described(each):
                say(line)
            say(_before_abandon() if abandon else _before_resend())
            who = each.recipients
            if abandon:
                return confirm_people(
                    counted(who, "Give its {count} person up?", "Give its {count} people up?"), who
                )
            again = counted(
                who,
                "It is not in the portal: submit to its {count} person again?",
                "It is not in the portal: submit to its {count} people again?",
            )
            return confirm_people(again, who)
    return True
