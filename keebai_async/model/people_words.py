"""Counts of people in words: one of them is a person. Pure."""


def people_words(count: int, *, shown: str | None = None) -> str:
    """`1 person`, `12 people`; *shown* is the number as its reader writes it."""
    return f"{count if shown is None else shown} {agreeing(count, 'person', 'people')}"


def agreeing(count: int, one: str, many: str) -> str:
    """The word that goes with so many: *one*, such as `is`, or *many*, such as `are`."""
    return one if count == 1 else many
