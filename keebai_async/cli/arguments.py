"""The options that several commands share, each with its help, as types for Typer."""

from pathlib import Path
from typing import Annotated

import typer

_SENDER = "Sender"
_PEOPLE = "People"
_OUTPUT = "Output"
_SANDBOX = "Sandbox"

FileOrPlan = Annotated[
    str,
    typer.Argument(
        metavar="FILE", help="A CSV with a header, or JSON Lines: one person a row. Or the id of a plan."
    ),
]
People = Annotated[
    str, typer.Argument(metavar="FILE", help="A CSV with a header, or JSON Lines: one person a row.")
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
Rejects = Annotated[
    Path | None,
    typer.Option(
        "--rejects",
        metavar="FILE.csv",
        help="Write every row that is not sent, with its reason, to this file.",
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
