"""Columns that nobody asked for and that may say who wants no messages: `opt_in`, `Estado`, `Baja`.

A list that was exported whole has people in it who said no, and a column that says so. A plan reads the
columns of the template and no others, so these people would be messaged without a word. What is in such a
column is counted and shown; who it means is for a person to say.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from keebai_async.privacy import shown
from keebai_async.sources.header import unaccented

MOST_VALUES: Final = 20
"""Different values of a column from which on it is no answer to a question."""
_NAMED_CONSENT: Final = 5
_SAYS_NO: Final = re.compile(
    r"\bopt[ -]?out\b|\bun[ -]?subscri|\bdesu[bs]?scri|\bbajas?\b"
    r"|\bno (?:contact|molest|llam|envi|disturb|call)|\bnao (?:contat|perturb|envi|ligar)|\bdo not |^dnc$"
    r"|black ?list|lista negra|bloque[ao]|block|descadastr"
)
"""Where a yes means no messages."""
_SAYS_SO: Final = re.compile(
    rf"{_SAYS_NO.pattern}|\bopt[ -]?in\b|su[bs]?scri|consent|acept[ao]|aceit[ao]|autoriz"
    r"|lgpd|gdpr|permi(?:so|te|ss)|habeas"
)
_MAY_SAY_SO: Final = re.compile(
    r"estado|estatus|status|situac|activ|ativo|habilit|vigen|\bobs|nota|note|coment|comment|tag|etiqueta"
    r"|label|motivo|marketing|promoc|stop|exclu|enviar|contactar|cancel|whatsapp|wsp|\bwa\b"
)
_NO: Final = re.compile(
    r"(?:dad[oa] de )?bajas?|no|n|false|falso|0|in-?activ[oae]|inativ[oa]|opt(?:ed)? ?-?out|stop|spam"
    r"|un-?subscribed?|des(?:u?s|in)c?rit[oa]|desuscript[oa]|cancelad[oa]|bloquead[oa]|blocked|excluid[oa]"
    r"|no (?:contactar|enviar|molestar|llamar|quiere|acepta|autoriza).*"
    r"|nao (?:contatar|enviar|perturbe|quer|aceita).*|do not .*|lista negra|black ?list(?:ed)?|rechaz\w*"
    r"|revocad[oa]|remover|eliminad[oa]"
)


def says_who_wants_none(column: str) -> bool:
    """Whether the name of a column says that it holds who wants messages, or who wants none."""
    return _SAYS_SO.search(_words(column)) is not None


@lru_cache
def may_say_who_wants_none(column: str) -> bool:
    """Whether it may hold that, for all that its name says."""
    return says_who_wants_none(column) or _MAY_SAY_SO.search(_words(column)) is not None


def is_no(value: str) -> bool:
    """Whether a value is how lists say that somebody wants no messages."""
    return _NO.fullmatch(_words(value)) is not None


class UnusedConsent:
    """What stands in columns of a list that nobody asked for and that may say who wants no messages."""

    def __init__(self) -> None:
        self._values: dict[str, Counter[str]] = {}
        self._block: dict[str, dict[int, str]] = {}
        """What stands in rows of the block that is read now, by column and position."""
        self._free: set[str] = set()
        """Columns with more values than there are answers to a question."""

    def meet(self, column: str, values: Iterable[str], where: Iterable[int]) -> None:
        """Take down the *values* of the rows at the positions *where* in a block; a row that is met again is
        one all the same."""
        self._block.setdefault(column, {}).update(zip(where, values, strict=True))

    def settle(self, rows: int) -> None:
        """Count what was met in the first *rows* of a block: those behind them are not read."""
        for column, values in self._block.items():
            self.count(column, [value for at, value in values.items() if at < rows])
        self._block.clear()

    def count(self, column: str, values: Iterable[str]) -> None:
        """Count the *values* of some rows."""
        counted = self._values.setdefault(column, Counter())
        for value, count in Counter(values).items():
            if value in counted or len(counted) < MOST_VALUES or is_no(value):
                counted[value] += count
            else:
                self._free.add(column)

    def notes(self) -> Iterator[str]:
        """A sentence for each column that may say no to somebody."""
        for column, values in self._values.items():
            no = any(map(is_no, values))
            if not no and (not says_who_wants_none(column) or column in self._free):
                continue
            if not no and len(values) == 1 and not (_SAYS_NO.search(_words(column)) and any(values)):
                continue  # all say yes to messages, or nobody says anything
            first = sorted(values.items(), key=lambda each: (not is_no(each[0]), -each[1], each[0]))
            named = ", ".join(
                f"{shown(value.strip()) or 'nothing'} in {count:,} row{'s' * (count != 1)}"
                for value, count in first[:_NAMED_CONSENT]
            )
            more = ", ..." if len(values) > _NAMED_CONSENT else ""
            yield (
                f"the column {shown(column)} is not used, and may say who wants no messages ({named}{more}):"
                " who must get none is to be taken out of the list, or named with --suppress"
            )


def _words(text: str) -> str:
    return " ".join(unaccented(text).replace("_", " ").replace(".", " ").split())
