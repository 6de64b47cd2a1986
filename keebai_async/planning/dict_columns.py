"""Dicts into columns, all of a block at once, in the service's own shape or flat.

This is the fast path of what a program gives, and of JSON Lines that had to be decoded loosely. A row that is
not right for certain is left out, for the slow path to look at; nothing is rejected here.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter

from keebai_async.model.own_columns import REASON
from keebai_async.planning.candidates import Candidates, all_text, texts_among
from keebai_async.planning.codec import NO_META, MetaColumns
from keebai_async.planning.consent import may_say_who_wants_none
from keebai_async.planning.narrowing import picked
from keebai_async.planning.rendering import rendered, shown_value
from keebai_async.planning.rows import META, ListContext

Item = Mapping[str, object]


class DictColumns:
    """Makes candidates of the dicts of one list. *where* are the positions of the dicts in their block."""

    def __init__(self, context: ListContext) -> None:
        self._context = context
        self._codec = context.codec
        self._names = context.names

    def of_dicts(self, items: Sequence[Item], where: Sequence[int]) -> Candidates:
        """The rows of dicts in the shape of the first of them."""
        service = self._names.variables in items[0] or self._names.meta_data in items[0]
        return (self._service if service else self.flat)(items, where)

    def _service(self, items: Sequence[Item], where: Sequence[int]) -> Candidates:
        names = self._names
        keys = set().union(*items)
        bad: set[int] = set()
        meta_data: Sequence[object] | None = None
        metas: MetaColumns | None = None
        if names.meta_data in keys:
            given = _under(names.meta_data, items)
            metas = self._columns_of(given)
            if metas is None:
                if not set(map(type, given)) <= {dict, type(None)}:
                    bad.update(place for place, meta in enumerate(given) if not isinstance(meta, dict | None))
                meta_data = self._written(given, bad)
        if not all_text(list(keys)):
            bad.update(place for place, item in enumerate(items) if not all_text(list(item)))
        to, variables = _under(names.to, items), _under(names.variables, items)
        found = self.of_variables(where, to, variables, meta_data, bad, metas=metas)
        if not keys <= names.service:
            known = set(found.where)
            taken = [item for item, at in zip(items, where, strict=True) if at in known]
            self._ignore(sorted(set().union(*taken) - names.service), taken, found.where)
        return found

    def of_variables(
        self,
        where: Sequence[int],
        to: Sequence[object],
        variables: Sequence[object],
        meta_data: Sequence[object] | None,
        bad: set[int],
        *,
        metas: MetaColumns | None = None,
    ) -> Candidates:
        """The rows whose variables are dicts of just what the template asks for; none at the places *bad*.

        Their `meta_data` are in *metas*, if they are columns of text.
        """
        count = len(self._codec.names)
        if set(map(type, variables)) != {dict} or set(map(len, variables)) != {count}:  # type: ignore[arg-type]
            # A dict of another type may act otherwise: one with defaults grows when it is asked.
            fits = [type(each) is dict and len(each) == count for each in variables]
            bad.update(place for place, fit in enumerate(fits) if not fit)
            variables = [each if fit else {} for each, fit in zip(variables, fits, strict=True)]
        dicts: Sequence[Item] = variables  # type: ignore[assignment]  # they are by now
        return texts_among(where, to, _columns(dicts, self._codec.names), meta_data, bad, metas=metas)

    def flat(self, items: Sequence[Item], where: Sequence[int]) -> Candidates:
        """The rows among *items* that name their variables side by side."""
        names = self._names
        keys = set().union(*items)
        if not all_text(list(keys)) or names.variables in keys or names.meta_data in keys:
            kept = [place for place, item in enumerate(items) if self._is_flat(item)]
            items, where = picked(items, kept), picked(where, kept)
            keys = set().union(*items)
        metas = names.metas(list(keys))
        bad: set[int] = set()
        if REASON in keys:  # of a file of ours: each row is looked at
            bad.update(place for place, item in enumerate(items) if item.get(REASON))
        columns = self._flat_columns(items, metas) if metas else None
        meta_data = self._written(self._flat_metas(items, metas), bad) if metas and not columns else None
        if len(keys) > len(names.known) + len(metas):
            unused = sorted(keys - names.known - set(metas))
            self._ignore(unused, items, where)
        to = _under(names.to, items)
        own = list(map(names.of.__getitem__, self._codec.names))
        return texts_among(where, to, _columns(items, own), meta_data, bad, metas=columns)

    def _ignore(self, unused: Sequence[str], items: Sequence[Item], where: Sequence[int]) -> None:
        """Nothing is done with what *items* have under *unused*."""
        self._context.ignore(unused)
        for name in filter(may_say_who_wants_none, unused):
            given = [item.get(name) for item in items]
            texts = ["" if value is None else shown_value(value) for value in given]
            self._context.consent.meet(name, texts, where)

    def _is_flat(self, item: Item) -> bool:
        return (
            all_text(list(item)) and self._names.variables not in item and self._names.meta_data not in item
        )

    def _columns_of(self, metas: Sequence[object]) -> MetaColumns | None:
        """Dicts of text that all have the same keys in the same order, as columns; None if they are not."""
        if set(map(type, metas)) != {dict}:
            return None
        dicts: Sequence[Item] = metas  # type: ignore[assignment]  # we have just looked
        names = tuple(dicts[0])
        alike = set(map(len, dicts)) == {1} if len(names) == 1 else set(map(tuple, dicts)) == {names}
        return self._texts(names, dicts, names) if alike and names else None

    def _flat_columns(self, items: Sequence[Item], metas: Sequence[str]) -> MetaColumns | None:
        """What *items* have under *metas*, as columns; None if some of it is no text, or not there."""
        return self._texts([meta.removeprefix(META) for meta in metas], items, metas)

    def _texts(self, names: Sequence[str], items: Sequence[Item], own: Sequence[str]) -> MetaColumns | None:
        """The texts of *items* under *own*, which are sent under *names*; None if one of them cannot be."""
        try:
            columns = [list(map(itemgetter(name), items)) for name in own]
        except KeyError:
            return None
        texts = [column for column in (names, *columns) if all_text(column)]
        if len(texts) <= len(columns):
            return None
        text = "".join(map("".join, texts))
        return (
            MetaColumns(tuple(names), texts[1:]) if text.isascii() or self._codec.writable([text]) else None
        )

    def _flat_metas(self, items: Sequence[Item], metas: Sequence[str]) -> Sequence[object]:
        names = [meta.removeprefix(META) for meta in metas]
        try:
            return self._codec.meta_rows(names, [list(map(itemgetter(meta), items)) for meta in metas])
        except KeyError:  # not every row has all of them
            named = list(zip(metas, names, strict=True))
            return [{name: item[meta] for meta, name in named if meta in item} for item in items]

    def _written(self, metas: Sequence[object], bad: set[int]) -> Sequence[object]:
        """*metas* without what is empty; adds to *bad* the places of what cannot be written as JSON."""
        if not self._codec.writable(metas):
            bad.update(place for place, meta in enumerate(metas) if not self._codec.writable([meta]))
        return metas if all(metas) else [meta or NO_META for meta in metas]


def _under(name: str, items: Iterable[Item]) -> Sequence[object]:
    """What each of *items* has under *name*; None where it has nothing."""
    try:
        return list(map(itemgetter(name), items))
    except KeyError:
        return [item.get(name) for item in items]


def _columns(items: Iterable[Item], names: Sequence[str]) -> list[Sequence[object]]:
    """A column for each of *names*: text where *items* have text, or what is rendered."""
    columns: list[Sequence[object]] = []
    for name in names:
        column = _under(name, items)
        columns.append(column if all_text(column) else list(map(rendered, column)))
    return columns
