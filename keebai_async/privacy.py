"""What may be shown of a number, a token, or a text from outside. One policy, used by all. Pure.

The problem: a service quotes what it was given, in any spelling. The naive way hides 8 to 15 digits in a row,
and shows `+54 9 11 5555-0101` whole. To hide all digits would hide the row, the price and Meta's code, by
which a person finds what is wrong.

The choice: what somebody could call is hidden, which is seven digits and more, of any script, in one piece or
with blanks, dashes, dots and brackets in between, with a plus, 00 or neither. Left are only texts that are
clearly something else: an id, a date, a price with its currency, `row 1234567`, `(#131049)`. In doubt it is
hidden.
"""

import re
from functools import cache
from typing import Final

LONGEST: Final = 500
"""Characters of a text from outside that are shown."""

_PLUS = "+\uff0b\ufe62\u207a"
_NO_GAP = "\\w,;:…\"'`=+#{}<>|&?!%$€£¥@"
_FILLER = "_\u115f\u1160\u3164\uffa0"  # blank, and yet letters
_GAPS = rf"(?:[^{_NO_GAP}/\\\[\]]|[{_FILLER}]){{0,5}}"
_WIDE_GAPS = rf"(?:[^{_NO_GAP}]|[{_FILLER}]){{0,5}}"  # where a plus leaves no doubt

_WORD_END = r"(?![^\W_])"
_NO_MORE_DIGITS = rf"(?!{_GAPS}\d)"  # no more digits that could belong to the same number

_HEX = "[0-9a-fA-F]"
_IDS = (  # of 24 hexadecimal digits, as services give them, and UUIDs
    r"(?<![^\W_])(?=[0-9-]{0,35}[a-fA-F])"
    rf"(?:{_HEX}{{24}}|{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}){_WORD_END}"
)
_MONTH, _DAY = "(?:0[1-9]|1[0-2])", "(?:0[1-9]|[12][0-9]|3[01])"
_DATES = (  # 2026-11-05, 2026-11-05T10:00:00.000Z, 05.11.2026
    rf"(?<!\d)(?:(?:19|20)[0-9]{{2}}-{_MONTH}-{_DAY}|{_DAY}(?P<dash>[-.]){_MONTH}(?P=dash)(?:19|20)[0-9]{{2}})"
    r"(?:[T ][0-9]{2}:[0-9]{2}(?::[0-9]{2}(?:[.,][0-9]{1,6})?)?(?:Z|[+-][0-9]{2}:?[0-9]{2})?)?"
    + _NO_MORE_DIGITS
)
_CURRENCY = "(?:USD|EUR|GBP|INR|ARS|BRL|CLP|COP|MXN|PEN|UYU)"
_PRICES = (  # USD 1250000.00, € 1.250.000; 1,250,000.00 ARS; 1.250.000,00
    rf"(?:\b{_CURRENCY}|[$€£¥]) ?"
    rf"(?:[0-9]{{1,7}}|[0-9]{{1,3}}(?:[.,][0-9]{{3}}){{1,2}})(?:[.,][0-9]{{1,4}})?{_WORD_END}{_NO_MORE_DIGITS}"
    rf"|(?<!\d)[0-9]{{1,3}}(?:(?:[.,]?[0-9]{{3}}){{0,2}}(?:[.,][0-9]{{1,4}})? ?(?:{_CURRENCY}\b|[€£¥])"
    r"|(?:\.[0-9]{3}){1,2},[0-9]{2}(?!\d))"
)
_ROWS = rf"\b(?i:rows?|lines?|items?|chunks?|process) [1-9][0-9]{{0,8}}{_WORD_END}{_NO_MORE_DIGITS}"
_CODES = (  # (#131049); code 2494100, #131049, 400 (131049), 131049 (12 times)
    r"\(#[0-9]{1,7}\)"
    r"|(?:(?:#|\b(?i:code)[ :=\"(#]{1,3})[0-9]{1,7}"
    rf"|(?<!\d)(?:[1-5][0-9]{{2}} \(?13[0-9]{{4}}|13[0-9]{{4}} \([0-9]{{1,5}})){_WORD_END}{_NO_MORE_DIGITS}"
)
_MASKED = rf"(?<!\d)\+?\d{{2,3}}…\d{{2,4}}(?:{_NO_MORE_DIGITS}|(?={_GAPS}\d{{2,3}}…))"

_NUMBERS = (
    rf"[{_PLUS}](?:{_WIDE_GAPS}\d){{7,}}|\d(?:{_GAPS}\d){{6,}}"
    r"|(?<!\d)\d{1,3}(?:,\d{3}){3,}(?!\d)"  # one that a spreadsheet took for an amount
)
_STARTS = rf"(?:(?=[\d{_PLUS}#($€£¥])|(?<![^\W_])(?=[A-Za-z]))"  # saves a closer look at most places
_SECRETS = (
    r"(?i)\b(bearer\s+|kbai_pk_|pat_)[^\s\"',;…]{4,}"
    # What a line break or a blank cut off from it.
    rf"(?:[\s\"',;.…]{{1,6}}(?:[0-9a-f]{{8,}}|(?=[a-f]{{0,8}}[0-9])[0-9a-f]{{4,}}){_WORD_END})*"
    rf"|(?<![^\W_])()[0-9a-f]{{48,}}{_WORD_END}"
)
_SHORTEST_PIECE = 8
_LARGEST_SEARCHED = 64 * 1024
_CUT = rb"(?:\\[bfnrt]|\\u[0-9a-fA-F]{4}|[^0-9A-Za-z\[\]{}:]){0,6}?"


def mask(number: str) -> str:
    """Shorten *number* to what tells two people apart without naming one: `+549…0101`, in any spelling.

    What is no number is shortened in the same way. Anything of up to seven characters is hidden whole.
    """
    text = one_line(number)
    digits = "".join(str(int(letter)) for letter in text if letter.isdecimal())
    if len(digits) < 7:
        return _ends(text, 4, 4) if len(text) > 9 else _ends(text, 2, 2)
    plus = "+" if set(text) & set(_PLUS) or digits.startswith("00") else ""
    digits = digits.removeprefix("00")
    if len(digits) <= 7:
        return "…"
    return plus + (_ends(digits, 3, 4) if len(digits) > 9 else _ends(digits, 2, 2))


def _ends(text: str, head: int, tail: int) -> str:
    return f"{text[:head]}…{text[-tail:]}" if len(text) > 7 else "…"


def one_line(text: str) -> str:
    """*text* on one line, without the control characters that move a terminal's cursor."""
    if not text.isprintable():
        text = "".join(letter if letter.isprintable() else " " for letter in text)
    return " ".join(text.split())


def shown(text: str, *, longest: int = LONGEST) -> str:
    """*text* from outside as it may be shown: one line, bounded, its numbers masked, without any secret."""
    line = one_line(text[: 4 * longest])
    line = _secrets().sub(lambda found: f"{found[1] or ''}…", line)
    line = _numbers().sub(lambda found: found["left"] or mask(found[0]), line)
    return line if len(line) <= longest else line[: longest - 1] + "…"


def without_credentials(url: str) -> str:
    """The address of a database as it may be shown: without its user, its password and its options.

    What cannot be told apart is hidden whole: a list of options behind a scheme, a question mark before an @.
    """
    scheme, _, rest = one_line(url).partition(":")
    user, at, place = rest.removeprefix("//").rpartition("@")
    if not rest or (rest.startswith("//") and "?" not in user):
        address, mark, _ = place.partition("?")
        return f"{scheme}:{rest[:2]}{'…@' if at else ''}{address}{'?…' if mark else ''}"
    return f"{scheme}:…"


def without_numbers(text: str) -> str:
    """*text* as it may stay when people are forgotten: nothing is left of a number, not even its ends."""
    return _numbers().sub(lambda found: _forgotten(found["left"]), text)


def _forgotten(left: str | None) -> str:
    return "…" if left is None or "…" in left else left


@cache
def _numbers() -> re.Pattern[str]:
    """Every number, and in the group `left` what looks like one and is none."""
    left = "|".join((_IDS, _DATES, _PRICES, _ROWS, _CODES, _MASKED))
    return re.compile(f"{_STARTS}(?:(?P<left>{left})|{_NUMBERS})")


@cache
def _secrets() -> re.Pattern[str]:
    """Every secret; the group says what may be left of it, to tell its kind."""
    return re.compile(_SECRETS)


def without_secret(content: bytes, secret: bytes, *, pieces: bool = False) -> bytes:
    """*content* without *secret*; with *pieces*, without what is left of one that was cut, too.

    A piece has eight characters or more. Of a content above 64 KiB, which nobody is shown, only whole
    secrets are taken out.
    """
    content = content.replace(secret, b"...")
    if not pieces or len(content) > _LARGEST_SEARCHED:
        return content
    size = min(_SHORTEST_PIECE, len(secret) // 2)
    parts = [secret[at : at + size] for at in range(len(secret) - size + 1)]
    if not any(part in content for part in parts):
        return content
    content = re.sub(_CUT.join(re.escape(bytes([byte])) for byte in secret), b"...", content)
    return _without_parts(content, set(parts), size)


def _without_parts(content: bytes, parts: set[bytes], size: int) -> bytes:
    kept, since, at = bytearray(), 0, 0
    while at <= len(content) - size:
        end = at
        while content[end : end + size] in parts:
            end += 1
        if end > at:
            kept += content[since:at] + b"..."
            since = at = end + size - 1
        else:
            at += 1
    return bytes(kept + content[since:])
