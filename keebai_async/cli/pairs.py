"""`name=value` on the command line. Pure."""

from collections.abc import Iterable

from keebai_async.errors import InvalidInput


def pairs(given: Iterable[str], *, option: str) -> dict[str, str]:
    """Read repeated `name=value` options; the value may hold further equals signs.

    Raises:
        InvalidInput: one has no equals sign or no name, or a name is given twice.
    """
    read: dict[str, str] = {}
    for word in given:
        name, sign, value = word.partition("=")
        name = name.strip()
        if not sign or not name:
            raise InvalidInput(f"write it as NAME=VALUE, not {word!r}", field=option)
        if name in read:
            raise InvalidInput(f"{name!r} is given twice", field=option)
        read[name] = value
    return read
