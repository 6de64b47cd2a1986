"""In which language people are spoken to: English stands in the code, each other language in a catalogue.

A text is written where it is used, in English, as `phrase("from {number} senders", number=...)`. Who
speaks English pays nothing for that: a catalogue is read when its language is asked for. JSON, keys and what
the journal keeps are English in every language.
"""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Final

from keebai_async.errors import InvalidInput

LANGUAGE_VARIABLE: Final = "KEEBAI_LANG"

ENGLISH: Final = "en"
LANGUAGES: Final = (ENGLISH, "es", "pt")

CATALOGUES: Final = Path(__file__).with_name("languages")
"""Where the catalogues are, a file each: es.po."""

_OF_LOCALE: Final = ("LC_ALL", "LC_MESSAGES", "LANG")

_spoken = ENGLISH


def spoken() -> str:
    """The language of now."""
    return _spoken


def speak(language: str) -> None:
    """Go on in another one of LANGUAGES."""
    global _spoken
    _spoken = language


@contextmanager
def speaking(language: str) -> Iterator[None]:
    """Inside `with` that language is spoken; afterwards the one of before."""
    before = spoken()
    speak(language)
    try:
        yield
    finally:
        speak(before)


def chosen_language(environment: Mapping[str, str]) -> str:
    """The language that KEEBAI_LANG names, or else that of the locale, where it is Spanish or Portuguese.

    Raises:
        InvalidInput: KEEBAI_LANG names none of LANGUAGES.
    """
    if named := environment.get(LANGUAGE_VARIABLE):
        return known_language(named, said_by=LANGUAGE_VARIABLE)
    locale = next((value for name in _OF_LOCALE if (value := environment.get(name))), "")
    language = _language_of(locale)
    return language if language in LANGUAGES else ENGLISH


def known_language(text: str, *, said_by: str = "--lang") -> str:
    """`es` of es, es_AR or es-MX.UTF-8. Raises InvalidInput if it is none of LANGUAGES."""
    language = _language_of(text)
    if language not in LANGUAGES:
        raise InvalidInput(f"there is {', '.join(LANGUAGES)}, and not {text!r}", field=said_by, value=text)
    return language


def _language_of(locale: str) -> str:
    return locale.strip().partition(".")[0].partition("@")[0].replace("-", "_").partition("_")[0].lower()


def phrase(text: str, /, *, about: str = "", **values: object) -> str:
    """An English *text* in the language of now, with *values* in its places.

    *about* tells two things apart that one word of English stands for. A text that the catalogue has not is
    given in English.
    """
    found = _forms(text, about)
    said = found[0] if found else text
    return said.format(**values) if values else said


def phrase_of(count: int, one: str, many: str, /, *, about: str = "", **values: object) -> str:
    """The same of a text that has another form for one, which *count* chooses."""
    found = _forms(one, about) or (one, many)
    return found[0 if count == 1 else 1].format(**values)


def _forms(text: str, about: str) -> tuple[str, ...] | None:
    return None if _spoken == ENGLISH else catalogue(_spoken).get((about, text))


@cache
def catalogue(language: str) -> Mapping[tuple[str, str], tuple[str, ...]]:
    """The texts of a language: by what they are about and the English text, with a form for one and many."""
    from keebai_async.cli.catalogue import read_catalogue

    return read_catalogue((CATALOGUES / f"{language}.po").read_text(encoding="utf-8"))
