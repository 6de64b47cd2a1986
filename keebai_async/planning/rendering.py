"""What a program gives, as text: a value for the service, `meta_data` as JSON, a row for a person to look at.

Rendered is only what has one spelling, the same as in Parquet, Excel and data frames (`sources/spelling.py`).
A list or bytes may be meant in many ways, so they are NotText, and their row is rejected.
"""

from collections.abc import Mapping
from typing import Final

import msgspec

from keebai_async.planning.codec import NO_META, UNWRITABLE
from keebai_async.planning.rows import NotText
from keebai_async.sources.spelling import spelled

TEXT: Final = msgspec.json.Decoder(str)


rendered: Final = spelled
"""What a program or a JSON line gives for a variable, as text; None for nothing."""


def rendered_meta(value: object) -> object:
    """`meta_data` as JSON; NO_META for nothing, NotText for what is none."""
    if value is None or value == {}:
        return NO_META
    if not isinstance(value, Mapping):
        return NotText("is not a dict: give one, or leave it out")
    try:
        return msgspec.Raw(msgspec.json.encode(dict(value), enc_hook=_text_of_another_class))
    except UNWRITABLE as error:
        return NotText(f"cannot be written as JSON: {error}")


def _text_of_another_class(value: object) -> str:
    """Such as numpy's. Raises TypeError for what is no text."""
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"Encoding objects of type {type(value).__name__} is unsupported")


def shown(fields: Mapping[str, object]) -> dict[str, str]:
    """A row by column, for a person: whatever is in it as text, without what is nothing."""
    given = ((name, value) for name, value in fields.items() if value is not None)
    return {str(name): text for name, value in given if (text := shown_value(value))}


def writable(value: object) -> bool:
    """Whether *value* can be written as JSON."""
    try:
        msgspec.json.encode(value)
    except UNWRITABLE:
        return False
    return True


def shown_value(value: object) -> str:
    """Whatever a program or a line of JSON gives, as text for a person."""
    if isinstance(value, str):
        return value
    try:
        text = msgspec.json.encode(value).decode()
    except UNWRITABLE:
        pass
    else:
        return TEXT.decode(text) if text.startswith('"') else text
    try:
        return str(value)
    except ValueError:  # an integer of thousands of digits
        return f"a {type(value).__name__}"
