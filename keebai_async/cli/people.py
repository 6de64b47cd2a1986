"""The people of a campaign's chunks in one state, as a file."""

import enum
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import msgspec

from keebai_async.cli.csv_files import private_csv
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.recipient import Recipient

_ITEMS = msgspec.json.Decoder(list[Recipient])


class Group(enum.Enum):
    """People by what became of them. A chunk that is on its way has no answer yet."""

    REFUSED = frozenset({ChunkState.REFUSED})
    UNKNOWN = frozenset({ChunkState.UNKNOWN, ChunkState.SUBMITTING})
    UNSENT = frozenset({ChunkState.PLANNED})


async def write_people(path: Path, chunks: Callable[[], AsyncIterator[tuple[Chunk, bytes]]]) -> int:
    """Write everyone in *chunks*, with chunk, reason, variables and meta data; say how many.

    *chunks* gives each chunk with the JSON array of its people. It is called twice: once to learn the
    columns, once for the rows.

    Raises:
        InvalidInput: the file cannot be written there.
    """
    variables: dict[str, None] = {}
    meta: dict[str, None] = {}
    async for _, items in chunks():
        for person in _ITEMS.decode(items):
            variables.update(dict.fromkeys(person.variables))
            meta.update(dict.fromkeys(person.meta_data))
    count = 0
    with private_csv(path) as write:
        write(["to", *variables, *(f"meta_{name}" for name in meta), "chunk", "reason"])
        async for chunk, items in chunks():
            for person in _ITEMS.decode(items):
                write([*_cells(person, variables, meta), str(chunk.number), chunk.reason or ""])
                count += 1
    return count


def _cells(person: Recipient, variables: dict[str, None], meta: dict[str, None]) -> list[str]:
    return [
        person.to,
        *(person.variables.get(name, "") for name in variables),
        *(_text(person.meta_data.get(name, "")) for name in meta),
    ]


def _text(value: object) -> str:
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
