"""A process that lives chunks as fast as it can, and says each move once it is safe. It is killed by tests.

Usage: python crashing_writer.py PATH plan|live
"""

import sys

import anyio
import msgspec

from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Accept, Move, Refuse, Submit, TakeBack
from tests.journal.journal_kit import keep, people, plan_of


def say(words: str) -> None:
    sys.stdout.write(words + "\n")
    sys.stdout.flush()


async def live(journal: SqliteJournal) -> None:
    async with journal.lease("promo"):
        say("leased")
        await journal.recover("promo")
        while True:
            for chunk in (await journal.load("promo")).chunks:
                if chunk.state is ChunkState.PLANNED:
                    await submit(journal, chunk.number, chunk.step, chunk.recipients)


async def submit(journal: SqliteJournal, number: int, step: int, recipients: int) -> None:
    await told(journal, Submit(number=number, step=step + 1, at=1.0))
    if step < 6:
        await told(journal, TakeBack(number=number, step=step + 2, reason="429"))
    elif recipients % 2:
        await told(journal, Accept(number=number, step=step + 2, accepted=recipients, broadcast_id="b"))
    else:
        refusal = Refuse(number=number, step=step + 2, reason="400", recipients=1)
        part = recipients - 1
        await journal.recut("promo", [refusal], keep=b"[1]", children=[(part, people(number, part))])
        say(msgspec.json.encode(refusal).decode())


async def told(journal: SqliteJournal, move: Move) -> None:
    await journal.record("promo", move)
    say(msgspec.json.encode(move).decode())


async def plan(journal: SqliteJournal) -> None:
    number = 0
    while True:
        number += 1
        await keep(journal, plan_of(f"plan-{number}", chunks=(40, 30, 20)))
        say(f"plan-{number}")


async def main(path: str, what: str) -> None:
    await {"plan": plan, "live": live}[what](SqliteJournal(path))


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], sys.argv[2])
