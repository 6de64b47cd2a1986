"""Counts of people in words, and no line that counts them without."""

import re
from pathlib import Path

from keebai_async.model.people_words import agreeing, people_words

PACKAGE = Path(__file__).parents[2] / "keebai_async"

_COUNTED = re.compile(r"\{[^{}]*\} people\b")
_OF_ONE = re.compile(r"\{[^{}]*\} person\b")
"""The form for one, which is given before that for many."""
_MANY = re.compile(r"a (chunk holds|spreadsheet takes)|of at most|deduplicating")
"""Limits, of which none is one."""


def test_one_of_them_is_a_person() -> None:
    assert [people_words(count) for count in (0, 1, 2)] == ["0 people", "1 person", "2 people"]
    assert people_words(47_930, shown="47.930") == "47.930 people"
    assert [agreeing(count, "is", "are") for count in (0, 1, 2)] == ["are", "is", "are"]


def test_every_line_counts_people_by_the_same_words() -> None:
    found = set()
    for path in PACKAGE.rglob("*.py"):
        lines = path.read_text(encoding="utf-8").splitlines()
        for number, line in enumerate(lines, start=1):
            near = "\n".join(lines[max(0, number - 3) : number])
            if _COUNTED.search(line) and not _MANY.search(line) and not _OF_ONE.search(near):
                found.add(f"{path.relative_to(PACKAGE)}:{number}")

    assert found == set()
