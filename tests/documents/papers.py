"""The papers of the repository as data: their headings, blocks, links, tables and words in code."""

import re
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"

_FENCE = re.compile(r"^```([^\n`]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_HEADING = re.compile(r"^(#{1,6}) +(.+?) *$", re.MULTILINE)
_NUMBERED = re.compile(r"([0-9]+(?:\.[0-9]+)?)\.? ")
_LINK = re.compile(r"\]\(([^)\s]+)\)")
_CELL_END = re.compile(r"(?<!\\)\|")


class Block(NamedTuple):
    """A block of code: the words behind its fence, what is in it, and its first line in the page."""

    mark: str
    code: str
    line: int


class Paper:
    """One page of Markdown. *name* is its path from the root of the repository."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.name = path.relative_to(ROOT).as_posix()
        self.text = path.read_text(encoding="utf-8")

    @cached_property
    def blocks(self) -> list[Block]:
        return [
            Block(found[1].strip(), found[2], self.text[: found.start(2)].count("\n") + 1)
            for found in _FENCE.finditer(self.text)
        ]

    def code(self, mark: str) -> list[str]:
        """What is in the blocks that are marked exactly so."""
        return [block.code for block in self.blocks if block.mark == mark]

    @cached_property
    def prose(self) -> str:
        """The page without its blocks of code."""
        return _FENCE.sub("", self.text)

    @cached_property
    def spans(self) -> list[str]:
        """The words in code between backticks, each on one line."""
        return [" ".join(found.split()) for found in re.findall(r"`([^`]+)`", self.prose)]

    @cached_property
    def links(self) -> list[str]:
        """What is linked inside the repository, as it is written."""
        return [link for link in _LINK.findall(self.prose) if not link.startswith(("https://", "http://"))]

    @cached_property
    def anchors(self) -> set[str]:
        """The anchors that a forge makes of the headings."""
        made: dict[str, int] = {}
        found = set()
        for _, words in _HEADING.findall(self.prose):
            plain = re.sub(r"[`*]|\[([^\]]*)\]\([^)]*\)", r"\1", words)
            anchor = re.sub(r"[^\w\- ]", "", plain.lower()).replace(" ", "-")
            times = made.get(anchor, 0)
            made[anchor] = times + 1
            found.add(f"{anchor}-{times}" if times else anchor)
        return found

    @cached_property
    def sections(self) -> dict[str, str]:
        """The text below each heading, by the heading's number (`3.1`) or, without one, its words."""
        found = list(_HEADING.finditer(self.prose))
        sections = {}
        for place, heading in enumerate(found):
            level = len(heading[1])
            ends = (each.start() for each in found[place + 1 :] if len(each[1]) <= level)
            number = _NUMBERED.match(heading[2])
            text = self.prose[heading.end() : next(ends, len(self.prose))]
            sections[number[1] if number else heading[2]] = text
        return sections

    def rows(self, section: str) -> Iterator[list[str]]:
        """The cells of the tables in a section, row by row, without their heads."""
        lines = self.sections[section].splitlines()
        for above, line in zip(["", *lines], lines, strict=False):
            if line.startswith("|") and above.startswith("|") and not set(line) <= set("|- :"):
                yield [cell.strip() for cell in _CELL_END.split(line)[1:-1]]


README = Paper(ROOT / "README.md")
PAPERS = [
    README,
    Paper(ROOT / "CONTRIBUTING.md"),
    Paper(ROOT / "CHANGELOG.md"),
    *map(Paper, sorted(DOCS.rglob("*.md"))),
]


def paper(name: str) -> Paper:
    """The page of this name, such as `docs/commands.md`."""
    return next(each for each in PAPERS if each.name == name)
