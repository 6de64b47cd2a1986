"""Who is not to be messaged: numbers and files of numbers, compared by identity key.

A list of opt-outs comes as it was kept: a column of a spreadsheet, a chat that was copied, numbers with notes
beside them. What we do not find in it is a person who said no and is messaged. So every row that is not empty
gives a number or stops the plan; what a file's rows are, `suppress_files.py` says, and which numbers are in
one, `suppress_row.py`.
"""

import os
from collections.abc import Iterable, Sequence

import msgspec

from keebai_async.model.identity import identity
from keebai_async.model.limits import E164
from keebai_async.model.plan import SuppressListCount
from keebai_async.planning.key_set import KeySet, no_keys
from keebai_async.planning.phone import NumberReader
from keebai_async.planning.suppress_files import read_file
from keebai_async.planning.suppress_row import numbers_in, unreadable
from keebai_async.sources.loop_turns import next_turn

SuppressList = str | os.PathLike[str] | Iterable[str]
"""A number in E.164, the path of a file of numbers, or numbers."""

NUMBERS_IN_A_TURN = 500
"""Numbers of a program's list that are read before the event loop has its turn."""


class SuppressedPeople(msgspec.Struct):
    """The identity keys of the people on one list, its name, and what there is to say of it."""

    name: str
    keys: KeySet
    header_line: int = 0
    notes: Sequence[str] = ()

    def counted(self, in_list: int) -> SuppressListCount:
        """How many it holds, of whom *in_list* are in the campaign's list."""
        return SuppressListCount(
            name=self.name,
            numbers=len(self.keys),
            in_list=in_list,
            header_line=self.header_line,
        )


async def suppressed_people(
    lists: Iterable[SuppressList], reader: NumberReader | None = None
) -> list[SuppressedPeople]:
    """The people of each of *lists*: paths of files, and what else was given taken together.

    A number that is not E.164 is read as those of the campaign are, by *reader*. A row without a number that
    can be read stops everything: who asked not to be messaged must not be messaged because of a typo.

    Raises:
        UnusableSource: a file cannot be read.
        InvalidInput: a row holds no number that can be read; says where.
    """
    reader = reader or NumberReader()
    given = await no_keys()
    found: list[SuppressedPeople] = []
    any_given = False
    for each in lists:
        if isinstance(each, str) and E164.fullmatch(each):
            any_given = True
            given.update(_keys(each, reader, "a number to suppress", 0))
        elif isinstance(each, str | os.PathLike):
            path = os.fspath(each)
            keys = await no_keys()
            read = await read_file(path, reader, keys)
            found.append(SuppressedPeople(os.path.basename(path), keys, *read))  # noqa: PTH119
        else:
            any_given = True
            for place, number in enumerate(each, start=1):
                given.update(_keys(str(number), reader, f"number {place} to suppress", place))
                if place % NUMBERS_IN_A_TURN == 0:
                    await next_turn()
    return [*found, SuppressedPeople("the numbers given to suppress", given)] if any_given else found


def _keys(number: str, reader: NumberReader, where: str, place: int) -> list[int]:
    numbers = numbers_in([number], reader)
    if not numbers:
        raise unreadable(where, place)
    return [identity(each) for each in numbers]
