"""Columns of text as the JSON of many people, without an object for any of them. Pure.

To make three objects of each person, only for the encoder to read them again, takes longer than to encode
them. Most texts stand in JSON as they are, between quotes. So the cells are joined with what the encoder
itself writes between them. If one of them has a sign that JSON does not have in a text as it is, the encoder
does it all.
"""

from collections.abc import Sequence
from typing import Final

from keebai_async.sources.block import UNESCAPED

ANY: Final = "\x7f"
"""What a person is encoded with to see what stands around each text. It is written as it is."""


def has_signs(text: str) -> bool:
    """Whether a text has a quote, a backslash or a control character, which JSON writes with a backslash."""
    # All of them are in ASCII, so it makes no difference what becomes of what Latin-1 does not have.
    return bool(text.encode("latin-1", "replace").translate(None, UNESCAPED))


class ColumnJson:
    """How people are written who have so many *texts*; *person* is one whose texts are all ANY, as JSON."""

    def __init__(self, person: bytes, texts: int) -> None:
        self._begins, *between = person.decode().split(ANY)
        self._fits = len(between) == texts  # or there is an ANY in the name of something
        self._ends = between[-1]
        between[-1] += f",{self._begins}"
        self._texts = texts
        self._row = [part for each in between for part in ("", each)]

    def encode(self, columns: Sequence[Sequence[str]], *, plain: bool = False) -> bytes | None:
        """People with commas between, of a column for each text; None if some text is written otherwise.

        Of *plain* texts it is known that none has a sign.
        """
        count = len(columns[0])
        if not self._fits or not count or (not plain and has_signs("".join(map("".join, columns)))):
            return None
        parts = self._row * count
        for place, column in enumerate(columns):
            parts[2 * place :: 2 * self._texts] = column
        parts[0] = self._begins + parts[0]
        parts[-1] = self._ends
        try:
            return "".join(parts).encode()
        except UnicodeEncodeError:
            return None
