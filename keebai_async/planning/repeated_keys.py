"""A key that one JSON object has twice: which of its values is meant is not ours to choose.

Every decoder takes the last and says nothing. To look at the keys of each line would cost more than to
decode it. But every key has a colon behind it, so a block with as many colons as its rows have keys, once
decoded, has none twice. Colons in values are counted, too. Where the numbers differ, each line is looked at.
"""

import json
from collections.abc import Iterable
from typing import Final

from msgspec import Raw

_ESCAPED_COLON: Final = b"\\u003"


def certainly_once(
    data: bytes, keys: int, values: Iterable[Iterable[object]] = (), metas: Iterable[Raw] = ()
) -> bool:
    """Whether no key is twice in lines of which so many *keys* were decoded; no to be looked at closer.

    *values* are what was decoded behind the keys, *metas* parts of the lines whose own keys do not count.
    """
    more = data.count(b":") - keys
    if more == 0:
        return True
    more -= b"\0".join(metas).count(b":")
    if more > 0:
        more -= _joined(values).count(":")
    # An escaped colon would be one in the value alone.
    return more == 0 and not (b"\\" in data and _ESCAPED_COLON in data)


def _joined(values: Iterable[Iterable[object]]) -> str:
    """All texts among *values*."""
    columns = list(map(list, values))
    try:
        return "\0".join(map("\0".join, columns))  # type: ignore[arg-type]  # they mostly are
    except TypeError:
        return "\0".join(value for column in columns for value in column if isinstance(value, str))


def key_twice(line: bytes, nested: str) -> str | None:
    """A key that the object in a line of JSON has twice, in itself or in its object *nested*."""
    try:
        top = _PAIRS.decode(line.decode())
    except (ValueError, RecursionError):
        return None
    if not isinstance(top, _Pairs):
        return None
    twice = top.twice()
    inner = next((value for name, value in reversed(top) if name == nested), None)
    return twice if twice is not None or not isinstance(inner, _Pairs) else inner.twice()


class _Pairs(list[tuple[str, object]]):
    """The keys and values of an object as they are written."""

    def twice(self) -> str | None:
        names = [name for name, _ in self]
        return next((name for place, name in enumerate(names) if name in names[:place]), None)


_PAIRS: Final = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
