"""The options that several commands share, each with its help, as types for Typer."""

import enum
from pathlib import Path
from typing import Annotated

import typer

from keebai_async.model.limits import MAX_RECIPIENTS

_SENDER = "Sender"
_PEOPLE = "People"
_GUARDS = "Guards"
_OUTPUT = "Output"
_SANDBOX = "Sandbox"

FileOrPlan = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A CSV with a header, JSON Lines, Parquet or Excel, one person a row; - for stdin."
        " Or the id of a plan.",
    ),
]
People = Annotated[
    str,
    typer.Argument(
        metavar="FILE",
        help="A CSV with a header, JSON Lines, Parquet or Excel, one person a row; - for stdin.",
    ),
]
Campaign = Annotated[str, typer.Argument(metavar="CAMPAIGN", help="The id that plan and launch print.")]

Template = Annotated[str, typer.Option("--template", "-t", help="The template's exact name.")]
OptionalTemplate = Annotated[
    str | None, typer.Option("--template", "-t", help="The template's exact name; needed with a FILE.")
]
Language = Annotated[
    str, typer.Option("--language", "-l", help="The template's language, such as es or pt_BR.")
]
OptionalLanguage = Annotated[
    str | None,
    typer.Option(
        "--language", "-l", help="The template's language, such as es or pt_BR; needed with a FILE."
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name", "-n", help="The campaign's name in the portal. Default: the file's name and the date."
    ),
]
PhoneNumberId = Annotated[
    str | None,
    typer.Option(
        "--phone-number-id",
        help="The sending number. Default: KEEBAI_PHONE_NUMBER_ID.",
        rich_help_panel=_SENDER,
    ),
]
ChannelId = Annotated[
    str | None,
    typer.Option(
        "--channel-id",
        help="The sending channel, instead of a phone number id. Default: KEEBAI_CHANNEL_ID.",
        rich_help_panel=_SENDER,
    ),
]
Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--column",
        metavar="FIELD=COLUMN",
        help="Which column holds the number or a variable: to=phone. Repeatable.",
        rich_help_panel=_PEOPLE,
    ),
]
Limit = Annotated[
    int | None,
    typer.Option(
        "--limit", min=1, help="Stop after so many ready people: a try-out.", rich_help_panel=_PEOPLE
    ),
]
DefaultRegion = Annotated[
    str | None,
    typer.Option(
        "--default-region",
        metavar="AR",
        help="The country of numbers without a plus. Needs the extra: pip install 'keebai-async\\[phones]'.",
        rich_help_panel=_PEOPLE,
    ),
]
Suppress = Annotated[
    list[str] | None,
    typer.Option(
        "--suppress",
        metavar="FILE",
        help="People who are not to be messaged: a number a line, or a CSV with the column to. Repeatable.",
        rich_help_panel=_PEOPLE,
    ),
]


class Extra(enum.Enum):
    """What to do with a variable that the template does not have."""

    REJECT = "reject"
    DROP = "drop"


ExtraVariables = Annotated[
    Extra,
    typer.Option(
        "--extra-variables",
        help="In rows of the service's own shape: what to do with a variable that the template lacks.",
        rich_help_panel=_PEOPLE,
    ),
]
FixWhitespace = Annotated[
    bool,
    typer.Option(
        "--fix-whitespace",
        help="Flatten line breaks, tabs and runs of spaces in values, instead of rejecting the row.",
        rich_help_panel=_PEOPLE,
    ),
]
Delimiter = Annotated[
    str | None,
    typer.Option(
        "--delimiter", help="What parts the columns of a CSV. Default: found.", rich_help_panel=_PEOPLE
    ),
]
SheetName = Annotated[
    str | None,
    typer.Option(
        "--sheet",
        metavar="NAME",
        help="Which sheet of a workbook. Default: the first.",
        rich_help_panel=_PEOPLE,
    ),
]
TestTo = Annotated[
    list[str] | None,
    typer.Option(
        "--test-to",
        metavar="NUMBER",
        help="Send to this number only, with the variables of the first row. Repeatable.",
        rich_help_panel=_PEOPLE,
    ),
]
MaxRecipients = Annotated[
    int | None,
    typer.Option(
        "--max-recipients", min=1, help="Refuse a list with more ready people.", rich_help_panel=_GUARDS
    ),
]
MaxCost = Annotated[
    float | None,
    typer.Option(
        "--max-cost",
        min=0.0,
        help="Refuse a list that costs more than this; needs --unit-cost.",
        rich_help_panel=_GUARDS,
    ),
]
UnitCost = Annotated[
    float | None,
    typer.Option(
        "--unit-cost", min=0.0, help="What one message costs, to show the price.", rich_help_panel=_GUARDS
    ),
]
Currency = Annotated[
    str, typer.Option("--currency", help="The price's currency, as it is shown.", rich_help_panel=_GUARDS)
]
Canary = Annotated[
    int | None,
    typer.Option(
        "--canary",
        min=1,
        max=MAX_RECIPIENTS,
        metavar="N",
        help="Send to the first N people, wait for their end, and go on only if few enough of them fail.",
        rich_help_panel=_GUARDS,
    ),
]
StopAbove = Annotated[
    float | None,
    typer.Option(
        "--stop-above",
        min=0.0,
        max=1.0,
        metavar="SHARE",
        help="Submit nothing more when a larger share of what is delivered fails: 0.2 is a fifth."
        " Counts from 200 people on; for a canary from the first, and 0.2 if you do not say.",
        rich_help_panel=_GUARDS,
    ),
]
NoGuards = Annotated[
    bool,
    typer.Option(
        "--no-guards", help="Go on although a guard stopped it, without any.", rich_help_panel=_GUARDS
    ),
]
Again = Annotated[
    bool,
    typer.Option(
        "--again", help="Send although the same list was launched under the same name before: everyone twice."
    ),
]
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE.csv",
        help="Write every row that is not sent, with its reason, to this file.",
        rich_help_panel=_OUTPUT,
    ),
]
Page = Annotated[
    Path | None,
    typer.Option(
        "--report",
        metavar="FILE.html",
        help="Write a page that shows the outcome, to look at in a browser.",
        rich_help_panel=_OUTPUT,
    ),
]
Journal = Annotated[
    str | None,
    typer.Option(
        "--journal",
        metavar="PATH",
        help="Where campaigns are kept. Default: KEEBAI_JOURNAL, or a file in your user data folder.",
    ),
]
QuotaStore = Annotated[
    str | None,
    typer.Option(
        "--quota-store",
        metavar="URL",
        help="Where the spending of the token is kept: sqlite:PATH, redis://... or memory:."
        " Default: KEEBAI_QUOTA_STORE, or a file beside the journal.",
    ),
]
Json = Annotated[
    bool, typer.Option("--json", help="One JSON object a line on stdout.", rich_help_panel=_OUTPUT)
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Stop after the plan; nothing is submitted.")]
NoWait = Annotated[
    bool, typer.Option("--no-wait", help="End when all is submitted, without following the delivery.")
]
OnSandbox = Annotated[
    bool,
    typer.Option(
        "--sandbox", help="Send to a Keebai on this machine, not to the real one.", rich_help_panel=_SANDBOX
    ),
]
Speed = Annotated[
    float,
    typer.Option(
        "--speed", min=0.01, max=100_000, help="How fast the sandbox's time runs.", rich_help_panel=_SANDBOX
    ),
]
To = Annotated[str, typer.Option("--to", help="The recipient in international form: +5491155555555.")]
MetaData = Annotated[
    list[str] | None,
    typer.Option("--meta", metavar="NAME=VALUE", help="Stored by the service with this message. Repeatable."),
]
