"""Sentences that the library made, in the language of the command. Pure.

A plan's notes, what is wrong with a row, why a campaign stopped: the library says it in English, and the
journal keeps it so. The naive way is to keep it in the language of who planned; then the next person reads
the first one's language, and JSON has three. So a sentence is found again in the catalogue, by its words that
never change, and said in the language of who reads it. What is not in there, such as the words of a service,
stays as it is.
"""

import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from string import Formatter
from typing import Final

import msgspec

from keebai_async.cli.figures import in_locale
from keebai_async.cli.language import ENGLISH, catalogue, phrase, spoken
from keebai_async.cli.shown import shown_reason, shown_text

LIBRARY: Final = "library"
"""What whole sentences are about, in a catalogue. A place in one may name what its text is about, and is
translated then, too: `{also:piece}`, `{name:country}`.
"""
COUNTRY: Final = "country"
DAMAGE: Final = "damage"
"""What is wrong with a value, to be said behind its name."""
PIECE: Final = "piece"
PIECES: Final = "pieces"
"""Several with commas between them, of which any may be in no catalogue."""
PERHAPS: Final = "perhaps"
"""A sentence, or the words of a service."""
ONLY_FIGURE: Final = "number"
"""Nothing but a number, or a share."""
_ONLY_A_FIGURE: Final = re.compile(r"[0-9]+(?:[.,][0-9]+)*%?")

_OF_PART: Final = re.compile(r"(.+) \((part [0-9]+/[0-9]+(?:, from .+)?)\)")
"""What is said of one part of a list over several senders."""


class Blank(msgspec.Struct, frozen=True):
    """A place in a sentence, and what kind of text stands in it; without a kind it is left as it is."""

    name: str
    kind: str


class KnownSentence(msgspec.Struct, frozen=True):
    """An English sentence as pieces and places, and how it is said."""

    parts: tuple[str | Blank, ...]
    said: str
    pieces: tuple[str, ...]

    @classmethod
    def of(cls, english: str, said: str) -> "KnownSentence":
        parts = parts_of(english)
        return cls(parts, said, tuple(part for part in parts if isinstance(part, str)))

    def may_be(self, text: str) -> bool:
        """Whether every piece is in *text*: if not, there is no need to look where."""
        return all(map(text.__contains__, self.pieces))


def library_text(sentence: str) -> str:
    """A sentence of the library, on one line, with its numbers as its reader writes them."""
    return in_locale(in_language(shown_text(sentence)))


def library_reason(reason: str) -> str:
    """Why something happened, in the library's words or a service's.

    Numbers of people are masked, and others are as their reader writes them.
    """
    return in_locale(in_language(shown_reason(reason)))


def in_language(sentence: str) -> str:
    """A *sentence* of the library in the language of now."""
    return sentence if spoken() == ENGLISH else _said(sentence, spoken())


def country_words(name: str) -> str:
    """The name of a country, which the library has in one language for all."""
    return phrase(name, about=COUNTRY)


@lru_cache(4_096)
def _said(sentence: str, language: str) -> str:
    if (found := _found(sentence, LIBRARY, language)) is not None:
        return found
    if of_part := _OF_PART.fullmatch(sentence):
        return f"{_said(of_part[1], language)} ({_said(of_part[2], language)})"
    every = sentence.split("; ")
    return "; ".join(_said(each, language) for each in every) if len(every) > 1 else sentence


def _found(text: str, kind: str, language: str) -> str | None:
    """A text of this kind in the language; None if it is none."""
    if not kind:
        return text
    if kind == ONLY_FIGURE:
        return text if _ONLY_A_FIGURE.fullmatch(text) else None
    if kind == PIECES:
        return ", ".join(_found(each, PIECE, language) or each for each in text.split(", "))
    if kind == PERHAPS:
        return _found(text, LIBRARY, language) or text
    return _translated(text, kind, language)


def _translated(text: str, kind: str, language: str) -> str | None:
    if not text:
        return text
    if whole := catalogue(language).get((kind, text)):
        return whole[0]
    for pattern in _patterns(kind, language):
        values = _values(pattern.parts, text, language) if pattern.may_be(text) else None
        if values is not None:
            return pattern.said.format(**values)
    return None


def _values(parts: Sequence[str | Blank], text: str, language: str) -> dict[str, str] | None:
    """What stands in the places, if *text* has these *parts*."""
    if not parts:
        return None if text else {}
    first, *rest = parts
    if isinstance(first, str):
        return _values(rest, text[len(first) :], language) if text.startswith(first) else None
    for end in _ends(rest, text):
        value = _found(text[:end], first.kind, language)
        if value is not None and (others := _values(rest, text[end:], language)) is not None:
            return {first.name: value, **others}
    return None


def _ends(rest: Sequence[str | Blank], text: str) -> Iterator[int]:
    """Where a place may end: before the piece that is next; or anywhere, the farthest first, since any end of
    a list of pieces is one, also the beginning."""
    if not rest:
        yield len(text)
    elif isinstance(rest[0], str):
        at = text.find(rest[0])
        while at >= 0:
            yield at
            at = text.find(rest[0], at + 1)
    else:
        yield from range(len(text), -1, -1)


@cache
def _patterns(kind: str, language: str) -> Sequence[KnownSentence]:
    """The sentences with places, those first that have the most words of their own."""
    found = [
        KnownSentence.of(english, forms[0])
        for (about, english), forms in catalogue(language).items()
        if about == kind and "{" in english
    ]
    return sorted(found, key=lambda each: -sum(map(len, each.pieces)))


def parts_of(english: str) -> tuple[str | Blank, ...]:
    """A sentence as its pieces and places."""
    parts: list[str | Blank] = []
    for piece, name, kind, _ in Formatter().parse(english):
        if piece:
            parts.append(piece)
        if name is not None:
            parts.append(Blank(name, kind or ""))
    return tuple(parts)
