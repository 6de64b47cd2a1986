"""A broadcast from a file in the service's own shape, and from options, which are stronger than the file."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer

from keebai_async.cli.options import given_time
from keebai_async.errors import InvalidInput
from keebai_async.whautomate.draft import DraftFields, fields_of_json

_IN_FILE: Final = "scheduleDateTime"
"""The time of a broadcast, as a file in the service's shape has it."""


class ReplaceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What may be changed of a broadcast; None is what was not given. Each field is one of DraftFields."""

    name: Annotated[
        str | None, typer.Option("--name", "-n", help="The name of the broadcast, to find it by.")
    ] = None
    type: Annotated[str | None, typer.Option("--type", help="contact or client.")] = None
    template: Annotated[str | None, typer.Option("--template", "-t", help="The template's exact name.")] = (
        None
    )
    language: Annotated[str | None, typer.Option("--language", "-l", help="Such as es or pt_BR.")] = None
    location: Annotated[str | None, typer.Option("--location", help="The id of the location that sends.")] = (
        None
    )
    segments: Annotated[
        list[str] | None, typer.Option("--segment", help="The id of a segment. Repeatable.")
    ] = None
    schedule_date_time: Annotated[
        str | None,
        typer.Option("--at", metavar="TIME", help="When: 2026-10-01T09:00:00-03:00, with its offset."),
    ] = None
    header_media_url: Annotated[
        str | None, typer.Option("--header-media-url", help="The address of the header's picture or file.")
    ] = None
    header_text_parameters: Annotated[
        list[str] | None, typer.Option("--header", help="A parameter of the header. Repeatable.")
    ] = None
    body_text_parameters: Annotated[
        list[str] | None, typer.Option("--body", help="A parameter of the body, in order. Repeatable.")
    ] = None
    button_url_parameters: Annotated[
        list[str] | None, typer.Option("--button", help="A parameter of a button. Repeatable.")
    ] = None


class CreateOptions(ReplaceOptions, frozen=True, kw_only=True):
    """What may be said of a new broadcast."""

    target_class: Annotated[str | None, typer.Option("--target-class", help="The id of a class.")] = None
    target_class_status: Annotated[str | None, typer.Option("--target-class-status", help="Such as ALL.")] = (
        None
    )
    retarget_broadcast: Annotated[
        str | None, typer.Option("--retarget", help="The id of an earlier broadcast.")
    ] = None
    retarget_engagement_type: Annotated[
        str | None, typer.Option("--engagement", help="Which of its people to reach again, such as sent.")
    ] = None


def fields_of_options(file: str | None, options: ReplaceOptions) -> DraftFields:
    """What *file* says (`-` is stdin), and above it what *options* say.

    Raises:
        InvalidInput: the file cannot be read or is no broadcast, or a time has no offset.
    """
    fields = DraftFields() if file is None else fields_of_json(_object(file))
    given = {
        name: value for name, value in msgspec.structs.asdict(options).items() if value not in (None, [])
    }
    if options.schedule_date_time is not None:
        given["schedule_date_time"] = given_time(options.schedule_date_time, option="--at")
    fields.update(msgspec.convert(given, DraftFields))
    return fields


@contextmanager
def naming_time(at: str | None) -> Iterator[None]:
    """Say of a time that is past how *at* was typed, if it was, and by which option it is accepted."""
    try:
        yield
    except InvalidInput as error:
        if error.field != "schedule_date_time":
            raise
        field = _IN_FILE if at is None else "--at"
        raise InvalidInput(
            f"{error.value if at is None else at} is in the past: leave it out to send at once, or add"
            " --allow-past",
            field=field,
            value=error.value,
        ) from error


def _object(file: str) -> dict[str, object]:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {file}: {error.strerror}", field="--file") from error
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is not a JSON object: {error}", field="--file") from error
