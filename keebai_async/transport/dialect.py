"""Where services differ in what their replies mean, as data. What is not here is the same for all."""

from typing import Final

import msgspec


class ServiceDialect(msgspec.Struct, frozen=True, kw_only=True):
    """How one service answers. Each service's own is in its `settings.py`.

    *refused* are the statuses that say: certainly not accepted, and this request never will be.
    *perhaps_sent* are codes of errors that mean the opposite: the message may have gone all the same.
    *error_in_success*: a 2xx whose object has an `error`, or says `"success": false`, is an error.
    *fields* are the names of a request's fields, with which the message of an error may begin.
    *people* is the field with the list of people, whose items an error may name by index.
    *about_tokens* is added to what a 401 says.
    """

    refused: frozenset[int] = frozenset({400, 413, 422})
    perhaps_sent: frozenset[str] = frozenset()
    error_in_success: bool = False
    fields: frozenset[str] = frozenset()
    people: str = ""
    about_tokens: str = ""


STANDARD: Final = ServiceDialect()
"""What most services do."""
