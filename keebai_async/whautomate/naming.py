"""Names by which a broadcast is found again, if the answer to its create is lost. Pure, but for chance."""

from random import Random
from typing import Final

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"  # without those that people mistake for one another


def marked(name: str, chance: Random | None = None) -> str:
    """*name* with a marker of its own behind it, by which `find_lost` finds the broadcast.

    The marker is letters and digits only, so that any kind of search finds it.
    """
    chance = chance or Random()  # noqa: S311 - it tells names apart, it keeps no secret
    return f"{name} {''.join(chance.choices(_LETTERS, k=8))}"
