"""Citations in docstrings and comments: `contract, section 3.1`, `design, section 4.3`, as data.

The forms are those that CONTRIBUTING lists, and no others: a citation that nobody can follow is worse
than none, so what looks like one and has another form is a mistake.
"""

import ast
import io
import re
import tokenize
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import NamedTuple

from tests.documents.papers import DOCS, ROOT, Paper

PACKAGE = ROOT / "keebai_async"

_N = r"[0-9]+(?:\.[0-9]+)?"
_LIST = rf"{_N}(?:(?:,| and|, and) {_N})*"
_CITATION = re.compile(
    r"(?P<page>(?:(?P<owner>Keebai's|Whautomate's|webhooks) )?contract|design), sections? "
    rf"|(?P<next>\bsections? )(?P<design>(?={_LIST} of the design\b))?"
)
_PLACE = re.compile(
    rf"(?P<sections>{_LIST})(?: numbers? (?P<numbers>{_LIST}))?(?:, promises? (?P<promises>{_LIST}))?"
    r'(?:, "(?P<words>[^"]+)")?'
)
_GOES_ON = re.compile(r"(?: \([^()]*\)|[^.;()]{0,40})?(?:,|;| and|, and|; and)(?: [a-z ]{1,30}:)? ")
"""What may stand between two sections of the same page, such as `; the fields: `."""

_PAGES = {
    "Keebai's": DOCS / "services" / "keebai.md",
    "Whautomate's": DOCS / "services" / "whautomate.md",
    "webhooks": DOCS / "services" / "webhooks.md",
    "design": DOCS / "architecture.md",
}
_OUTSIDE = ("OpenTelemetry's semantic conventions",)
"""Documents of others that no page of ours stands for."""


class Citation(NamedTuple):
    """A section of a page that a text rests on, with the rows, promises or words of it that are named."""

    where: str
    page: Path
    section: str
    numbers: tuple[str, ...] = ()
    promises: tuple[str, ...] = ()
    words: str = ""


class Unreadable(NamedTuple):
    """Something that looks like a citation, in a form that CONTRIBUTING does not list."""

    where: str
    text: str


def citations_of(path: Path) -> Iterator[Citation | Unreadable]:
    """All citations in one file of the package, in order."""
    name = path.relative_to(ROOT).as_posix()
    for line, text in texts(path.read_text(encoding="utf-8")):
        yield from read(text, f"{name}:{line}", home=_home(path))


def read(text: str, where: str, *, home: str) -> Iterator[Citation | Unreadable]:
    """The citations in one text, such as a docstring. *home* is whose contract one without a name means."""
    text = " ".join(text.split())
    page: Path | None = None
    end = 0
    cited = set()
    for found in _CITATION.finditer(text):
        place = _PLACE.match(text, found.end())
        if found["next"] and (place is None or place.end() == found.end()):
            continue  # a section of something else
        if found["page"] == "design" or found["design"] is not None:
            page = _PAGES["design"]
        elif found["page"]:
            page = _PAGES[found["owner"] or home]
        elif not _GOES_ON.fullmatch(text[end : found.start()]):
            page = None  # it belongs to no page that was named
        if page is None or place is None:
            yield Unreadable(where, text[max(0, found.start() - 30) : found.end() + 40])
            continue
        end = place.end()
        cited.add(text.rfind("Source:", 0, end))
        *before, last = _listed(place["sections"])
        yield from (Citation(where, page, section) for section in before)
        yield Citation(
            where,
            page,
            last,
            _listed(place["numbers"]),
            _listed(place["promises"]),
            place["words"] or "",
        )
    for source in re.finditer(r"\bSource: ", text):
        if source.start() not in cited and not text.startswith(_OUTSIDE, source.end()):
            yield Unreadable(where, text[source.start() : source.start() + 70])


def fault_of(citation: Citation) -> str | None:
    """Why nobody can follow a citation; None if it leads somewhere."""
    sections = _sections(citation.page)
    page = citation.page.name
    if citation.section not in sections:
        return f"{page} has no section {citation.section}"
    text = sections[citation.section]
    for number in citation.numbers:
        if not re.search(rf"^\| {number} \|", text, re.MULTILINE):
            return f"section {citation.section} of {page} has no number {number}"
    for promise in citation.promises:
        if not re.search(rf"^{promise}\. ", text, re.MULTILINE):
            return f"section {citation.section} of {page} has no promise {promise}"
    if citation.words and citation.words not in text:
        return f"section {citation.section} of {page} does not say {citation.words!r}"
    return None


@cache
def _sections(page: Path) -> dict[str, str]:
    return Paper(page).sections


def texts(source: str) -> Iterator[tuple[int, str]]:
    """The docstrings of a module, those below its names among them, and its comments; each with its line."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Expr):
            match node.value:
                case ast.Constant(value=str(text)):
                    yield node.lineno, text
    comment, begun, last = "", 0, -1
    for token in tokenize.generate_tokens(io.StringIO(source).readline):
        if token.type != tokenize.COMMENT:
            continue
        line = token.start[0]
        if line != last + 1 and comment:
            yield begun, comment
            comment = ""
        begun = begun if comment else line
        comment, last = f"{comment} {token.string.lstrip('# ')}", line
    if comment:
        yield begun, comment


def _listed(words: str | None) -> tuple[str, ...]:
    return tuple(re.findall(_N, words or ""))


def _home(path: Path) -> str:
    rooms = path.relative_to(PACKAGE).parts[:-1]
    if "whautomate" in rooms:
        return "Whautomate's"
    return "webhooks" if "webhooks" in rooms else "Keebai's"
