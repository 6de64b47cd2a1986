"""Rows that a program gives: dicts, Recipients, and what else has names and a value for each."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol, runtime_checkable

from keebai_async.model.own_columns import REASON
from keebai_async.model.recipient import Reason, Recipient
from keebai_async.planning.candidates import NOBODY, Candidates
from keebai_async.planning.dict_columns import DictColumns, Item
from keebai_async.planning.narrowing import picked
from keebai_async.planning.own_rows import as_table, no_text, still_out
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rendering import rendered, rendered_meta, shown, shown_value, writable
from keebai_async.planning.rows import META, ListContext, ListNames, NotText, ParsedRow
from keebai_async.planning.rows_table import check_header
from keebai_async.sources.block import ObjectBlock


@runtime_checkable
class Keyed(Protocol):
    """What `dict` can be made of: names, and a value for each."""

    def keys(self) -> Iterable[str]: ...

    def __getitem__(self, name: str, /) -> object: ...


@runtime_checkable
class NamedRow(Protocol):
    """A named tuple, such as a row of SQLAlchemy or of psycopg."""

    def _asdict(self) -> dict[str, object]: ...


class ObjectList:
    """The blocks of one list that a program has."""

    def __init__(self, context: ListContext) -> None:
        self._names = context.names
        self._columns = DictColumns(context)
        self._context = context
        self._header: Sequence[str] = ()

    def rows(self, block: ObjectBlock) -> "ObjectRows":
        """Raises TemplateUnusable or UnusableSource unless a header has a column for all we need."""
        if block.header and block.header is not self._header:
            self._names.find(block.header)
            if {self._names.variables, self._names.meta_data}.isdisjoint(block.header):
                check_header(block.header, self._context, first_row=False)
            self._header = block.header
        return ObjectRows(block, self._names, self._columns)


class ObjectRows:
    """The items of one block, each of them a row."""

    def __init__(self, block: ObjectBlock, names: ListNames, columns: DictColumns) -> None:
        self.names = names
        self.nested = (names.variables, names.meta_data)
        self.numbers = range(block.first, block.first + len(block.items))
        self._items = block.items
        self._columns = columns

    def candidates(self) -> Candidates:
        """The fast path: of dicts, Recipients, and what else a dict can be made of."""
        items = self._items
        where: Sequence[int] = range(len(items))
        if set(map(type, items)) != {dict}:
            fields = [as_fields(item, self.names) for item in items]
            where = [place for place in where if fields[place] is not None]
            items = picked(fields, where)
        if not where:
            return NOBODY
        dicts: Sequence[Item] = items  # type: ignore[assignment]  # we have just looked
        return self._columns.of_dicts(dicts, where)

    def parse(self, position: int) -> ParsedRow | Problem:
        """The slow path: one item taken apart."""
        return from_object(self._items[position], self.names)

    def original(self, position: int) -> dict[str, str]:
        """One item, for a person to look at."""
        fields = as_fields(self._items[position], self.names)
        return {"row": str(self._items[position])} if fields is None else shown(fields)

    def fixable(self, position: int, original: dict[str, str]) -> dict[str, str]:
        """One item as a flat row with a text for each name."""
        fields = as_fields(self._items[position], self.names)
        if fields is None:
            return self.names.with_all(original)
        named = {str(name): value for name, value in fields.items()}
        row = as_table(named, self.names, items=_inside, text=_cell)
        return original if row == original else row


def _inside(value: object) -> Mapping[str, object] | None:
    return {str(name): each for name, each in value.items()} if isinstance(value, Mapping) else None


def _cell(value: object, asked: bool) -> str | None:
    text = rendered(value)
    if isinstance(text, NotText):
        return no_text(shown_value(value)) if asked or not writable(value) else shown_value(value)
    return text


def as_fields(item: object, names: ListNames) -> dict[str, object] | None:
    """A row that a program gave, as a dict; None if it is nothing of the kind."""
    if isinstance(item, dict):
        return item if type(item) is dict else dict(item)  # a defaultdict grows when it is asked
    if isinstance(item, Recipient):
        return {names.to: item.to, names.variables: item.variables, names.meta_data: item.meta_data}
    if isinstance(item, NamedRow):
        return item._asdict()
    # A row of SQLite or asyncpg has names and is no Mapping.
    return dict(item) if isinstance(item, Keyed) else None


def from_object(item: object, names: ListNames) -> ParsedRow | Problem:
    """Read one dict, other mapping, or Recipient."""
    own = as_fields(item, names)
    if own is None:
        return Problem(Reason.BAD_ROW, f"a row is a dict or a Recipient, not a {type(item).__name__}")
    fields = {str(name): value for name, value in own.items()}
    variables, meta_data = fields.get(names.variables), fields.get(names.meta_data)
    if isinstance(variables, Mapping) or isinstance(meta_data, Mapping):
        if not isinstance(variables, Mapping | None):
            return Problem(
                Reason.BAD_ROW, "variables is not a dict: give one, with a text for each", names.variables
            )
        return ParsedRow(
            to=rendered(fields.get(names.to)),
            values={str(name): rendered(value) for name, value in (variables or {}).items()},
            meta_data=rendered_meta(meta_data),
            ignored=tuple(sorted(fields.keys() - names.service)),
        )
    if fields.get(REASON) and (out := still_out(as_table(fields, names, items=_inside, text=_cell), names)):
        return out
    if meta_data is None:
        fields.pop(names.meta_data, None)  # none of its own, and no column that is called so
    metas = names.metas(fields)
    return ParsedRow(
        to=rendered(fields.get(names.to)),
        values={name: rendered(fields[own]) for name, own in names.of.items() if own in fields},
        meta_data=rendered_meta({name.removeprefix(META): fields[name] for name in metas}),
        ignored=tuple(sorted(fields.keys() - names.known - set(metas))),
    )
