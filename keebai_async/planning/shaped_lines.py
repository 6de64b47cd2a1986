"""JSON Lines of one shape as candidates: the fast path of most lists.

Which text of a line is a number, a variable or `meta_data` is asked once, of the shape. People of whom the
list has the JSON that we would write ourselves are not written again.
"""

from collections.abc import Sequence
from typing import NamedTuple

from keebai_async.model.own_columns import REASON
from keebai_async.planning.candidates import Candidates, Joined
from keebai_async.planning.codec import MetaColumns, WrittenPeople
from keebai_async.planning.consent import may_say_who_wants_none
from keebai_async.planning.line_shape import LineShape, TextPath, Texts, shape_of
from keebai_async.planning.rows import META, ListContext, ListNames
from keebai_async.sources.block import LineBlock


class ShapedLines:
    """The blocks of one list, of which all lines have one shape."""

    def __init__(self, context: ListContext) -> None:
        self._context = context
        self._shape: LineShape | None = None
        """The one that was met last, whether its lines are right or not."""
        self._learnt: _Learnt | None = None
        """What is known of its lines, if they are right."""

    def candidates(self, block: LineBlock) -> Candidates | None:
        """All lines of *block*; None if they are not certainly of one shape, and of a right one."""
        texts = self._texts(block)
        if texts is None and self._learn(block.data.partition(b"\n")[0]):
            texts = self._texts(block)
        if texts is None or self._learnt is None:
            return None
        meaning = self._learnt.meaning
        for name, place in meaning.unused.items():
            if may_say_who_wants_none(name):
                column = texts.columns[place]
                self._context.consent.meet(name, column, range(len(column)))
        found = _candidates(texts, meaning)
        if self._learnt.as_we_write:
            found.written = WrittenPeople(block)
        return found

    def _texts(self, block: LineBlock) -> Texts | None:
        if self._shape is None or self._learnt is None:
            return None
        return self._shape.texts(block.data, block.count)

    def _learn(self, line: bytes) -> bool:
        """Learn the shape of a *line*. Says whether it is a right one, and another."""
        shape = shape_of(line)
        if shape is None or (self._shape is not None and self._shape.is_like(shape)):
            return False
        context = self._context
        self._shape, self._learnt = shape, None
        meaning = _meaning(shape.paths, context.names, context.codec.names)
        texts = shape.texts(line, 1)
        if meaning is None or texts is None:
            return False
        as_we_write = context.codec.encode(_candidates(texts, meaning).people(context.codec)) == line
        if meaning.as_it_is and not as_we_write:
            return False
        self._learnt = _Learnt(meaning, as_we_write)
        context.ignore(sorted(meaning.unused))
        return True


class _Meaning(NamedTuple):
    """The places of the texts of a line, by what they are; of *metas* and *unused* by name.

    *as_it_is*: there are `meta_data` that are sent as they are written.
    """

    to: int
    values: Sequence[int]
    metas: dict[str, int]
    unused: dict[str, int]
    as_it_is: bool = False


class _Learnt(NamedTuple):
    """What the lines of a shape mean, and whether they are the JSON that we would write."""

    meaning: _Meaning
    as_we_write: bool


def _meaning(paths: Sequence[TextPath], names: ListNames, variables: Sequence[str]) -> _Meaning | None:
    """What is under *paths*; None if something is missing or too much, or each row has to be looked at."""
    places = {path: place for place, path in enumerate(paths)}
    if any(len(path) > 1 for path in paths):
        return _of_service(places, names, variables)
    return _of_flat({path[0]: place for path, place in places.items()}, names, variables)


def _of_service(places: dict[TextPath, int], names: ListNames, variables: Sequence[str]) -> _Meaning | None:
    """Of lines in the service's own shape."""
    to = places.get((names.to,))
    values = [place for name in variables if (place := places.get((names.variables, name))) is not None]
    metas = {path[1]: place for path, place in places.items() if path[:-1] == (names.meta_data,)}
    if to is None or len(values) < len(variables) or len(places) > 1 + len(values) + len(metas):
        return None
    return _Meaning(to, values, metas, {}, as_it_is=bool(metas))


def _of_flat(places: dict[str, int], names: ListNames, variables: Sequence[str]) -> _Meaning | None:
    """Of lines that name their variables side by side."""
    if not names.known <= places.keys() or not places.keys().isdisjoint(
        {REASON, names.variables, names.meta_data}
    ):
        return None
    metas = {meta.removeprefix(META): places[meta] for meta in names.metas(places)}
    known = names.known.union(names.metas(places))
    unused = {name: place for name, place in places.items() if name not in known}
    return _Meaning(places[names.to], [places[names.of[name]] for name in variables], metas, unused)


def _candidates(texts: Texts, meaning: _Meaning) -> Candidates:
    """The rows of *texts*."""
    columns, joined = texts
    metas = MetaColumns(tuple(meaning.metas), [columns[place] for place in meaning.metas.values()])
    return Candidates(
        where=range(len(columns[0])),
        to=columns[meaning.to],
        values=[columns[place] for place in meaning.values],
        metas=metas if meaning.metas else None,
        joined=Joined(joined[meaning.to], [joined[place] for place in meaning.values]),
    )
