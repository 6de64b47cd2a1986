"""The commands `sandbox` and `demo`: a Keebai on this machine."""

import enum
from functools import partial
from typing import Annotated

import anyio
import typer

from keebai_async.cli import options as a

MAX_PEOPLE = 10_000_000


class DialectName(enum.Enum):
    """The halves of the service's documents, as words on the command line."""

    OPENAPI = "openapi"
    GUIDE = "guide"
    MIXED = "mixed"


Port = Annotated[int, typer.Option("--port", min=0, max=65535, help="0 takes a free one.")]
Dialect = Annotated[
    DialectName, typer.Option("--dialect", help="Which half of the service's documents it answers like.")
]
Failing = Annotated[
    float, typer.Option("--failing", min=0.0, max=1.0, help="The share of people who never get anything.")
]
People = Annotated[
    int, typer.Option("--people", min=1, max=MAX_PEOPLE, help="How many rows the messy list has.")
]


def sandbox(
    port: Port = 8765,
    speed: a.Speed = 1.0,
    dialect: Dialect = DialectName.OPENAPI,
    failing: Failing = 0.0,
) -> None:
    """Run a Keebai on this machine until Ctrl-C; nobody is messaged. Prints the environment to use it."""
    # Here and below: a sandbox brings a web server along, which no other command should wait for.
    from keebai_async.cli.sandbox_run import serve

    raise typer.Exit(anyio.run(partial(serve, port, speed=speed, dialect=dialect.value, failing=failing)))


def demo(
    people: People = 50_000,
    speed: a.Speed = 100.0,
    dialect: Dialect = DialectName.OPENAPI,
    failing: Failing = 0.0,
    rejects: a.Rejects = None,
    json: a.Json = False,
) -> None:
    """Launch a campaign to a generated messy list on a sandbox of its own: the whole way, in seconds."""
    from keebai_async.cli.sandbox_run import demonstrate

    work = partial(
        demonstrate, people, speed=speed, dialect=dialect.value, failing=failing, rejects=rejects, json=json
    )
    raise typer.Exit(anyio.run(work))
