"""Where services differ in what their replies mean, as data. What is not here is the same for all."""

from typing import Final

import msgspec


class Conventions(msgspec.Struct, frozen=True, kw_only=True):
    """How one service answers.

    *refused* are the statuses that say: certainly not accepted, and this request never will be.
    *error_in_success*: a 2xx whose object has an `error`, or says `"success": false`, is an error.
    *about_tokens* is added to what a 401 says.
    """

    refused: frozenset[int] = frozenset({400, 413, 422})
    error_in_success: bool = False
    about_tokens: str = ""


STANDARD: Final = Conventions()
"""What most services do."""
