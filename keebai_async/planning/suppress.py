"""Who is not to be messaged: numbers and files of numbers, compared by identity key."""

import os
from collections.abc import Iterable, Sequence
from contextlib import aclosing
from functools import partial

import anyio.lowlevel

from keebai_async.errors import InvalidInput, UnusableSource
from keebai_async.model.limits import E164
from keebai_async.planning.identity import identities_if_e164, identity
from keebai_async.planning.phone import PhoneNumber, read_number
from keebai_async.sources.compressed import open_plain
from keebai_async.sources.delimited import DELIMITERS, Delimited
from keebai_async.sources.pieces import pieces, text_of

SuppressList = str | os.PathLike[str] | Iterable[str]
"""A number in E.164, the path of a file of numbers, or numbers."""


async def suppressed_keys(lists: Iterable[SuppressList], region: str | None = None) -> set[int]:
    """The keys of everybody in *lists*: paths to files with one number a line, or a CSV with `to`.

    A number that is not E.164 is read as those of the campaign are. One that cannot be read stops
    everything: the person who asked not to be messaged must not be messaged because of a typo.

    Raises:
        UnusableSource: a file cannot be read.
        InvalidInput: a number cannot be read; says where.
    """
    keys: set[int] = set()
    for each in lists:
        if isinstance(each, str) and E164.fullmatch(each):
            keys.add(identity(each))
        elif isinstance(each, str | os.PathLike):
            await _read(os.fspath(each), region, keys)
        else:
            for place, number in enumerate(each, start=1):
                keys.add(_key(number, region, f"number {place} to suppress", place))
    return keys


async def _read(path: str, region: str | None, keys: set[int]) -> None:
    is_table: bool | None = None
    async with aclosing(pieces(partial(open_plain, path), path)) as cut:
        async for piece in cut:
            lines = [each.strip() for each in text_of(piece.data, path, piece.first).splitlines()]
            if is_table is None:
                first = next(filter(None, lines), "")
                is_table = first == "to" or any(map(first.__contains__, DELIMITERS))
            if is_table:
                break
            _add(lines, range(piece.first, piece.first + len(lines)), path, region, keys)
            await anyio.lowlevel.checkpoint()
    if is_table:
        await _read_table(path, region, keys)


async def _read_table(path: str, region: str | None, keys: set[int]) -> None:
    async with aclosing(Delimited(partial(open_plain, path), path, columns={}).blocks()) as blocks:
        async for block in blocks:
            if "to" not in block.header:
                raise UnusableSource(
                    f"{path} has no column 'to' with the numbers to suppress; its columns are:"
                    f" {', '.join(block.header)}"
                )
            at = block.header.index("to")
            numbers = [number.strip() for number in block.column(at)]
            _add(numbers, block.numbers, path, region, keys)
            await anyio.lowlevel.checkpoint()


def _add(numbers: Sequence[str], lines: Sequence[int], path: str, region: str | None, keys: set[int]) -> None:
    found = identities_if_e164(numbers)
    if found is None:
        numbered = zip(numbers, lines, strict=True)
        found = [_key(number, region, f"{path}, line {line}", line) for number, line in numbered if number]
    keys.update(found)


def _key(number: str, region: str | None, where: str, row: int) -> int:
    found = read_number(str(number), region)
    if isinstance(found, PhoneNumber):
        return identity(found.e164)
    raise InvalidInput(
        f"{where}: not a number in E.164, such as +5491155555555: fix it; nobody is messaged before that",
        field="suppress",
        row=row,
    )
