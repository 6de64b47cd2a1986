"""JSON Lines of one shape, as columns, without decoding them. Pure.

Most lists have the same keys in the same order in every line, and nothing but text behind them. To decode
such a line makes six objects, of which the texts are taken out again to be looked at together. But a block of
such lines is only text with the same signs around it, again and again. So the first line is decoded, which
shows the signs; the block is split where a key meets its text; and what stands behind each text is taken off.

That every line is like the first is seen in what comes out. The signs that were taken off and the texts that
are left make up the whole block, to the last character: there is nothing else in it. And no text has a quote,
a backslash or a control character, so none ends anywhere else. Where that is not so, the answer is none, and
the decoder does it.
"""

from collections.abc import Sequence
from itertools import pairwise, repeat
from typing import Final, NamedTuple

import msgspec

from keebai_async.planning.column_json import has_signs

TextPath = tuple[str, ...]
"""The keys that lead to a text: its own; or that of an object, and its own in it."""

_LINE_OF_TEXTS: Final = msgspec.json.Decoder(dict[str, str | dict[str, str]])


class Texts(NamedTuple):
    """A column for each of the paths of a shape; and each of these *joined*, with blanks between."""

    columns: Sequence[Sequence[str]]
    joined: Sequence[str]


class LineShape:
    """What stands around the texts of a line, which are under *paths*, in this order.

    *between* stands between a key and its text, *around* before the first of these, behind each text up to
    the next, and behind the last one.
    """

    def __init__(self, paths: Sequence[TextPath], between: str, around: Sequence[str]) -> None:
        self.paths = paths
        self._between = between
        self._begin, *behind = around
        self._behind = [*behind[:-1], f"{behind[-1]}\n{self._begin}"]
        self._size = len(paths) * len(between) + sum(map(len, self._behind))
        """Characters of a line that are in no text."""

    def is_like(self, other: "LineShape") -> bool:
        """Whether the lines of *other* are of this shape."""
        return (self._between, self._begin, self._behind) == (other._between, other._begin, other._behind)

    def texts(self, data: bytes, count: int) -> Texts | None:
        """Those of *count* lines; None if one of these may have another shape."""
        try:
            text = data.decode()
        except UnicodeDecodeError:
            return None
        if not text.endswith("\n"):
            text += "\n"
        # From the end it is faster, but takes a text that is a colon for a cut.
        parts = text.split(self._between)
        width = len(self.paths)
        if parts[0] != self._begin or len(parts) != count * width + 1:
            return None
        parts[-1] += self._begin  # as if another line came
        columns = [
            list(map(str.removesuffix, parts[place::width], repeat(behind)))
            for place, behind in enumerate(self._behind, start=1)
        ]
        joined = list(map(" ".join, columns))
        left = "".join(joined)
        blanks = width * (count - 1)
        if len(left) - blanks + count * self._size != len(text) or has_signs(left):
            return None
        return Texts(columns, joined)


def shape_of(line: bytes) -> LineShape | None:
    """The shape of a line of JSON; None if something in it is neither text nor an object of texts."""
    try:
        fields = _LINE_OF_TEXTS.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None
    strings: list[str] = []
    paths: list[TextPath] = []
    ends: list[int] = []
    """How many strings there are up to each text, and with it."""
    for name, value in fields.items():
        texts = {(name,): value} if isinstance(value, str) else {(name, key): value[key] for key in value}
        strings += [] if isinstance(value, str) else [name]
        for path, text in texts.items():
            strings += [path[-1], text]
            ends.append(len(strings))
        paths += texts
    written = line.decode()
    parts = written.split('"')
    # So no key is twice, and nothing is written with a backslash.
    if parts[1::2] != strings or not paths or {} in fields.values():
        return None
    between, *others = {parts[2 * end - 2] for end in ends}
    if others:
        return None
    cuts = pairwise([*(2 * end for end in ends), len(parts) + 2])
    behind = ['"' + '"'.join(parts[start : end - 2]) for start, end in cuts]
    begin = '"'.join(parts[: 2 * ends[0] - 2])
    return LineShape(paths, f'"{between}"', [begin, *behind])
