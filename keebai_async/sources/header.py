"""The names of a table's columns: as a person sees them, and where in a file they stand. Pure.

Two names that look the same are the same: an accent may be a character of its own, a mark may be invisible, a
blank may be a wide one. What cannot be told apart by looking at it would be a riddle in an error.
"""

import difflib
import re
import unicodedata
from collections.abc import Iterable, Sequence
from typing import Final

from keebai_async.errors import UnusableSource
from keebai_async.privacy import shown

TITLE_ROWS: Final = 20
"""Rows above the header that may be a title, a date, a logo."""
_UNSEEN_MARKS: Final = re.compile(
    "[\u00ad\u034f\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
_ANY_BLANKS: Final = re.compile(r"\s+")
_EACH_DIGIT: Final = re.compile("[0-9]")
_NUMBER_CELL: Final = re.compile(
    r"[\s\"'+(]*(?![0-9]{1,4}[.\-][0-9]{1,2}[.\-][0-9]{1,4}\s*$)[0-9][0-9 ().\-]{5,}[0-9]\s*"
)
"""What may be somebody's number, and no date: its row is no title."""
_FOR_NUMBERS: Final = re.compile(
    r"to|tel.*|.*\btel|.*phone.*|.*fono.*|.*fone.*|.*whats.*|wa|.*m[oó]vil.*|.*celular.*|cel|.*mobile.*"
    r"|n[uú]mero|number|msisdn|jid|contacto?"
)


_NAMES_NUMBERS: Final = re.compile(
    r"(?:n|nro|num|numeros?)?[.\u00b0\u00ba]? ?(?:de )?"
    r"(?:to|tel|tels|telefonos?|telefones?|fono|fone|celulare?s?|cel|movil|moviles|whats ?app|wsp|wa|phones?"
    r"|mobile|cell|msisdn|numeros?|number|contactos?|contatos?|jid)"
    r"[.:]?(?: (?:number|movil|celular|whatsapp|de contacto|de contato))?(?: ?[0-9])?"
)
"""What a header has above the numbers, and hardly ever a row where somebody's number should be."""
_HEADS_OF_NUMBERS: Final = re.compile(r"\b(?:label|type|etiqueta|tipo|country|pais|carrier|operador\w*)\b")
"""What says of a column that it tells something about the numbers of another."""
_FOR_MAIL: Final = re.compile(r"mail|\bcorreo")


def visible(name: str) -> str:
    """A name as it is seen: letters composed in one way, without invisible marks and blanks around it."""
    if not name.isascii():
        name = _UNSEEN_MARKS.sub("", unicodedata.normalize("NFC", name))
    return _ANY_BLANKS.sub(" ", name).strip()


def folded(name: str) -> str:
    """What two names have in common that only differ in case, or in what cannot be seen."""
    return visible(name).casefold()


def for_numbers(name: str) -> bool:
    """Whether a column of this name is expected to hold numbers of phones."""
    return _FOR_NUMBERS.fullmatch(folded(name)) is not None and not _HEADS_OF_NUMBERS.search(unaccented(name))


def for_mail(name: str) -> bool:
    """Whether a column of this name is expected to hold addresses of e-mail."""
    return _FOR_MAIL.search(unaccented(name)) is not None


def nearest(name: str, names: Iterable[str]) -> str | None:
    """The one of *names* that may be meant by *name*; None if none is like it."""
    plain = {unaccented(each): each for each in names}
    close = difflib.get_close_matches(unaccented(name), plain, 1)
    return plain[close[0]] if close else None


def found_in(header: Iterable[str], name: str) -> str | None:
    """The column that *name* means: the one of that name, or the only one that differs in case alone."""
    columns = list(header)
    if name in columns:
        return name
    alike = [column for column in columns if folded(column) == folded(name)]
    return alike[0] if len(alike) == 1 else None


def checked_header(names: Sequence[str], where: str) -> tuple[str, ...]:
    """The names of a table's columns as they are seen; one without a name is `column 4`.

    Raises:
        UnusableSource: two look the same.
    """
    header = tuple(visible(name) or f"column {place}" for place, name in enumerate(names, start=1))
    check_once(header, where)
    return header


def check_once(names: Sequence[str], where: str) -> None:
    """Raises UnusableSource if two columns have one name: which of them is meant is not ours to choose."""
    first: dict[str, int] = {}
    for place, name in enumerate(names, start=1):
        if (before := first.setdefault(name, place)) != place:
            raise UnusableSource(
                f"{where}: the header has two columns named {shown(name)!r} (column {before} and"
                f" column {place}): rename or remove one of them"
            )


def header_place(rows: Sequence[Sequence[str]], to: str) -> int:
    """Which of the first *rows* is the header: the first, unless titles stand above one that has *to*.

    A row with a number in it is no title.
    """
    for place, row in enumerate(rows[: TITLE_ROWS + 1]):
        if found_in(row, to) is not None:
            return place
        if holds_number(row):
            break
    return 0


def holds_number(row: Iterable[str]) -> bool:
    """Whether a cell may be somebody's number: then its row is neither header nor title."""
    return any(map(_NUMBER_CELL.fullmatch, row))


def title_note(where: str, header: int, above: int) -> str:
    """What to say of *above* rows with a text above the header, which is row *header*."""
    rows = "the row above it was" if above == 1 else f"the {above} rows above it were"
    return f"row {header} of {where} is taken for its header; {rows} not read"


def is_header_again(header: Sequence[str], cells: Sequence[str], to: str) -> bool:
    """Whether a row is a header too, as where two files were joined: it names columns, and no number."""
    place = header.index(to)
    cell = cells[place] if place < len(cells) else ""
    others = [each for at, each in enumerate(cells) if at != place and each.strip()]
    if _NAMES_NUMBERS.fullmatch(unaccented(cell)) and others and not any(map(_EACH_DIGIT.search, others)):
        return True  # with other names for the same columns, or for others
    if _EACH_DIGIT.search(cell):
        return False
    names = set(map(unaccented, header))
    given = [unaccented(each) for each in cells if each.strip()]
    return (unaccented(cell) in names or for_numbers(cell)) and 2 * sum(
        each in names for each in given
    ) >= len(given)


def unaccented(name: str) -> str:
    """A name without case and accents, to compare it with others."""
    letters = unicodedata.normalize("NFD", folded(name))
    return "".join(letter for letter in letters if not unicodedata.combining(letter)).replace("_", " ")
