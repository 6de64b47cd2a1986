"""A broadcast from a file in the service's own shape, and from options that go before it."""

import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.whautomate.draft import DraftFields, fields_of_json


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """What was given on the command line; None and () are what was not."""

    name: str | None = None
    type: str | None = None
    template: str | None = None
    language: str | None = None
    location: str | None = None
    segments: Sequence[str] = ()
    target_class: str | None = None
    target_class_status: str | None = None
    retarget_broadcast: str | None = None
    retarget_engagement_type: str | None = None
    schedule_date_time: str | None = None
    header_media_url: str | None = None
    header_text_parameters: Sequence[str] = ()
    body_text_parameters: Sequence[str] = ()
    button_url_parameters: Sequence[str] = ()


def fields_of_options(file: str | None, options: Options) -> DraftFields:
    """What *file* says (`-` is stdin), and above it what *options* say.

    Raises:
        InvalidInput: the file cannot be read or is no broadcast, or a time has no offset.
    """
    fields = DraftFields() if file is None else fields_of_json(_object(file))
    given: dict[str, object] = {
        field.name: value
        for field in msgspec.structs.fields(Options)
        if (value := getattr(options, field.name)) not in (None, ())
    }
    if options.schedule_date_time is not None:
        given["schedule_date_time"] = _time(options.schedule_date_time)
    fields.update(msgspec.convert(given, DraftFields))
    return fields


def _object(file: str) -> dict[str, object]:
    try:
        content = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
    except OSError as error:
        raise InvalidInput(f"cannot read {file}: {error.strerror}", field="--file") from error
    try:
        return msgspec.json.decode(content, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InvalidInput(f"{file} is no JSON object: {error}", field="--file") from error


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise InvalidInput(
            f"write the time as 2026-10-01T09:00:00-03:00, not {text!r}", field="--at", value=text
        ) from error
