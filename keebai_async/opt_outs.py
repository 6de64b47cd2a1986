"""`keebai.opt_outs`: who wants no more, whatever campaign: look, add, remove, import."""

import os
from collections.abc import AsyncIterator, Callable, Iterable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Literal

import anyio.lowlevel

from keebai_async.clock import Clock
from keebai_async.errors import InvalidInput, OptedOut
from keebai_async.journal.contract import Journal
from keebai_async.lazy_names import LazyModule
from keebai_async.model.identity import identity
from keebai_async.model.limits import E164
from keebai_async.model.opt_outs import ConsentWord, OptOut, OptOutSource, page_of
from keebai_async.model.result import Result
from keebai_async.privacy import mask

if TYPE_CHECKING:
    import keebai_async.planning.opt_outs as reading
    import keebai_async.planning.phone as phones
    import keebai_async.planning.suppress as suppressing
    import keebai_async.planning.suppress_row as suppress_row
else:  # too dear to import for a single message
    reading = LazyModule("keebai_async.planning.opt_outs")
    phones = LazyModule("keebai_async.planning.phone")
    suppressing = LazyModule("keebai_async.planning.suppress")
    suppress_row = LazyModule("keebai_async.planning.suppress_row")

_Words = list[ConsentWord]
_Keys = list[int]
_KEYS_IN_A_TURN = 1_000
_WORDS_IN_A_STEP = 10_000


class ImportedOptOuts(Result, frozen=True, kw_only=True):
    """How many *people* a file held, and how many of them are *new* among the opt-outs."""

    people: int
    new: int


async def _people(
    lists: "Iterable[suppressing.SuppressList]", reader: "phones.NumberReader | None" = None
) -> "list[suppressing.SuppressedPeople]":
    """The people of *lists*, which are read as a plan reads those who must get nothing.

    Raises what that raises, in words for where nobody is to be messaged.
    """
    try:
        return await suppressing.suppressed_people(lists, reader)
    except InvalidInput as error:
        if error.field != "suppress":
            raise
        words = str(error).replace(suppress_row.NOBODY_BEFORE, "nothing was changed")
        raise InvalidInput(words.replace(" to suppress", ""), row=error.row) from error


class OptOuts:
    """The opt-outs in a client's journal. Made by `Keebai`, used as `keebai.opt_outs`.

    Every plan leaves these people out, and so does every run of a plan that was made before.
    """

    def __init__(self, journal: Callable[[], Journal], clock: Clock) -> None:
        self._journal = journal
        self._clock = clock

    async def list(self) -> AsyncIterator[OptOut]:
        """Everybody who wants no more, by the last digits of their numbers. Raises JournalUnusable."""
        async for each in reading.all_opted_out(self._journal()):
            yield each

    async def find(self, number: str) -> OptOut | None:
        """The person behind a number in E.164, in any spelling of it, if they want no more.

        Raises:
            InvalidInput: it is not in E.164.
            JournalUnusable: it cannot be read.
        """
        if not E164.fullmatch(number):
            raise InvalidInput(
                "the number is not in E.164: write a plus, the country code and the number, such as"
                " +5491155555555",
                field="to",
            )
        found = await self._journal().opted_out([identity(number)])
        return found[0] if found else None

    async def refuse(self, number: str) -> None:
        """Let nobody be sent to who opted out.

        Raises:
            OptedOut: the person behind the number wants no more.
            InvalidInput: it is not in E.164.
            JournalUnusable: it cannot be read.
        """
        if (found := await self.find(number)) is not None:
            since = datetime.fromtimestamp(found.since, UTC)
            raise OptedOut(
                f"{mask(number)} opted out on {since:%Y-%m-%d} ({found.source.value}): nothing was sent;"
                " say that opt-outs are to be ignored if this message must go out all the same",
                source=found.source.value,
                since=since,
            )

    async def add(self, *numbers: str) -> int:
        """Add people by hand, and say how many were not there. Only `remove` undoes it.

        Raises:
            InvalidInput: a number cannot be read; nobody was added.
            JournalUnusable: it cannot be kept.
        """
        return await self._write(numbers, stop=True)

    async def remove(self, *numbers: str) -> int:
        """Let people be messaged again, and say how many were there: they gave their consent again.

        What they say later counts; what they said before and is heard later does not.

        Raises:
            InvalidInput: a number cannot be read; nobody was removed.
            JournalUnusable: it cannot be kept.
        """
        return await self._write(numbers, stop=False)

    async def import_file(
        self,
        path: str | os.PathLike[str],
        *,
        default_region: str | None = None,
        numbers: Literal["region", "international"] = "region",
    ) -> ImportedOptOuts:
        """Add the people of a file, which is read as `--suppress` reads it; only `remove` undoes it.

        Ended in the middle, it is whole when it is made again.

        Raises:
            UnusableSource: the file cannot be read.
            InvalidInput: a row that is not empty holds no number that can be read; nobody was added.
            JournalUnusable: it cannot be kept.
        """
        reader = phones.NumberReader(default_region, international=numbers == "international")
        (people,) = await _people([os.fspath(path)], reader)
        words = self._words(people.keys, stop=True, source=OptOutSource.FILE)
        new = sum([await self._journal().say(part) async for part in words])
        return ImportedOptOuts(people=len(people.keys), new=new)

    async def _write(self, numbers: Iterable[str], *, stop: bool) -> int:
        (people,) = await _people([tuple(numbers)])
        words = self._words(people.keys, stop=stop, source=OptOutSource.HAND)
        return sum([await self._journal().say(part) async for part in words])

    async def _words(self, keys: Iterable[int], *, stop: bool, source: OptOutSource) -> AsyncIterator[_Words]:
        """A word for each of *keys*, some pages at a time."""
        pages: dict[int, _Keys] = {}
        for turn, key in enumerate(keys, start=1):
            pages.setdefault(page_of(key), []).append(key)
            if turn % _KEYS_IN_A_TURN == 0:
                await anyio.lowlevel.checkpoint()
        part: _Words = []
        at = self._clock.wall()
        for page in sorted(pages):
            part += [ConsentWord(key=key, stop=stop, source=source, at=at) for key in pages.pop(page)]
            if len(part) >= _WORDS_IN_A_STEP:
                yield part
                part = []
            await anyio.lowlevel.checkpoint()
        if part:
            yield part
