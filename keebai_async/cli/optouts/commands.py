"""The commands `optouts ...`: who wants no more, whatever campaign."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from keebai_async.cli.connect import Connection, bookkeeping
from keebai_async.cli.csv_files import private_file
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import counted, figure, moment, people_figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.json_output import emit
from keebai_async.cli.language import phrase
from keebai_async.cli.opt_outs_text import source_words
from keebai_async.cli.option_groups import WithoutPlus
from keebai_async.cli.options import JournalOption, JsonOption
from keebai_async.cli.output import answer, say
from keebai_async.cli.plain_values import PlainGroup
from keebai_async.cli.register import register
from keebai_async.cli.shown import shown_number
from keebai_async.errors import InvalidInput
from keebai_async.model.opt_outs import OptOut
from keebai_async.model.report import utc

NumbersArgument = Annotated[
    list[str], typer.Argument(metavar="NUMBER...", help="With its country code: +5491155555555.")
]
OptOutsFileArgument = Annotated[
    Path,
    typer.Argument(metavar="FILE", help="Numbers in lines, a CSV, Excel or JSON Lines, as for --suppress."),
]
ExportFileArgument = Annotated[
    Path, typer.Argument(metavar="FILE", help="The .csv to write; only you can read it.")
]
RegionOption = Annotated[
    str | None,
    typer.Option("--default-region", metavar="AR", help="The country of numbers without a plus."),
]
WithoutPlusOption = Annotated[
    WithoutPlus,
    typer.Option(
        "--numbers",
        help="What numbers without a plus are: of --default-region, or international, which means that they"
        " begin with their country code.",
    ),
]


def list_(journal: JournalOption = None, json: JsonOption = False) -> None:
    """List who opted out, how that is known and since when, with masked numbers.

    Example: keebai-async optouts list
    """
    _in_order(partial(_list, journal, json=json))


async def _list(journal: str | None, *, json: bool) -> Exit:
    count = 0
    async with bookkeeping(Connection(journal=journal)) as client:
        async for each in client.opt_outs.list():
            count += 1
            number = shown_number(each.number)
            if json:
                emit({"type": "opt_out", "number": number, "source": each.source, "since": utc(each.since)})
            else:
                answer(f"{number:<12}  {moment(each.since)}  {source_words(each.source)}")
    if count:
        say(counted(count, "{count} opted out", "{count} opted out"))
    else:
        say(phrase("nobody opted out"))
    return Exit.DONE


def add(numbers: NumbersArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Add people by hand: no campaign is sent to them any more. Only remove undoes it.

    Example: keebai-async optouts add +5491155555555
    """
    _in_order(partial(_write, tuple(numbers), journal, stop=True, json=json))


def remove(numbers: NumbersArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Let people be messaged again who gave their consent again. What they say later counts.

    Example: keebai-async optouts remove +5491155555555
    """
    _in_order(partial(_write, tuple(numbers), journal, stop=False, json=json))


async def _write(numbers: tuple[str, ...], journal: str | None, *, stop: bool, json: bool) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        write = client.opt_outs.add if stop else client.opt_outs.remove
        count = await write(*numbers)
    if not stop and not count:
        raise InvalidInput("nobody of these had opted out: nothing was changed", field="NUMBER")
    if json:
        emit({"type": "opt_outs_added" if stop else "opt_outs_removed", "people": count})
    if not count:
        say(phrase("0 added: all were there already"))
    elif stop:
        say(counted(count, "{count} added", "{count} added"))
    else:
        say(counted(count, "{count} removed", "{count} removed"))
    return Exit.DONE


def import_(
    file: OptOutsFileArgument,
    default_region: RegionOption = None,
    numbers: WithoutPlusOption = WithoutPlus.REGION,
    journal: JournalOption = None,
    json: JsonOption = False,
) -> None:
    """Add the people of a file. A row without a number that can be read stops everything.

    Example: keebai-async optouts import bajas.csv
    """
    _in_order(partial(_import, file, default_region, numbers, journal, json=json))


async def _import(
    file: Path, region: str | None, numbers: WithoutPlus, journal: str | None, *, json: bool
) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        done = await client.opt_outs.import_file(
            file,
            default_region=region,
            numbers="international" if numbers is WithoutPlus.INTERNATIONAL else "region",
        )
    if json:
        emit({"type": "opt_outs_imported", "file": str(file), "people": done.people, "new": done.new})
    words = phrase(
        "{people} in {file}, {new} of them new",
        people=people_figure(done.people),
        file=file,
        new=figure(done.new),
    )
    say(words)
    return Exit.DONE


def export(file: ExportFileArgument, journal: JournalOption = None, json: JsonOption = False) -> None:
    """Write who opted out, with whole numbers, to a file that only you can read, and that import reads.

    Example: keebai-async optouts export bajas.csv
    """
    if file.suffix.lower() not in {".csv", ".txt", ""}:
        raise InvalidInput(f"{file} is no CSV: let its name end in .csv", field="FILE")
    _in_order(partial(_export, file, journal, json=json))


async def _export(file: Path, journal: str | None, *, json: bool) -> Exit:
    async with bookkeeping(Connection(journal=journal)) as client:
        count = await _write_all(file, client.opt_outs.list())
    if json:
        emit({"type": "exported", "group": "opt_outs", "file": str(file), "rows": count})
    say(phrase("{number} rows: {file}", number=figure(count), file=file))
    return Exit.DONE


async def _write_all(file: Path, everybody: AsyncIterator[OptOut]) -> int:
    count = 0
    with private_file(file) as written:  # nothing in it was typed by a stranger, so no cell is guarded
        written.write("number,source,since\n")
        async for each in everybody:
            written.write(f"{each.number},{each.source.value},{utc(each.since):%Y-%m-%dT%H:%M:%SZ}\n")
            count += 1
    return count


def _in_order(work: Callable[[], Awaitable[Exit]]) -> None:
    raise typer.Exit(interrupts.run(work))


OPTOUTS_COMMANDS: Final[tuple[Callable[..., None], ...]] = (list_, add, remove, import_, export)
optouts_app = typer.Typer(
    cls=PlainGroup,
    help="Example: keebai-async optouts list\n\nWho wants no more, whatever campaign: no plan sends to them.",
    short_help="Who wants no more, whatever campaign; it has commands of its own.",
    no_args_is_help=True,
)
for command in OPTOUTS_COMMANDS:
    register(optouts_app, command)
