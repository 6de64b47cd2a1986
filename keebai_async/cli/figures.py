"""Numbers and times as their reader writes them.

47,930 is fifty thousand people to one reader and 47.93 to the next. So a number has the separators of the
user's locale, and none where that is not known. Texts in another language than the locale's have those of the
language, if it has one way: Portuguese here is Brazil's, and Spanish is written as 47.930 in Argentina and as
47,930 in Mexico, so it has none. A time is the machine's own, as the service's portal shows
it, with its offset; JSON has UTC.
"""

import os
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import Final

from keebai_async.cli.language import ENGLISH, phrase_of, spoken

_COMMA, _POINT = ",", "."

_GROUPED: Final = re.compile(r"(?<![\w.,:/+'\"-])\d{1,3}(?:,\d{3})+(?!\w|[.,]\w)")

_THOUSANDS: Final = {
    "en": _COMMA,
    "es": _POINT,
    "pt_BR": _POINT,
    "de": _POINT,
    "id": _POINT,
    "it": _POINT,
    "nl": _POINT,
    "tr": _POINT,
    "he": _COMMA,
    "ja": _COMMA,
    "ko": _COMMA,
    "th": _COMMA,
    "zh": _COMMA,
    **dict.fromkeys(
        (f"es_{region}" for region in ("DO", "GT", "HN", "MX", "NI", "PA", "PE", "PR", "SV", "US")), _COMMA
    ),
    "es_CR": "",
}
"""By language, or by language and region where a region has its own way, as Unicode's CLDR has them."""


def figure(number: int) -> str:
    """`47,930`, `47.930` or `47930`."""
    return f"{number:,}".replace(_COMMA, _thousands())


def people_figure(count: int) -> str:
    """`47,930 people`, `1 person`."""
    return counted(count, "{count} person", "{count} people")


def counted(count: int, one: str, many: str, /, *, about: str = "", **values: object) -> str:
    """An English text in the language of now, with *count* in its place: *one* for 1, else *many*."""
    return phrase_of(count, one, many, about=about, count=figure(count), **values)


def in_locale(sentence: str) -> str:
    """A *sentence* of the library, which writes 47,930, with its numbers as `figure` has them."""
    return _GROUPED.sub(lambda found: figure(int(found[0].replace(_COMMA, ""))), sentence)


def money(amount: Decimal | float) -> str:
    """`3,090.00`, `3.090,00` or `3090.00`."""
    whole, _, cents = f"{amount:,.2f}".partition(_POINT)
    thousands = _thousands()
    return whole.replace(_COMMA, thousands) + (_COMMA if thousands == _POINT else _POINT) + cents


def share(part: int, of: int) -> str:
    """`1.2%` of *of*; `0%` and `100%` only where it is nobody and everybody."""
    if not of or part in {0, of}:
        return "100%" if part else "0%"
    shown = f"{min(99.9, max(0.1, 100 * part / of)):.1f}%"
    return shown.replace(_POINT, _COMMA) if _thousands() == _POINT else shown


def moment(at: float | datetime) -> str:
    """`2026-11-26 14:02:11-03:00`, from Unix time or a time with its offset."""
    when = at if isinstance(at, datetime) else datetime.fromtimestamp(at, UTC)
    return when.astimezone().isoformat(sep=" ", timespec="seconds")


_WHATEVER_REGION: Final = {"es": "", "pt": _POINT}
"""By language, where the locale is of another one."""


def _thousands() -> str:
    names = (os.environ.get(name) for name in ("LC_ALL", "LC_NUMERIC", "LANG"))
    chosen = next(filter(None, names), "")
    locale = chosen.partition(".")[0].partition("@")[0]
    language = locale.partition("_")[0]
    if spoken() not in (ENGLISH, language):
        return _WHATEVER_REGION[spoken()]
    return _THOUSANDS.get(locale, _THOUSANDS.get(language, ""))
