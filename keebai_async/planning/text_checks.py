"""What WhatsApp takes as the value of a variable: one line of text with something in it. Pure.

Source: contract, section 10: a parameter may not contain a line break, a tab or more than four spaces in a
row, and not be blank.

`check_text` asks one value all of that, and says exactly what is wrong. Asked of every value of a list, it
takes as long as everything else on the fast path. So `all_fine` looks at many values as one long text, where
a few operations in C are enough to say that all are fine for certain; for any doubt it says no, and who asks
looks closer. A new check belongs in both: exact in `check_text`, and in `all_fine` what shows that it cannot
apply. A test holds the two together.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, compress, product
from operator import add
from typing import Final

from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.recipient import Reason
from keebai_async.planning.corrections import Oddity
from keebai_async.planning.narrowing import fine_places, picked
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rows import Value

_SPACES: Final = " " * 5
# Everything that str.splitlines breaks at, tabs, other control characters, and halves of characters.
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_BREAK: Final = re.compile("[\n\r\x0b\x0c\x1c-\x1e\x85\u2028\u2029]")
# As spreadsheets, Python, Java and JavaScript write a number that is very large or very small: one digit
# before the point, and a sign before the exponent or a point. So codes such as 1E5, 12E34 and 4E-2 are none.
_QUANTITY: Final = re.compile(
    r"[+\-]?[0-9](?:[.,][0-9]+[eE][+\-]?[0-9]{1,3}|[eE](?:\+[0-9]{1,3}|-(?:[0-9]{2,3}|[7-9])))"
)
_QUANTITY_INSIDE: Final = re.compile(rf"(?<!\S){_QUANTITY.pattern}(?!\S)")
# 0.1 + 0.2 is 0.30000000000000004 to a program: 16 or 17 digits, of which most are zeros or nines.
_FRACTION_INSIDE: Final = re.compile(r"\.[0-9]{13}")
_UNROUNDED: Final = re.compile(r"(?=[+\-]?[0-9.]{17,19}\Z)[+\-]?[0-9]+\.[0-9]*(?:0{6}|9{6})[0-9]{1,2}")
# How numbers look, without the letters: digits and exponents. In that, what may be a quantity is soon found.
_SHAPES: Final = bytes(
    ord("0") if byte in b"0123456789" else ord("e") if byte in b"eE" else ord(" ") for byte in range(256)
)
_NO_SHAPE: Final = bytes(
    byte for byte in b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" if byte not in b"eE"
)
_EXPONENT_SHAPE: Final = b"0e"
_LONG_SHAPE: Final = b"0" * 13
_BREAKS: Final = "\n\r\t\x0b\x0c\x1c-\x1e\x85\u2028\u2029"
_TO_FLATTEN: Final = re.compile(f" *[{_BREAKS}][ {_BREAKS}]*| {{5,}}")
# What a text that a machine wrote has at least one of.
_ODD: Final = frozenset(b"#={[<*\\+%('\"&@}]>|")
# In UTF-8: what begins the blanks and marks of Latin-1, and what is in each letter that was read in a wrong
# encoding; and what begins every other blank, separator, control or invisible character.
_LATIN: Final = frozenset((0xC2, 0x82, 0x83, 0xB0))
_OTHERS: Final = frozenset((0xCD, 0xD8, 0xE1, 0xE2, 0xE3, 0xEF, 0xF0, 0xF3))
# All other bytes of UTF-8. Much of what is not among them is harmless too, and then is looked at.
_HARMLESS: Final = bytes(frozenset(range(0x20, 0x100)) - {0x7F} - _ODD - _LATIN - _OTHERS)
_LATIN_UNSEEN: Final = re.compile(b"\xc2[\x80-\xa0\xad]")
# What is printed and yet not seen: fillers of Hangul, blanks of Braille, selectors of variants.
_UNSEEN: Final = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00-\ufe0f\U000e0100-\U000e01ef"
_MARKS: Final = (
    "\u00ad\u061c\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U0001d173-\U0001d17a\U000e0001-\U000e007f"
)
_VISIBLE: Final = re.compile(rf"[^\s\x00-\x1f\x7f-\x9f{_MARKS}{_UNSEEN}]")
_PRINTED_UNSEEN: Final = re.compile(f"[{_UNSEEN}]")

# What spreadsheets show for a formula that failed, in the languages in which we have seen it, and for a
# column that is too narrow.
_FAILED: Final = re.compile(
    r"#(?:N/A|N/D|NV|N/DISP|GETTING_DATA|OBTENIENDO_DATOS|#{2,}"
    r"|[¡¿]?(?:REF|BEZUG|VALUE|VALOR|VALEUR|WERT|NAME|NOMBRE|NOME|NOM|DIV/0|NULL|NULO|NUL|NUM|NÚM|ZAHL|NOMBRE"
    r"|SPILL|DESBORDAMIENTO|DESPEJAR|DERRAMAR|PROPAGATION|CALC|CÁLC|FIELD|CAMPO|CHAMP|ERROR|ERRO|BLOCKED"
    r"|BLOQUEADO|PYTHON|TIMEOUT|CONNECT|CONECTAR|BUSY|OCUPADO|UNKNOWN|DESCONOCIDO|DESCONHECIDO|EXTERNAL|EXTERNO)[!?])"
    r"|Err(?:or|o)?:5[0-9]{2}|(?:Loading|Cargando|Carregando)\.\.\."
)
_FAILED_WORDS: Final = frozenset(
    (
        *(f"{word}:5{n:02}" for word in ("Err", "Error", "Erro") for n in range(100)),
        "Loading...", "Cargando...", "Carregando...",
    )
)  # fmt: skip
_UNFILLED: Final = re.compile(
    r"\{\{|\}\}|\{[%!].*?[%!]?\}|#\{[^{}]*\}|\$\{[^{}]*\}|\*\|[^|]*\|\*|<<[^<>]*>>|\[\[[^\[\]]*\]\]|<%.*?%>"
)
_OPENINGS: Final = ("{{", "}}", "{%", "{!", "#{", "${", "*|", "<<", "[[", "<%")
_OBJECT: Final = re.compile(r"\[object [A-Z][A-Za-z]*\]")
# Values of a program as Python, JSON or Java spell them. A span of time is Python's own.
_SPELLED_OF_PROGRAM: Final = (
    r"b'[^']*'|b\"[^\"]*\"|\{(?:'[^']*'|\"[^\"]*\") ?:.*\}|\[(?:'[^']*'|\"[^\"]*\")(?:,.*)?\]|\[\{.*\}\]"
    r"|<[A-Za-z_][\w.]* object at 0x[0-9a-fA-F]+>|<class '[^']*'>"
    r"|(?:Decimal|UUID|ObjectId|Timestamp|Timedelta|datetime\.[a-z]+)\([^()]*\)"
    r"|[a-z]\w*(?:\.[a-z]\w*)+\.[A-Z]\w*@[0-9a-f]{4,8}"
    r"|-?[0-9]+ days?,? [+\-]?[0-9]{1,2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]+)?"
    r"|/Date\([0-9+\-]+\)/|[A-Z][a-z]{2} [A-Z][a-z]{2} [0-9]{2} [0-9]{4} [0-9:]{8} GMT.*"
)
_PROGRAM_SIGNS: Final = {
    "'": ("b'", "{'", "['", "<class '"),
    '"': ('b"', '{"', '["', "[{"),
    "(": ("Decimal(", "UUID(", "ObjectId(", "Timestamp(", "Timedelta(", "datetime.", "/Date("),
    "<": (" object at 0x",),
    "[": ("[{",),
}
"""By a character that is in all of them: what values have that a program spelled for itself."""
_JAVA: Final = re.compile(r"\.[A-Z]\w*@[0-9a-f]{4}")
_OF_PROGRAM: Final = re.compile(_SPELLED_OF_PROGRAM)
_OF_PROGRAM_INSIDE: Final = re.compile(rf"(?<!\S)(?:{_SPELLED_OF_PROGRAM})(?!\S)")
_NO_VALUE: Final = "\\N"
_LOST: Final = "\ufffd"
_TEXT_OF_FORMULA: Final = re.compile(r'="([^"]*)"')
# A formula that stands where what it gives should be: a function, or the cells of a sheet.
_FORMULA: Final = re.compile(
    r"=[+\-]?(?:@?[^\W\d_][\w.]*\(|(?:'[^']*'!|[^\W\d][\w.]*!)?\$?[A-Za-z]{1,3}\$?[0-9]{1,7}(?![\w.])"
    r"|'[^']*'!|\[[^\]]*\])"
)
_LIKE_A_FORMULA: Final = re.compile(r"=[+\-]?[\w$(\"'#\[{@]")
_FORMULA_INSIDE: Final = re.compile(r"(?<!\S)=\S")
_NOTHING: Final = (
    "null", "(null)", "<null>", "nan", "none", "undefined", "n/a", "nat", "<na>", "$ nan", "$nan", "r$ nan",
    "-", "--", ".", "?", "s/d", "n/d", "s/n", "xxx", "xxxx", "sin dato", "sin datos", "sin nombre",
    "sem nome", "no aplica",
)  # fmt: skip
_NOTHING_OF_MANY: Final = frozenset(
    {
        "undefined undefined", "null null", "None None", "nan nan", "Invalid date", "Invalid Date",
        "(en blanco)", "(em branco)", "(blank)", "(vac\u00edo)", "(vazio)", "[]", "{}",
        "00/00/0000", "0000-00-00", "00/01/1900", "1900-01-00", "30/12/1899", "1899-12-30", "31/12/1899",
        "01/01/0001", "0001-01-01", "1/1/0001",
    }
)  # fmt: skip
# What a program writes for a part that is not there, joined to another: `Ana null`.
_NOTHING_BESIDE: Final = re.compile(r"(?:null|undefined|NaN) .+|.+ (?:null|undefined|NaN)", re.DOTALL)
_IN_EVERY_SPELLING: Final = 5
"""Letters of a text of which every spelling is known: of a longer one there are hundreds."""


def _spellings(word: str) -> set[str]:
    """A text in small and large letters: every mixture of a short one; of others, as each word is written."""
    if sum(map(str.isalpha, word)) > _IN_EVERY_SPELLING:
        each = [(part, part.upper(), part.capitalize()) for part in word.split(" ")]
        return set(map(" ".join, product(*each)))
    return set(map("".join, product(*((letter, letter.upper()) for letter in word))))


# Each spelling, so that it is asked in C whether a value is among them; and few, as they stay in its cache.
_NOTHING_SPELLED: Final = frozenset[str]().union(*map(_spellings, _NOTHING))
_WORDS_OF_MACHINES: Final = _NOTHING_SPELLED | _NOTHING_OF_MANY | _FAILED_WORDS
# Letters of UTF-8 that were read as Windows-1252 or Latin-1: `Lucía` became `LucÃ­a`.
_MISREAD: Final = re.compile(
    "[\u00c2\u00c3][\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013\u2014"
    "\u2018-\u201e\u2020-\u2022\u2026\u2030\u2039\u203a\u20ac\u2122]|\u00e2\u20ac|\u00f0\u0178"
    "|[\u251c\u252c][^\\s\u2500-\u2509\u250c-\u254b]"
)
_MISREAD_BEGINS: Final = ("\u00c2", "\u00c3", "\u00e2\u20ac", "\u00f0\u0178", "\u251c", "\u252c")
# Those of a Mac and of old programs (`Jos\u017d`, `Mu\u00a4oz`), and one that was lost (`Mu?oz`).
_OTHER_LETTERS: Final = "\u201a\u00a2\u00a4\u017d\u2021\u00a1\u00a3"
_OTHER_LETTER: Final = re.compile(f"[{_OTHER_LETTERS}](?<=[a-z].)(?![A-Z0-9])")
_LOST_LETTER: Final = re.compile(r"[?\u00bf](?<=[^\W\d_].)(?=[^\W\d_])")
_PLACE: Final = re.compile(
    r"\{ ?\$?[A-Za-z_][\w.]* ?\}|%(?:[0-9]\$)?[sd](?!\S)"
    r"|[{\[<][A-Za-z_][A-Za-z0-9_. ]*[}\]>]|\{[0-9]+\}|%{1,2}[A-Za-z_][A-Za-z0-9_]*%{1,2}"
    r"|%\([A-Za-z_][A-Za-z0-9_]*\)[sd]|\|[A-Z_]{3,}\||##?[A-Z_]{3,}##?"
)
_PLACE_OF_SIGNS: Final = re.compile(r"__[A-Za-z]\w*__|@@\w+@@")
# The same within a longer text, where brackets alone say nothing.
_PLACE_INSIDE: Final = re.compile(r"\{[A-Za-z_][\w.]*\}|\{[0-9]\}|(?<!\S)%{1,2}[A-Z_]{3,}%{1,2}")
# One half of a place, of which the other was cut off or never typed.
_HALF_A_PLACE: Final = re.compile(
    r"\$\{[^{}]*|\*\|[^|]*\|?|[^|]*\|\*|<<[^<>]*>?|<?[^<>]*>>|\[\[[^\[\]]*\]?|\[?[^\[\]]*\]\]"
    r"|[{\[<][A-Za-z_][\w.]*|[A-Za-z_][\w.]*[}\]>]|\{[0-9]+|[0-9]+\}"
)
_HALVES: Final = re.compile(r"\$\{|\*\||\|\*|<<|>>|\[\[|\]\]|(?<!\S)[{\[<][A-Za-z0-9_]|[\w.][}\]>](?!\S)")
_AS_ON_A_PAGE: Final = re.compile(
    r"&(?:[a-zA-Z]{2,8}|#[0-9]{2,5}|#x[0-9a-fA-F]{2,5});|\\u[0-9a-fA-F]{4}"
    r"|<(?:br|p|b|i|div|span) ?/?>|</[a-z]+>|\\r\\n|\\[nt](?![a-z])|_x00[0-9A-Fa-f]{2}_"
)
# As mails and addresses of pages write letters, and programs a moment, or a day without a time.
_AS_SENT: Final = re.compile(
    r"\\x[0-9a-fA-F]{2}|=[C-F][0-9A-F]=[89AB][0-9A-F]|=\?[\w\-]+\?[QBqb]\?"
    r"|%(?:20|[CcDd][0-9a-fA-F]%[89ABab][0-9a-fA-F])(?=\w|\Z)"
)
_AS_A_MOMENT: Final = re.compile(r"-[0-9]{2}T[0-2][0-9]:[0-9]{2}| 0?0:00:00(?![0-9:.])")
_OF_MOMENTS: Final = ("T0", "T1", "T2", "0:00:00")
# A sign of a spreadsheet or of a table that is no part of the text: `'Ana`, `"Ana"`.
_SIGNED: Final = re.compile(r"'\w[^']*|\"[^\"]*\"")
_ESCAPE_OF_EXCEL: Final = "_x00"


def check_text(name: str, value: str) -> Problem | None:
    """What WhatsApp would refuse in the *value* of variable *name*, if anything."""
    if not _VISIBLE.search(value):
        unseen = "has only characters that nobody can see" if value.strip() else "is blank"
        return Problem(Reason.BLANK_VARIABLE, f"{name} {unseen}: give it a value", name)
    if len(value) > MAX_VARIABLE:
        return Problem(
            Reason.LONG_VARIABLE,
            f"{name} has {len(value)} characters, {MAX_VARIABLE} is the most: shorten it",
            name,
        )
    if _BREAK.search(value):
        return Problem(Reason.BAD_VARIABLE, f"{name} has a line break: write it in one line", name)
    if "\t" in value:
        return Problem(Reason.BAD_VARIABLE, f"{name} has a tab: write a space", name)
    if _SPACES in value:
        return Problem(Reason.BAD_VARIABLE, f"{name} has more than four spaces in a row: write fewer", name)
    if found := _CONTROL.search(value):
        return Problem(
            Reason.BAD_VARIABLE, f"{name} has a control character (U+{ord(found[0]):04X}): remove it", name
        )
    if _QUANTITY.fullmatch(value.strip()):
        return Problem(
            Reason.SPREADSHEET_NUMBER,
            f"{name} is a number that a spreadsheet has rounded: format its column as text and fill it again",
            name,
        )
    if damage := _damage(value):
        return Problem(Reason.BAD_VARIABLE, f"{name} {damage}", name)
    return None


def _damage(value: str) -> str:
    """What a machine wrote into a value in place of what was meant, and what to do; nothing if it is fine."""
    if _FAILED.fullmatch(value.strip()):
        return "is the error of a formula in a spreadsheet: fix the formula, or write the value"
    if value.strip() == _NO_VALUE:
        return "is what a database writes for nothing: give it a value"
    if _OF_PROGRAM.fullmatch(value.strip()):
        return "is how a program spells a value for itself: export the list again, with text"
    if _UNROUNDED.fullmatch(value.strip()):
        return "is a number that a program did not round: write the digits that are meant"
    if _OBJECT.search(value):
        return "holds what a program writes for an object: export the list again"
    if _LOST in value:
        return "has a letter that was lost in a conversion (U+FFFD): write it again"
    if _UNFILLED.search(value):
        return "has a place that was never filled: write the value"
    if _FORMULA.match(value.strip()):
        return "is a formula, not what it gives: open the list in a spreadsheet and copy it as values"
    return ""


def oddities(value: str) -> Iterator[Oddity]:
    """What is probably no text that a person wrote, though it may be."""
    bare = value.strip(" ")
    if bare in _NOTHING_OF_MANY or bare in _NOTHING_SPELLED or _NOTHING_BESIDE.fullmatch(bare):
        yield Oddity.NOTHING
    misread = not value.isascii() and (_MISREAD.search(value) or _OTHER_LETTER.search(value))
    if misread or (
        "/" not in value and _LOST_LETTER.search(value)
    ):  # an address has one before its question mark
        yield Oddity.MISREAD
    inside = value.strip()
    if (
        _PLACE.fullmatch(inside)
        or _PLACE_OF_SIGNS.fullmatch(inside)
        or _HALF_A_PLACE.fullmatch(inside)
        or _PLACE_INSIDE.search(inside)
    ):
        yield Oddity.PLACEHOLDER
    if _LIKE_A_FORMULA.match(inside):
        yield Oddity.FORMULA
    escaped = _AS_ON_A_PAGE.search(value) or _AS_SENT.search(value)
    if escaped or _AS_A_MOMENT.search(value) or _SIGNED.fullmatch(value):
        yield Oddity.ESCAPED


def unwrapped(value: Value) -> Value:
    """A value without the formula that keeps it text in a spreadsheet: `="00123"` is 00123."""
    if isinstance(value, str) and (found := _TEXT_OF_FORMULA.fullmatch(value)):
        return found[1]
    return value


def all_fine(
    columns: Sequence[Sequence[str]], *, joined: Sequence[str] | None = None, measured: bool = False
) -> bool:
    """Whether `check_text` finds nothing in any of the values: yes only if so, no to be looked at closer.

    They are looked at as one text, which costs a fraction. *joined* are the columns as texts, with blanks
    between; *measured* says that none of the values is too long.
    """
    # With a space around each, one that is empty or blank, and a run of spaces in one, are two in a row.
    text = f" {' '.join(map(' '.join, columns) if joined is None else joined)} "
    # Two characters are found several times faster from the end than by `in`.
    if text.rfind("  ") >= 0 and (_SPACES in text or _any_blank(columns) or _any_nothing(columns)):
        return False
    if not (measured or _longest(columns) <= MAX_VARIABLE):
        return False
    if not all(map(_WORDS_OF_MACHINES.isdisjoint, columns)):
        return False
    try:
        data = text.encode()
    except UnicodeEncodeError:
        return False
    if _any_number_of_program(text, data):
        return False
    if ":" in text and " day" in text and _OF_PROGRAM_INSIDE.search(text):
        return False
    if "_" in text and (_ESCAPE_OF_EXCEL in text or "__" in text):
        return False
    if _any_leftover(text):
        return False
    suspect = frozenset(data.translate(None, _HARMLESS))
    return not suspect or (not _any_odd(text, suspect) and _all_seen(columns, text, data, suspect - _ODD))


def _any_number_of_program(text: str, data: bytes) -> bool:
    """Whether a text, which is *data* in UTF-8, may hold a number with an exponent, or one not rounded."""
    shapes = data.translate(_SHAPES, _NO_SHAPE)
    if shapes.rfind(_EXPONENT_SHAPE) >= 0 and _QUANTITY_INSIDE.search(text):
        return True
    return "." in text and _LONG_SHAPE in shapes and _FRACTION_INSIDE.search(text) is not None


def _any_leftover(text: str) -> bool:
    """Whether a text may hold what a program left in it, though no sign in it is odd."""
    # From the end, a rare piece is found several times faster than by `in`.
    if text.rfind("ull ") >= 0 or text.rfind("ned ") >= 0 or text.rfind("aN ") >= 0:
        return True
    # A person writes no letter behind a question mark, and none before one that opens.
    asks = "?" in text and text.count("?") > text.count("? ")
    asks = asks or ("\u00bf" in text and text.count("\u00bf") > text.count(" \u00bf"))
    if asks and _LOST_LETTER.search(text):
        return True
    others = not text.isascii() and any(map(text.__contains__, _OTHER_LETTERS))
    if others and _OTHER_LETTER.search(text):
        return True
    if ":" not in text or not any(text.rfind(piece) >= 0 for piece in _OF_MOMENTS):
        return False
    return _AS_A_MOMENT.search(text) is not None


def _any_odd(text: str, suspect: frozenset[int]) -> bool:
    """Whether a text may hold what a machine wrote. What cannot be there is looked for in C."""
    if not suspect.isdisjoint(_ODD):
        if ("#" in text and _FAILED.search(text)) or ("=" in text and _FORMULA_INSIDE.search(text)):
            return True
        for sign, signs in _PROGRAM_SIGNS.items():
            if sign in text and any(map(text.__contains__, signs)) and _OF_PROGRAM_INSIDE.search(text):
                return True
        if "@" in text and _JAVA.search(text):
            return True
        if any(map(text.__contains__, "&\\<")) and _AS_ON_A_PAGE.search(text):
            return True
        if any(map(text.__contains__, "=\\%")) and _AS_SENT.search(text):
            return True
        if ("'" in text and " '" in text) or ('"' in text and ' "' in text) or ("@" in text and "@@" in text):
            return True
        if any(map(text.__contains__, _OPENINGS)) or _NO_VALUE in text or "[object " in text:
            return True
        if any(map(text.__contains__, "{[<%}]>|#")) and _any_place(text):
            return True
    return any(map(text.__contains__, _MISREAD_BEGINS)) and _MISREAD.search(text) is not None


def _any_place(text: str) -> bool:
    return any(pattern.search(text) for pattern in (_PLACE, _HALVES, _PLACE_INSIDE))


def _all_seen(columns: Sequence[Sequence[str]], text: str, data: bytes, suspect: frozenset[int]) -> bool:
    """Whether no value has a control character or a letter that was lost, and each one that can be seen."""
    if not suspect or (suspect <= _LATIN and not _LATIN_UNSEEN.search(data)):
        return True
    if _LOST in text:
        return False
    if text.isprintable() and not _PRINTED_UNSEEN.search(text):
        return True
    return _CONTROL.search(text) is None and not _any_blank(columns)


def fine_values(values: Sequence[str]) -> list[int]:
    """The places of the values in which `check_text` certainly finds nothing."""
    # Of bad values, blank ones are the most by far, and are found without narrowing down on them.
    some = list(compress(range(len(values)), map(str.strip, values)))
    given = values if len(some) == len(values) else picked(values, some)
    places = fine_places(len(given), lambda start, end: all_fine([given[start:end]]))
    return picked(some, places)


def flatten(value: str) -> str:
    """The value with every line break, tab and run of more than four spaces as one space."""
    return _TO_FLATTEN.sub(" ", value).strip() if _TO_FLATTEN.search(value) else value


def _any_nothing(columns: Sequence[Sequence[str]]) -> bool:
    return not _WORDS_OF_MACHINES.isdisjoint(value.strip(" ") for value in chain.from_iterable(columns))


def _any_blank(columns: Sequence[Sequence[str]]) -> bool:
    return not all(map(_VISIBLE.search, chain.from_iterable(columns)))


def longest(columns: Sequence[Sequence[str]]) -> int:
    """The characters of the longest row of *columns*."""
    return max(lengths(columns), default=0)


def lengths(columns: Sequence[Sequence[str]]) -> Iterable[int]:
    """The characters of each row of *columns*."""
    if not columns:
        return ()
    first, *others = columns
    found: Iterable[int] = map(len, first)
    for column in others:
        found = map(add, found, map(len, column))
    return found


def _longest(columns: Sequence[Sequence[str]]) -> int:
    return max(map(len, chain.from_iterable(columns)), default=0)
