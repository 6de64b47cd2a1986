"""What was corrected or looks odd in rows that are sent all the same: counted, each with its first row."""

import enum
from collections.abc import Sequence

import msgspec

from keebai_async.planning.codec import WireRow


class Oddity(enum.Enum):
    """What a person should know of a row that is sent."""

    PARSED = "parsed"
    """Its number was written in another way."""
    LANDLINE = "landline"
    AMBIGUOUS = "ambiguous"
    """Its number has no plus, and is one of another country too."""
    WHITESPACE = "whitespace"
    """Blanks in a value were flattened."""
    NOTHING = "nothing"
    """A value is a word that programs write for nothing."""
    MISREAD = "misread"
    """Letters of a value were read in a wrong encoding."""
    PLACEHOLDER = "placeholder"
    """A value looks like a place to be filled, or half of one."""
    FORMULA = "formula"
    """A value begins as a formula does."""
    ESCAPED = "escaped"
    """A value has letters as a web page or a program writes them."""


class Corrected(msgspec.Struct, frozen=True, gc=False):
    """A row as it is sent, and what a person should know of it."""

    row: WireRow
    oddities: Sequence[Oddity] = ()


class Noted(msgspec.Struct):
    """How often something was met, and the first row that has it, with its number in the list."""

    count: int
    row: int
    first: WireRow


class Corrections:
    """What was met in the rows of a list that are sent."""

    def __init__(self) -> None:
        self.noted: dict[Oddity, Noted] = {}

    def note(self, oddity: Oddity, number: int, row: WireRow, *, count: int = 1) -> None:
        """Count what was met in the *row* with this *number*, or in so many of which it is the first."""
        noted = self.noted.get(oddity)
        if noted is None:
            noted = self.noted[oddity] = Noted(0, number, row)
        elif number < noted.row:
            noted.row, noted.first = number, row
        noted.count += count

    def count(self, oddity: Oddity) -> int:
        noted = self.noted.get(oddity)
        return 0 if noted is None else noted.count
