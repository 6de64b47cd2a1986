"""The argument that names a list of people, with the formats that a list may have."""

from typing import Annotated, Final

import typer

from keebai_async.cli import completion
from keebai_async.sources.opening import format_names

_FORMATS: Final = format_names()
_LIST_FILE: Final = f"{_FORMATS[:1].upper()}{_FORMATS[1:]}, one person in each row; - for stdin."

_OR_A_QUERY: Final = "Not with --sql."

FileArgument = Annotated[str | None, typer.Argument(metavar="FILE", help=f"{_LIST_FILE} {_OR_A_QUERY}")]
FileOrPlanArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="FILE",
        help=f"{_LIST_FILE} Or the id of a plan, as plan prints it. {_OR_A_QUERY}",
        autocompletion=completion.plans,
    ),
]
