"""Which message of a person means "no more", and which "again". Pure.

The naive way looks for the word in the text, and silences who writes "I can't stop reading these". Only a
message that is nothing but the word counts, in any case, with or without accents, and whatever blanks,
punctuation and emoji stand around it.

Source: contract, section 3.3.
"""

import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from typing import Final

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.model.opt_outs import OptOutSource

STOP_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("STOP", "STOP ALL", "STOPALL", "UNSUBSCRIBE", "OPT OUT", "OPTOUT", "CANCEL", "END", "QUIT"),
    "es": (
        *("BAJA", "DAR DE BAJA", "DARME DE BAJA", "DAME DE BAJA", "DESUSCRIBIR", "DESUSCRIBIRME"),
        *("SALIR", "PARAR", "CANCELAR", "CANCELAR SUSCRIPCIÓN", "NO MÁS MENSAJES", "NO QUIERO MÁS MENSAJES"),
    ),
    "pt": (
        *("SAIR", "PARAR", "PARE", "CANCELAR", "CANCELAR INSCRIÇÃO", "DESCADASTRAR", "DESINSCREVER"),
        *("NÃO QUERO MAIS", "NÃO QUERO MAIS MENSAGENS", "REMOVER"),
    ),
}
"""By language; all of them count, since nobody says in which one they answer."""
RESUME_WORDS: Final[Mapping[str, tuple[str, ...]]] = {
    "en": ("START", "UNSTOP", "SUBSCRIBE"),
    "es": ("ALTA", "DAR DE ALTA", "DARME DE ALTA", "SUSCRIBIRME"),
    "pt": ("QUERO RECEBER", "INSCREVER"),
}
STOP_BUTTONS: Final = ("OPT_OUT", "Stop promotions")
"""Payloads and titles of buttons that mean "no more", beside the words."""

STOP_WORDS_VARIABLE: Final = "KEEBAI_STOP_WORDS"
RESUME_WORDS_VARIABLE: Final = "KEEBAI_RESUME_WORDS"
STOP_BUTTONS_VARIABLE: Final = "KEEBAI_STOP_BUTTONS"

_MOST_CHARACTERS: Final = 200
"""A text that is longer is none of these words, whatever they are."""


class StopWords(msgspec.Struct, frozen=True, kw_only=True):
    """What people write or tap to get no more, and to get it again.

    *stop* and *resume* are whole messages, *buttons* payloads or titles of quick replies. A tap counts by its
    payload or by its title; *stop* and *resume* count there, too.

    Raises:
        InvalidInput: one holds no letter, digit or sign, or means both.
    """

    stop: tuple[str, ...] = tuple(word for words in STOP_WORDS.values() for word in words)
    resume: tuple[str, ...] = tuple(word for words in RESUME_WORDS.values() for word in words)
    buttons: tuple[str, ...] = STOP_BUTTONS

    def __post_init__(self) -> None:
        for field, words in (("stop", self.stop), ("resume", self.resume), ("buttons", self.buttons)):
            for word in words:
                if not normal(word):
                    raise InvalidInput(f"nobody can write {word!r}: it holds nothing to be read", field=field)
        both = {normal(word) for word in self.resume} & _set_of((*self.stop, *self.buttons))
        if both:
            raise InvalidInput(f"{min(both)!r} cannot mean both to stop and to go on", field="resume")

    @classmethod
    def named(
        cls,
        environment: Mapping[str, str],
        *,
        stop: str | None = None,
        resume: str | None = None,
        buttons: str | None = None,
    ) -> "StopWords":
        """Those given, each as a list with commas, else those of *environment*, else the usual ones.

        A list with a plus before it is added to the usual words: `+NO GRACIAS,YA NO`.

        Raises:
            InvalidInput: as above.
        """
        usual = cls()
        return cls(
            stop=_words_of(stop or environment.get(STOP_WORDS_VARIABLE), usual.stop),
            resume=_words_of(resume or environment.get(RESUME_WORDS_VARIABLE), usual.resume),
            buttons=_words_of(buttons or environment.get(STOP_BUTTONS_VARIABLE), usual.buttons),
        )

    def meaning(self, text: str, payload: str = "") -> tuple[bool, OptOutSource] | None:
        """Whether a message means to stop (True) or to go on (False), and by what; None for any other.

        *payload* is that of what was tapped, empty for what was typed.
        """
        said = {normal(each) for each in (payload, text) if 0 < len(each) <= _MOST_CHARACTERS}
        taps, source = said & _set_of(self.buttons), OptOutSource.WORD
        if payload:
            source = OptOutSource.BUTTON
            if taps:
                return True, source
        if said & _set_of(self.stop):
            return True, source
        if taps:  # whose payload came in the place of a text
            return True, OptOutSource.BUTTON
        return (False, source) if said & _set_of(self.resume) else None


def _words_of(text: str | None, usual: tuple[str, ...]) -> tuple[str, ...]:
    if text is None:
        return usual
    words = tuple(filter(None, map(str.strip, text.strip().removeprefix("+").split(","))))
    return (*usual, *words) if text.lstrip().startswith("+") else words


def normal(text: str) -> str:
    """*text* as it is compared: letters and digits in small, without accents, one blank between words.

    A text without any is compared by its other signs, so that an emoji may be a word.
    """
    plain = "".join(
        letter
        for letter in unicodedata.normalize("NFKD", text)
        if unicodedata.category(letter) not in _UNREAD_KINDS
    ).casefold()
    words = "".join(letter if letter.isalnum() else " " for letter in plain).split()
    return " ".join(words) or "".join(plain.split())


_UNREAD_KINDS: Final = frozenset({"Mn", "Me", "Cf"})
"""Kinds of characters that stand in no word: accents, what joins emoji, what turns the direction."""


@cache
def _set_of(words: Iterable[str]) -> frozenset[str]:
    return frozenset(map(normal, words))
