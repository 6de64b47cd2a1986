"""A whole plan, a whole report and their pages in another language: no word of English is left."""

import re
from decimal import Decimal
from html import unescape
from typing import Final

import pytest
from msgspec.structs import replace

from keebai_async.campaign.reconcile import PortalEntry
from keebai_async.cli.commands.reconcile import _lines as unknown_lines
from keebai_async.cli.estimate import estimate
from keebai_async.cli.language import ENGLISH, LANGUAGES, catalogue, speaking
from keebai_async.cli.library_words import COUNTRY
from keebai_async.cli.page.campaign_page import page
from keebai_async.cli.page.plan_page import plan_page
from keebai_async.cli.progress_words import pulse_line
from keebai_async.cli.text_output import list_text, plan_text, progress_line, report_text, step_lines
from keebai_async.keebai.settings import KEEBAI_QUOTAS
from keebai_async.model.campaign import CampaignState, Holder, RunFacts, StoredCampaign
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.cost import CountryCount, Rates
from keebai_async.model.fates import FateCounts, UnmarkedMatch
from keebai_async.model.hours import Hours
from keebai_async.model.opt_outs import OptOutCount, OptOutSource
from keebai_async.model.plan import DailyRoom, Guards, Pace, Plan, Preview, ReasonCount
from keebai_async.model.reached import Reached
from keebai_async.model.recipient import Reason, Rejection
from keebai_async.model.report import utc
from keebai_async.model.requests import Requests
from keebai_async.model.retry import RetryAccount, RetryChoice, RetryGroup
from keebai_async.model.sender import Sender
from keebai_async.model.situation import Situation, situation_of
from keebai_async.model.stop import Cause

NOW: Final = 1_790_000_000.0
E164: Final = "write it in E.164, such as +5491155555555"


def left_out(reason: Reason, detail: str, field: str = "celular") -> ReasonCount:
    rejection = Rejection(row=9, reason=reason, detail=detail, to="+5491155550101", field=field)
    return ReasonCount(reason=reason, count=1_204, examples=(rejection,))


PLAN: Final = Plan(
    campaign_id="promo-1",
    name="Promo",
    template="promo",
    language="es",
    sender=Sender(channel_id="100"),
    sender_number="+5491150000001",
    created_at=NOW,
    source="lista.xlsx",
    sheet="Base",
    first_row=2,
    last_row=50_001,
    read=50_000,
    ready=46_000,
    duplicates=1_204,
    rejected=2_000,
    suppressed=796,
    chunks=(5_000,) * 9 + (1_000,),
    reasons=(
        left_out(Reason.DUPLICATE, "the same person as in row 2, who would be messaged and billed twice"),
        left_out(
            Reason.BAD_NUMBER, f"too short for Brasil (6 digits behind +55, 8, 9, 10 or 11 needed): {E164}"
        ),
        left_out(Reason.BAD_NUMBER, f"too short for Germany (3 digits behind +49, 10 or 11 needed): {E164}"),
        left_out(Reason.NO_NUMBER, "there is no number: give one, or leave the row out"),
        left_out(
            Reason.OTHER_COUNTRY, "a number of United States, which is not among the countries asked for"
        ),
        left_out(
            Reason.SPREADSHEET_NUMBER,
            "a spreadsheet has rounded the number: format the column as text and fill it again",
        ),
        left_out(Reason.SUPPRESSED, "on the list of people who are not to be messaged"),
        left_out(Reason.MISSING_VARIABLE, "nombre is missing: the template asks for it", "nombre"),
        left_out(Reason.EXTRA_VARIABLE, "the template has no variable edad: leave it out", "edad"),
        left_out(Reason.BLANK_VARIABLE, "nombre is blank: give it a value", "nombre"),
        left_out(Reason.BAD_VARIABLE, "nombre has a tab: write a space", "nombre"),
        left_out(Reason.LONG_VARIABLE, "nombre has 2000 characters, 1024 is the most: shorten it", "nombre"),
        left_out(Reason.BAD_META_DATA, "meta_data is not an object: write one, or leave it out", "meta_data"),
        left_out(
            Reason.BAD_ROW,
            "the row is too short: it has 2 cells, the header has 5; look for a delimiter or a quote that is"
            " missing, or one too many",
            "",
        ),
    ),
    ignored_columns=("ciudad",),
    notes=(
        "1,204 numbers in local spellings were read and are sent in E.164",
        "1 number is a fixed line, which rarely has WhatsApp",
        (
            "bajas.csv holds 1,204 numbers of people who are not to be messaged, 31 of them in the list; its"
            " line 1 was taken for a header"
        ),
        "read is the sheet 'Base' of lista.xlsx, rows 2 to 50001",
    ),
    preview="Hola Ana",
    preview_to="+549…0101",
    previews=(Preview(why="the longest", text="Hola Ana Mar\u00eda", row=7, to="+549…0102"),),
    countries=(
        CountryCount(region="AR", name="Argentina", people=40_000),
        CountryCount(region="US", name="United States", people=6_000),
    ),
    guards=Guards(canary=200, stop_above=0.1),
    pace=Pace(people=5_000, per=600.0),
    hours=Hours.parse("09:00-20:00", "America/Lima"),
    not_before=NOW + 3_600,
    per_hour=10_000,
    per_day=40_000,
    rates=Rates(currency="USD", category="MARKETING", source="t.csv", by_country={"AR": Decimal("0.0618")}),
    not_within=3 * 86_400.0,
    daily_limit=2_000,
    daily_room=DailyRoom(at=NOW, used=700, at_once=1_200, next_at=NOW + 50_000, ends_at=NOW + 900_000),
    limit=46_000,
    not_looked_at=300,
    opted_out=tuple(OptOutCount(source=source, people=100, since=NOW - 86_400) for source in OptOutSource),
    reached_before=(
        Reached(
            campaign_id="dos-1",
            name="Dos",
            template="promo",
            language="es",
            people=300,
            at=NOW - 500,
            unsent=7,
        ),
        Reached(campaign_id="tres-1", name="Tres", template="promo", language="es", people=9, purged=True),
    ),
)

CODES: Final = (131049, 131026, 131047, 131056, 130472, 131050, 0)

RETRY: Final = replace(
    PLAN,
    opt_outs_ignored=12,
    retry=RetryAccount(
        of="dos-1",
        name="Dos",
        at=NOW,
        groups=tuple(
            RetryGroup(choice=choice, code=code, people=10, first=NOW, last=NOW + 500)
            for choice, code in zip(
                RetryChoice, (131049, 131026, 131047, 131056, 130472, 131050, 0), strict=True
            )
        ),
        unnamed=12,
    ),
)


def chunk(number: int, state: ChunkState, **more: object) -> Chunk:
    return replace(Chunk(number=number, recipients=5_000, state=state, submitted_at=NOW), **more)


STOPPED: Final = StoredCampaign(
    plan=PLAN,
    state=CampaignState.STOPPED,
    chunks=(
        chunk(
            1,
            ChunkState.ACCEPTED,
            accepted=5_000,
            broadcast_id="66aa",
            sent=2_000,
            failed=2_990,
            seen_at=NOW + 60,
        ),
        chunk(2, ChunkState.ACCEPTED, accepted=5_000, proven_at=NOW),
        chunk(3, ChunkState.UNKNOWN, reason="a redirect (302), which is never followed"),
        chunk(4, ChunkState.UNKNOWN, reason="503 with an HTML page", noticed_at=NOW),
        chunk(5, ChunkState.REFUSED, reason="somebody in it is refused", noticed_at=NOW),
        chunk(6, ChunkState.ABANDONED, noticed_at=NOW),
        chunk(7, ChunkState.PLANNED, resent=True),
        chunk(8, ChunkState.ACCEPTED, accepted=5_000, broadcast_id="66bb", twice_at=NOW),
        Chunk(number=9, recipients=5_000, noticed_at=NOW),
        Chunk(number=10, recipients=1_000),
    ),
    stopped_by=Cause.GUARD,
    reason="2990 of 4990 delivered so far failed, more than the 10% allowed",
    facts=RunFacts(launched_at=NOW, ended_at=NOW + 75, by="ana"),
    requests=Requests(submits=2, polls=3, other=1, throttled=1),
    seconds=74.2,
)
FATES: Final = FateCounts(
    sent=1, failed=6, delivered=3, read=2, replied=1, codes={131049: 3, 131026: 1, 0: 1, 999: 1}
)


UNKNOWN: Final = PortalEntry(
    number=3,
    campaign_name="Promo [03/10]",
    recipients=5_000,
    first="+549…0101",
    last="+549…0102",
    left_at=NOW,
    reason="a redirect (302), which is never followed",
    resend_in=60.0,
    matched=UnmarkedMatch(people=3, first_at=NOW, last_at=NOW),
)


def situations() -> list[Situation]:
    stopped = situation_of(STOPPED, NOW + 100, fates=FATES)
    holder = Holder(pid=7, host="maquina", user="ana", since=NOW)
    running = replace(STOPPED, state=CampaignState.RUNNING, stopped_by=None, reason=None, holder=holder)
    paused = replace(running, state=CampaignState.PAUSED)
    died = replace(running, holder=None)
    return [
        stopped,
        *(situation_of(each, NOW + 100) for each in (running, paused, died)),
        *(
            situation_of(replace(STOPPED, stopped_by=cause, reason=reason), NOW + 100)
            for cause, reason in (
                (Cause.TEMPLATE, "the token may not send (403)"),
                (Cause.TOKEN, "the service rejects the token (401)"),
                (Cause.NOT_FOUND, "the service does not know this sender (404)"),
                (Cause.UNREACHABLE, "the service does not answer (503 with an HTML page)"),
            )
        ),
    ]


def everything() -> str:
    """All that is said of a plan and of a campaign, on the screen and on pages."""
    said = []
    for plan in (PLAN, RETRY):
        expected = estimate(plan, KEEBAI_QUOTAS, now=NOW)
        said.append(plan_text(plan, expected, now=NOW))
        said += plan_page(plan, expected, at=NOW, launch="")
    for situation in situations():
        said.append(report_text(situation))
        said += [line.partition(": keebai-async")[0] for line in step_lines(situation)]
        said.append(page(situation, PLAN, at=NOW))
        now = utc(NOW + 100)
        assert now is not None
        said += [pulse_line(situation, now), progress_line(situation)]
    said.append(list_text(situations()))
    said += [line.partition("keebai-async")[0] for line in unknown_lines("promo-1", UNKNOWN, "")]
    return "\n".join(said)


def words(text: str) -> set[str]:
    """Words of letters alone: no names of options, files and columns with signs in them."""
    return {
        word.lower() for word in re.findall(r"(?<![\w.\-{])[^\W\d_]{2,}(?![\w\-}]|\.[a-z])", unescape(text))
    }


def english_words() -> set[str]:
    """Those of all texts, but for the names of countries."""
    return set[str]().union(*(words(text) for about, text in catalogue("es") if about != COUNTRY))


def without_code(text: str) -> str:
    """A page without its tags, its style and its commands."""
    text = re.sub(r"<style>.*?</style>|<code>.*?</code>", " ", text, flags=re.DOTALL)
    labels = " ".join(re.findall(r'aria-label="([^"]*)"', text))
    return labels + re.sub(r"<[^>]*>", " ", text)


@pytest.mark.parametrize("language", [each for each in LANGUAGES if each != ENGLISH])
def test_a_whole_campaign_is_told_without_a_word_of_english(language: str) -> None:
    theirs = set[str]().union(*(words(" ".join(forms)) for forms in catalogue(language).values()))
    with speaking(language):
        said = without_code(everything())

    assert words(said) & (english_words() - theirs) == set()


def test_in_english_the_same_is_full_of_it() -> None:
    """Else the test above would find nothing, whatever stood there."""
    assert len(words(without_code(everything())) & english_words()) > 200
