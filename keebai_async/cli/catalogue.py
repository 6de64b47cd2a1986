"""Read a catalogue of texts, a file of gettext's (.po), as translators and their programs write it. Pure.

Python's own gettext reads only what another program has made of such a file. So it is read as it is, which
takes some milliseconds, and the wheel needs no step that makes anything.
"""

import json
from collections.abc import Iterable, Mapping

Entries = Mapping[tuple[str, str], tuple[str, ...]]
"""(what a text is about, the English text) -> its forms: one, or one for one and one for many."""


def read_catalogue(text: str) -> Entries:
    """All that is translated in a file: entries are parted by empty lines, comments begin with #.

    Raises:
        ValueError: a line is none of gettext's, or a text stands there twice.
    """
    entries: dict[tuple[str, str], tuple[str, ...]] = {}
    for paragraph in text.split("\n\n"):
        fields = _fields(line for line in paragraph.splitlines() if not line.startswith("#"))
        if not fields.get("msgid"):  # the head, or comments alone
            continue
        key = fields.get("msgctxt", ""), fields["msgid"]
        if key in entries:
            raise ValueError(f"{key[1]!r} stands there twice")
        entries[key] = tuple(value for name, value in fields.items() if name.startswith("msgstr"))
    return entries


def _fields(lines: Iterable[str]) -> dict[str, str]:
    """`msgid "..."`, with the lines that go on below it."""
    fields: dict[str, str] = {}
    name = ""
    for line in lines:
        before, quote, rest = line.partition('"')
        name = before.strip() or name
        if not quote or not name.startswith("msg"):
            raise ValueError(f"{line!r} is no line of a catalogue")
        fields[name] = fields.get(name, "") + str(json.loads(quote + rest))
    return fields
