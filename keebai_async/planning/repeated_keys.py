"""A key that one JSON object has twice: which of its values is meant is not ours to choose.

Every decoder takes the last and says nothing. To look at the keys of each line would cost more than to
decode it. But every key has a colon behind it, so a block with as many colons as its rows have keys, once
decoded, has none twice. Colons in values are counted, too. Where the numbers differ, each line is looked at.
"""

import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Final

import msgspec

_ESCAPED_COLON: Final = b"\\u003"


def certainly_once(
    data: bytes, keys: int, values: Iterable[Collection[object]] = (), metas: Sequence[msgspec.Raw] = ()
) -> bool:
    """Whether no key is twice in lines of which so many *keys* were decoded; no to be looked at closer.

    *values* are what was decoded behind the keys, *metas* parts of the lines whose own keys are not among
    them: objects in which something is, or nothing at all.
    """
    more = data.count(b":") - keys
    if more == 0:
        return True
    if b"\\" in data and _ESCAPED_COLON in data:
        return False  # it would be one in the value alone
    if metas:
        objects = list(filter(None, metas))
        inside = b",".join(objects)
        colons = inside.count(b":")
        if colons > len(objects) and not _as_many_again(inside, colons):
            return False
        more -= colons
    if more > 0:
        more -= _joined(values).count(":")
    return more == 0


def _as_many_again(objects: bytes, colons: int) -> bool:
    """Whether JSON has so many *colons* still when it was read and written: a key that is twice is lost."""
    return msgspec.json.encode(msgspec.json.decode(b"[%b]" % objects)).count(b":") == colons


def _joined(values: Iterable[Collection[object]]) -> str:
    """All texts among *values*."""
    columns = list(values)
    try:
        return "\0".join(map("\0".join, columns))  # type: ignore[arg-type]  # they mostly are
    except TypeError:
        return "\0".join(value for column in columns for value in column if isinstance(value, str))


def key_twice(line: bytes) -> str | None:
    """A key that an object in a line of JSON has twice, however deep it lies."""
    try:
        return next(_twice(_PAIRS.decode(line.decode())), None)
    except (ValueError, RecursionError):
        return None


class _Pairs(list[tuple[str, object]]):
    """The keys and values of an object as they are written."""


def _twice(value: object) -> Iterator[str]:
    """The keys that are not for the first time in their object."""
    if isinstance(value, _Pairs):
        names = [name for name, _ in value]
        if len(set(names)) < len(names):
            yield next(name for place, name in enumerate(names) if name in names[:place])
        value = [each for _, each in value]
    if isinstance(value, list):
        for each in value:
            if isinstance(each, list):
                yield from _twice(each)


_PAIRS: Final = json.JSONDecoder(object_pairs_hook=_Pairs, parse_int=str, parse_float=str)
