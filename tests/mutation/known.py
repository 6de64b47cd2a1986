"""The survivors that do not matter, each with its reason: the table of docs/mutation.md."""

import re
from pathlib import Path
from typing import Final

_PAGE: Final = Path(__file__).parents[2] / "docs" / "mutation.md"
_ROW: Final = re.compile(r"^\| (?P<module>[a-z_/]+) \| `(?P<before>.+)` \| `(?P<after>.+)` \| .+ \|$")


def known_survivors(module: str) -> set[tuple[str, str]]:
    """Of each survivor of *module* that is known, its line before and after."""
    found = map(_ROW.match, _PAGE.read_text().splitlines())
    rows = [row for row in found if row is not None and row["module"] == module]
    return {(row["before"].replace(r"\|", "|"), row["after"].replace(r"\|", "|")) for row in rows}
