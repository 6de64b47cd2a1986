"""The options and arguments that several commands share, each with its help, as types for Typer."""

import enum
import math
import re
import shlex
from collections.abc import Iterable
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Annotated, Final

import typer

from keebai_async.cli import completion
from keebai_async.cli.language import LANGUAGES, known_language, speak
from keebai_async.errors import InvalidInput

SENDER_PANEL = "Sender"
LIST_PANEL = "List of people"
GUARDS_PANEL = "Guards"
WHEN_PANEL = "When"
OUTPUT_PANEL = "Output"
SANDBOX_PANEL = "Sandbox"


def in_this_language(language: str | None) -> str | None:
    """Speak the language that was named, from the moment the options are read. Raises InvalidInput."""
    if language is not None:
        speak(known_language(language))
    return language


_TEMPLATE = "The exact name of the template."
_LANGUAGE = "The language of the template, such as es or pt_BR."

CampaignArgument = Annotated[
    str,
    typer.Argument(
        metavar="CAMPAIGN",
        help="Its id, or the beginning of it, its name, or: last.",
        autocompletion=completion.campaigns,
    ),
]

TemplateOption = Annotated[
    str, typer.Option("--template", "-t", help=_TEMPLATE, autocompletion=completion.templates)
]
OptionalTemplateOption = Annotated[
    str | None,
    typer.Option(
        "--template", "-t", help=f"{_TEMPLATE} Needed with a FILE.", autocompletion=completion.templates
    ),
]
LanguageOption = Annotated[
    str, typer.Option("--language", "-l", help=_LANGUAGE, autocompletion=completion.languages)
]
OptionalLanguageOption = Annotated[
    str | None,
    typer.Option(
        "--language", "-l", help=f"{_LANGUAGE} Needed with a FILE.", autocompletion=completion.languages
    ),
]
ToOption = Annotated[
    str, typer.Option("--to", help="The number of the person, with its country code: +5491155555555.")
]
OnceOption = Annotated[
    str | None,
    typer.Option(
        "--once",
        metavar="KEY",
        help="Send it once, whatever happens: the same key again sends nothing. See outbox.",
    ),
]
MetaOption = Annotated[
    list[str] | None,
    typer.Option(
        "--meta", metavar="NAME=VALUE", help="Data that the service keeps with this message. Repeatable."
    ),
]

PhoneNumberIdOption = Annotated[
    str | None,
    typer.Option(
        "--phone-number-id",
        metavar="ID",
        help="The number that sends; see: keebai-async numbers. Default: KEEBAI_PHONE_NUMBER_ID.",
        rich_help_panel=SENDER_PANEL,
    ),
]
ChannelIdOption = Annotated[
    str | None,
    typer.Option(
        "--channel-id",
        metavar="ID",
        help="The channel that sends, instead of a phone number id. Default: KEEBAI_CHANNEL_ID.",
        rich_help_panel=SENDER_PANEL,
    ),
]
SendersOption = Annotated[
    list[str] | None,
    typer.Option(
        "--sender",
        metavar="ID",
        help="One of several senders to which the list is dealt, each person to one: a phone number id, or"
        " channel:ID. Of another token it is ID@NAME, with that token in KEEBAI_API_TOKEN_NAME. Repeatable.",
        rich_help_panel=SENDER_PANEL,
    ),
]
JournalOption = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="PATH",
        help="The file in which campaigns are kept."
        " Default: KEEBAI_JOURNAL, or a file in your user data folder.",
    ),
]
QuotaStoreOption = Annotated[
    str | None,
    typer.Option(
        "--quota-store",
        metavar="URL",
        help="Where it is kept how many requests the token has made: sqlite:PATH, redis://..., "
        "postgresql://... or memory:."
        " Default: KEEBAI_QUOTA_STORE, or a file that all processes of this machine share.",
    ),
]

SetQuotaOption = Annotated[
    str | None,
    typer.Option(
        "--set-quota",
        metavar="QUOTA",
        help="Change, for all who share the token and the store of its quota, how many requests it may make:"
        " 60/60s,1000/3600s. Until then the smallest that anybody goes by holds.",
    ),
]

StopAboveOption = Annotated[
    str | None,
    typer.Option(
        "--stop-above",
        metavar="SHARE",
        help="Submit nothing more when a larger share of the delivered people fails: 0.2 or 20% is a fifth."
        " Counts from 200 people on; a canary counts from its first person, and has 0.2 if you do not say.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
PaceOption = Annotated[
    str | None,
    typer.Option(
        "--pace",
        metavar="PEOPLE/TIME",
        help="Submit no more people than that in any such time, so that there is a moment to stop: 5000/10m"
        " (s, m or h). It holds until another is named, also after a resume; off ends it.",
        rich_help_panel=GUARDS_PANEL,
    ),
]
HoursOption = Annotated[
    str | None,
    typer.Option(
        "--hours",
        metavar="09:00-20:00",
        help="Submit only in these hours of the day, by the clocks of --zone; what is left waits for the next"
        " day. It holds also after a resume; off ends it.",
        rich_help_panel=WHEN_PANEL,
    ),
]
ZoneOption = Annotated[
    str | None,
    typer.Option(
        "--zone",
        metavar="ZONE",
        help="Whose clocks: a name such as America/Lima; a country such as PE, in all its zones at once; or"
        " the word country, which is that of each person's number.",
        rich_help_panel=WHEN_PANEL,
    ),
]
PerHourOption = Annotated[
    str | None,
    typer.Option(
        "--per-hour",
        metavar="PEOPLE",
        help="Submit no more people of this campaign in any hour; off ends it.",
        rich_help_panel=WHEN_PANEL,
    ),
]
PerDayOption = Annotated[
    str | None,
    typer.Option(
        "--per-day",
        metavar="PEOPLE",
        help="Submit no more people of this campaign in any 24 hours; off ends it.",
        rich_help_panel=WHEN_PANEL,
    ),
]
DAILY_LIMIT_VARIABLE: Final = "KEEBAI_DAILY_LIMIT"
_DAILY_LIMIT: Final = (
    "Submit no more people of all campaigns of the journal in any 24 hours, as Meta limits a portfolio; off"
    " ends it."
)
DailyLimitOption = Annotated[
    str | None,
    typer.Option("--daily-limit", metavar="PEOPLE", help=_DAILY_LIMIT, rich_help_panel=WHEN_PANEL),
]
NewDailyLimitOption = Annotated[
    str | None,
    typer.Option(
        "--daily-limit",
        envvar=DAILY_LIMIT_VARIABLE,
        show_envvar=False,
        metavar="PEOPLE",
        help=_DAILY_LIMIT,
        rich_help_panel=WHEN_PANEL,
    ),
]
"""Of a campaign that begins; one that goes on keeps what it was told."""
IgnoreOptOutsOption = Annotated[
    bool,
    typer.Option(
        "--ignore-opt-outs",
        help="Send also to people who opted out (keebai-async optouts list). They said no.",
        rich_help_panel=LIST_PANEL,
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
NoWaitOption = Annotated[
    bool, typer.Option("--no-wait", help="End when all is submitted, without following the delivery.")
]
RejectsOption = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE",
        help="Write every row that is not sent to this file (.csv or .xlsx), with its reason. It can be fixed"
        " in a spreadsheet and planned as it is.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
ExcelOption = Annotated[
    bool,
    typer.Option(
        "--excel",
        help="Write a .csv as Excel in Spanish or Portuguese opens it: semicolons. An .xlsx opens in any.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
JsonOption = Annotated[
    bool,
    typer.Option(
        "--json", help="Print JSON on stdout, one object in each line.", rich_help_panel=OUTPUT_PANEL
    ),
]

OnEndOption = Annotated[
    str | None,
    typer.Option(
        "--on-end",
        metavar="COMMAND",
        help="Run this when it has ended, with the report as JSON on stdin.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]
NotifyOption = Annotated[
    str | None,
    typer.Option(
        "--notify",
        metavar="URL",
        help="Post the report as JSON there when it has ended, signed with KEEBAI_NOTIFY_SECRET.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]

SpeedOption = Annotated[
    float,
    typer.Option(
        "--speed",
        min=0.01,
        max=100_000,
        metavar="X",
        help="How fast the time of the sandbox runs: 100 is a hundred times as fast as real time.",
        rich_help_panel=SANDBOX_PANEL,
    ),
]
PortOption = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
FailingOption = Annotated[
    float,
    typer.Option(
        "--failing",
        min=0.0,
        max=1.0,
        metavar="SHARE",
        help="The share of people whose message fails: 0.1 is a tenth.",
    ),
]


WebhookOption = Annotated[
    str | None,
    typer.Option(
        "--webhook",
        metavar="URL",
        help="Deliver signed webhooks to this address of this machine, such as http://127.0.0.1:8080/webhooks.",
    ),
]

LangOption = Annotated[
    str | None,
    typer.Option(
        "--lang",
        metavar="LANGUAGE",
        callback=in_this_language,
        autocompletion=lambda: list(LANGUAGES),
        help="The language of what is printed: en, es or pt. Default: KEEBAI_LANG, or that of the locale.",
        rich_help_panel=OUTPUT_PANEL,
    ),
]


class DialectName(enum.Enum):
    """The sandbox's dialects, named here so that no command loads a sandbox only to show its help."""

    OPENAPI = "openapi"
    GUIDE = "guide"
    MIXED = "mixed"


DialectOption = Annotated[
    DialectName, typer.Option("--dialect", help="Which half of the service's documents it answers like.")
]


def pairs(given: Iterable[str], *, option: str, form: str = "NAME=VALUE") -> dict[str, str]:
    """Read what a repeatable option of this *form* was given; the value may hold more equals signs.

    Raises:
        InvalidInput: one has no equals sign or no name, or a name is given twice.
    """
    read: dict[str, str] = {}
    for word in given:
        name, sign, value = word.partition("=")
        name = name.strip()
        if not sign or not name:
            raise InvalidInput(f"write it as {form}, not {word!r}", field=option)
        if name in read:
            raise InvalidInput(f"{name!r} is given twice", field=option)
        read[name] = value
    return read


def journal_option(journal: str | None) -> str:
    """What a printed command ends with where *journal* was named as an option."""
    return "" if journal is None else f" --journal {shlex.quote(journal)}"


def given_share(given: str | None, *, option: str) -> float | None:
    """The share that *option* was given, as 0.15, 0,15 or 15%. Raises InvalidInput."""
    if given is None:
        return None
    found = _SHARE.fullmatch(given.strip())
    share = math.nan if found is None else float(found[1].replace(",", ".")) / (100 if found[2] else 1)
    if not 0 <= share <= 1:
        raise InvalidInput(
            f"write a share of all as 0.15 or 15%, from 0 to 1, not {given!r}", field=option, value=given
        )
    return share


_SHARE: Final = re.compile(r"([0-9]{1,9}(?:[.,][0-9]{1,9})?|[.,][0-9]{1,9})\s*(%)?", re.ASCII)


def one_character(given: str | None, *, option: str) -> str | None:
    """What *option* was given, a tab also as `\\t`. Raises InvalidInput if it is not one character."""
    if given is None:
        return None
    if given == r"\t":
        return "\t"
    if len(given) != 1:
        raise InvalidInput(rf"it is one character, such as ; or \t for a tab, not {given!r}", field=option)
    return given


def given_time(text: str, *, option: str, zone: tzinfo | None = None) -> datetime:
    """The time that *option* was given, by the clocks of *zone* if it has no offset. Raises InvalidInput."""
    try:
        when = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"write the time as 2026-10-01T09:00:00-03:00, not {text!r}", field=option, value=text
        ) from error
    if when.utcoffset() is None and zone is not None:
        return _by_clocks(when, zone, option=option)
    if when.utcoffset() is None:
        raise InvalidInput(
            f"{text} has no offset, so nobody knows when it is meant: write it with one, such as -03:00 or Z",
            field=option,
            value=text,
        )
    return when


def _by_clocks(local: datetime, zone: tzinfo, *, option: str) -> datetime:
    """Raises InvalidInput for a time that the clocks of *zone* leave out, or show twice."""
    early, late = local.replace(tzinfo=zone, fold=0), local.replace(tzinfo=zone, fold=1)
    if early.utcoffset() == late.utcoffset():
        return early
    left_out = early.astimezone(UTC).astimezone(zone).replace(tzinfo=None) != local
    what = "is left out there, because clocks are set forward" if left_out else "comes twice there"
    raise InvalidInput(
        f"{local.isoformat()} {what}: write it with its offset, such as -03:00",
        field=option,
        value=str(local),
    )
