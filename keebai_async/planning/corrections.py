"""What was corrected or looks odd in rows that are sent all the same: counted, each with its first row."""

import enum

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
    """A value looks like a place to be filled."""


class Noted(msgspec.Struct):
    """How often something was met, and the first row that has it, with its number in the list."""

    count: int
    row: int
    first: WireRow


class Corrections:
    """What was met in the rows of a list. A row that is rejected after all counts nothing."""

    def __init__(self) -> None:
        self.noted: dict[Oddity, Noted] = {}
        self._of_row: list[Oddity] = []

    def note(self, oddity: Oddity) -> None:
        """Something in the row that is being checked."""
        self._of_row.append(oddity)

    def settle(self, number: int, row: WireRow | None) -> None:
        """The check of a row is over; *row* is what is sent, or None."""
        oddities, self._of_row = self._of_row, []
        if row is None:
            return
        for oddity in oddities:
            self.noted.setdefault(oddity, Noted(0, number, row)).count += 1

    def count(self, oddity: Oddity) -> int:
        noted = self.noted.get(oddity)
        return 0 if noted is None else noted.count
