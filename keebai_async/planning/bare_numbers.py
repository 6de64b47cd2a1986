"""Whose number digits without a plus are, where nobody said of which country: for lists of who said no.

Such lists mostly hold the country code without its plus. But where they hold numbers as they are dialled, the
code of some country begins those just as well: with a plus before it, `656 123 4567` of Ciudad Juarez is in
Singapore, and a part of another one on some island. Then who said no would be a stranger to us, and be sent
the message. Pure.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from keebai_async.model.limits import E164
from keebai_async.planning.number_forms import looks_certain

LEAST_WITH_CODE: Final = 11
"""With its country code, a mobile of Latin America has as many or more, but for Cuba's."""
_DIALLED_IN_BRAZIL: Final = 11
"""Digits of a mobile of Brazil as it is dialled there, the third of which is a nine."""
_DIALLED_IN_ARGENTINA: Final = 12
"""Digits of a mobile of Argentina as it is dialled there, with 15 behind the code of its area."""


def bare_readings(digits: str, *, alone: bool = True) -> list[str]:
    """The numbers in E.164 that *digits* without a plus and without a zero in front may be.

    The first is the one with its country code; there is none if they are too few for that, or begin with no
    code. Read *alone*, with no country in mind, they may be a mobile as it is dialled in Brazil or Argentina
    too: `51 98765-4321` is somebody in Peru, and somebody in Porto Alegre.
    """
    number = f"+{digits}"
    if len(digits) < LEAST_WITH_CODE or not E164.fullmatch(number) or not looks_certain(number):
        return []
    return [number, *(as_dialled([digits]) if alone else ())]


def as_dialled(numbers: Sequence[str]) -> list[str]:
    """The mobiles of Brazil and Argentina that digits without a plus are, as they are dialled there."""
    if {_DIALLED_IN_BRAZIL, _DIALLED_IN_ARGENTINA}.isdisjoint(map(len, numbers)):
        return []
    return [each for digits in numbers for each in _dialled(digits) if looks_certain(each)]


def _dialled(digits: str) -> Iterator[str]:
    if len(digits) == _DIALLED_IN_BRAZIL:
        if digits[2] == "9":
            yield f"+55{digits}"
        if digits[0] == "9":
            yield f"+54{digits}"
    elif len(digits) == _DIALLED_IN_ARGENTINA and "15" in digits[2:6]:
        for size in (2, 3, 4):
            if digits[size : size + 2] == "15":
                yield f"+549{digits[:size]}{digits[size + 2 :]}"
