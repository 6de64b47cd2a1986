"""Rows of a table: CSV, Parquet, Excel. A header names the columns; all cells are text.

A table has its structure once, in its header, so what is wrong with that stops the plan before a row is
read. After that a row can only be too short or too long.
"""

from collections.abc import Mapping, Sequence

from keebai_async.errors import TemplateUnusable, UnusableSource
from keebai_async.model.own_columns import OWN_COLUMNS, REASON
from keebai_async.model.recipient import Reason
from keebai_async.planning.candidates import NOBODY, Candidates
from keebai_async.planning.codec import MetaColumns
from keebai_async.planning.consent import may_say_who_wants_none
from keebai_async.planning.own_rows import LASTING, NO_TEXT, no_text, still_out
from keebai_async.planning.rejections import Problem
from keebai_async.planning.rendering import rendered_meta
from keebai_async.planning.rows import META, ListContext, ListNames, NotText, ParsedRow
from keebai_async.privacy import shown
from keebai_async.sources.block import TableBlock
from keebai_async.sources.header import for_numbers, holds_number, is_header_again, nearest


class TableList:
    """The blocks of one table; remembers for which header all is well."""

    def __init__(self, context: ListContext) -> None:
        self._context = context
        self._header: Sequence[str] = ()
        self._metas: Sequence[str] = ()
        self._of_consent: Sequence[int] = ()

    def rows(self, block: TableBlock) -> "TableRows":
        """Raises TemplateUnusable or UnusableSource unless the header has a column for all we need."""
        if block.header is not self._header:
            self._context.names.find(block.header)
            check_header(block.header, self._context)
            self._header = block.header
            names = self._context.names
            self._metas = names.metas(block.header)
            known = names.known.union(self._metas)
            unused = [name for name in block.header if name not in known and name not in OWN_COLUMNS]
            self._context.ignore(unused)
            self._of_consent = [block.header.index(name) for name in unused if may_say_who_wants_none(name)]
        for place in self._of_consent:
            column = block.column(place)
            self._context.consent.meet(block.header[place], column, range(len(column)))
        return TableRows(block, self._context, self._metas)


class TableRows:
    """The rows of one block of a table, of which the columns *metas* go to `meta_data`."""

    nested: tuple[str, ...] = ()

    def __init__(self, block: TableBlock, context: ListContext, metas: Sequence[str]) -> None:
        self.names = context.names
        self.numbers = block.numbers
        self._block = block
        self._codec = context.codec
        self._metas = metas
        self._where = context.description

    def candidates(self) -> Candidates:
        """The fast path: the columns of all rows that are as wide as the header."""
        where, columns = self._block.whole_rows()
        if not columns:
            return NOBODY
        header, names = self._block.header, self.names
        of = dict(zip(header, columns, strict=True))
        values = [of[names.of[name]] for name in self._codec.names]
        metas = self._meta_columns(of)
        found = Candidates(where, of[names.to], values, metas=metas, plain=self._block.plain)
        not_text = self._block.not_text
        out = {place for place, at in enumerate(where) if at in not_text} if not_text else set()
        return found.without(sorted(out | self._perhaps_out(of)))

    def parse(self, position: int) -> ParsedRow | Problem:
        """The slow path: one row taken apart.

        Raises UnusableSource if it is a header again: two files were joined, and what is below may be in
        another order.
        """
        header, cells = self._block.header, self._block.row(position)
        if is_header_again(header, cells, self.names.to):
            number = self._block.numbers[position]
            raise UnusableSource(
                f"{self._where}, row {number}: a second header. If two lists were joined, see that their"
                " columns are the same and in the same order, and remove this row",
                row=number,
            )
        fields = dict(zip(header, cells, strict=False))
        if REASON in fields and (out := still_out(fields, self.names)):
            return out
        row = from_cells(header, cells, self.names)
        if isinstance(row, ParsedRow) and REASON in fields and self._has_no_text(fields):
            row.meta_data = NotText("has a value that is to be written yet")
        if isinstance(row, ParsedRow) and (found := self._block.not_text.get(position)):
            self._mark(row, {self._block.header[place]: what for place, what in found.items()})
        return row

    def original(self, position: int) -> dict[str, str]:
        """One row by column, for a person to look at; with what is beyond the header."""
        header, cells = self._block.header, self._block.row(position)
        row = dict(zip(header, cells, strict=False))
        if len(cells) > len(header):
            row |= {f"column {at}": cells[at - 1] for at in range(len(header) + 1, len(cells) + 1)}
        return row

    def fixable(self, position: int, original: dict[str, str]) -> dict[str, str]:
        """One row with a cell under each name of the header."""
        header, not_text = self._block.header, self._block.not_text.get(position)
        if len(original) >= len(header) and not not_text:
            return original
        row = dict.fromkeys(header, "") | original
        for place, value in (not_text or {}).items():
            cell = row[header[place]]  # of a workbook it says the same as the value
            row[header[place]] = no_text(value.what if value.what in cell else cell)
        return row

    def _perhaps_out(self, of: Mapping[str, Sequence[str]]) -> set[int]:
        """The places of rows of a file of ours that may have to be left out again."""
        reasons = of.get(REASON)
        if reasons is None:
            return set()
        out = {place for place, reason in enumerate(reasons) if reason.strip() in LASTING}
        for meta in self._metas:
            out.update(place for place, cell in enumerate(of[meta]) if NO_TEXT.fullmatch(cell))
        return out

    def _has_no_text(self, fields: Mapping[str, str]) -> bool:
        return any(NO_TEXT.fullmatch(fields[meta]) for meta in self._metas)

    def _mark(self, row: ParsedRow, not_text: Mapping[str, NotText]) -> None:
        """Put into *row* what is no text, by column, where we need one."""
        names = self.names
        row.to = not_text.get(names.to, row.to)
        row.values.update((name, not_text[own]) for name, own in names.of.items() if own in not_text)
        if metas := names.metas(not_text):
            row.meta_data = NotText(f"{metas[0]} {not_text[metas[0]].what}")

    def _meta_columns(self, of: dict[str, Sequence[str]]) -> MetaColumns | None:
        if not self._metas:
            return None
        names = tuple([meta.removeprefix(META) for meta in self._metas])
        return MetaColumns(names, [of[meta] for meta in self._metas])


def check_header(header: Sequence[str], context: ListContext, *, first_row: bool = True) -> None:
    """Raises TemplateUnusable or UnusableSource unless a table's *header* has a column for all we need.

    It is the *first_row* of a file, or it is certain.
    """
    names, where = context.names, context.description
    absent = {field: own for field, own in {"to": names.to, **names.of}.items() if own not in header}
    if "to" in absent and holds_number(header):
        raise UnusableSource(
            f"{where} has no header: its first row holds a number. Write the names of the columns above it:"
            f" {', '.join(dict.fromkeys(absent.values()))}",
            field="to",
        )
    if not absent:
        return
    found = ", ".join(map(shown, header))  # where there is no header, these are the cells of a person
    free = [column for column in header if column not in names.known]
    say = " ".join(f"--column {_option(field, _like(field, own, free))}" for field, own in absent.items())
    if "to" in absent:
        raise UnusableSource(
            f"{where} has no column {names.to!r} for the numbers."
            f"{' Its header is taken to be the first row, with' if first_row else ' It has'}"
            f" the columns: {found}. Say which one it is: {say}",
            field="to",
        )
    template = context.codec.template.name
    asking = f"template {template!r}" if template else "the message"
    raise TemplateUnusable(
        f"{asking} asks for {', '.join(absent.values())}, but {where} has"
        f" no such column. Its columns are: {found}. Rename one, or say which it is: {say}",
        field=next(iter(absent.values())),
    )


def _like(field: str, own: str, free: Sequence[str]) -> str:
    """The column among *free* ones that may be meant."""
    of_numbers = next(filter(for_numbers, free), None) if field == "to" else None
    return of_numbers or nearest(own, free) or "NAME"


def _option(field: str, column: str) -> str:
    """What is typed behind `--column`."""
    return f'"{field}={column}"' if " " in column or " " in field else f"{field}={column}"


def from_cells(header: Sequence[str], cells: Sequence[str], names: ListNames) -> ParsedRow | Problem:
    """Read one row of a table."""
    if len(cells) != len(header):
        short = "short" if len(cells) < len(header) else "long"
        return Problem(
            Reason.BAD_ROW,
            f"the row is too {short}: it has {len(cells)} cells, the header has {len(header)};"
            " look for a delimiter or a quote that is missing, or one too many",
        )
    fields = dict(zip(header, cells, strict=True))
    return ParsedRow(
        to=fields.get(names.to),
        values={name: fields[own] for name, own in names.of.items() if own in fields},
        meta_data=rendered_meta({name.removeprefix(META): fields[name] for name in names.metas(fields)}),
    )
