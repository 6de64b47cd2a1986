"""Killed at any instant and opened again, a journal holds every move that it said it holds."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import pytest

from keebai_async.errors import CampaignBusy
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.chunk import ChunkState
from keebai_async.model.lifecycle import Move
from tests.journal.journal_kit import keep, people, plan_of

PROJECT = Path(__file__).parents[2]
CHUNKS = tuple(range(20, 420))


@contextmanager
def writer(path: Path, what: str) -> Iterator[subprocess.Popen[str]]:
    """A process that writes; killed at the end, if it was not before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.journal.crashing_writer", str(path), what],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


def killed_after(process: subprocess.Popen[str], lines: int, pause: float) -> list[str]:
    """Let it say *lines* lines and live *pause* seconds longer; gives every whole line that it said."""
    assert process.stdout is not None
    said = [process.stdout.readline() for _ in range(lines)]
    time.sleep(pause)  # not a wait for anything: the moment of the kill is what is tried out
    process.send_signal(signal.SIGKILL)
    said += process.stdout.readlines()
    assert process.wait() == -signal.SIGKILL
    return [line.strip() for line in said if line.endswith("\n")]


def kill_unburied(process: subprocess.Popen[str]) -> None:
    """Kill it, and leave the body where it is: its pid is still there."""
    process.send_signal(signal.SIGKILL)
    os.waitid(os.P_PID, process.pid, os.WEXITED | os.WNOWAIT)


@pytest.mark.parametrize("seed", range(5))
async def test_every_move_that_was_told_survives_a_kill(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    journal = SqliteJournal(path)
    await keep(journal, plan_of(chunks=CHUNKS))
    if seed % 2:
        await journal.aclose()  # else it stays open, and the log beside the file is never folded in
    told: list[Move] = []

    for _ in range(3):
        with writer(path, "live") as process:
            said = killed_after(process, chance.randint(1, 60), chance.random() * 0.05)
        told += [msgspec.json.decode(line, type=Move) for line in said if line != "leased"]

    reader = SqliteJournal(path)
    started = await reader.load("promo")  # checks that each chunk is where its moves lead
    kept = set(await reader.moves("promo"))
    assert kept.issuperset(told)
    assert len(told) > 3
    assert sum(chunk.recipients for chunk in started.chunks) == started.plan.ready
    for chunk in started.chunks:
        if chunk.parent is None and chunk.state is not ChunkState.REFUSED:
            assert await reader.items("promo", chunk.number) == people(chunk.number, chunk.recipients)
    assert started.holder is None
    await reader.aclose()
    await journal.aclose()


@pytest.mark.parametrize("seed", range(3))
async def test_every_plan_that_was_frozen_survives_and_half_a_plan_is_swept(path: Path, seed: int) -> None:
    chance = random.Random(seed)
    with writer(path, "plan") as process:
        told = killed_after(process, chance.randint(1, 40), chance.random() * 0.02)

    journal = SqliteJournal(path)
    kept = [each.plan.campaign_id for each in await journal.campaigns()]
    assert set(kept) >= set(told)
    assert len(kept) <= len(told) + 1
    for number in (1, 2, 3):
        size = (40, 30, 20)[number - 1]
        assert await journal.items(told[-1], number) == people(number, size, told[-1])
    # The name of the plan that was in the making is free again.
    await keep(journal, plan_of(f"plan-{len(kept) + 1}"))
    await journal.aclose()


async def test_a_second_process_is_told_who_runs_it_and_takes_over_when_that_one_dies(path: Path) -> None:
    journal = SqliteJournal(path)
    await keep(journal, plan_of(chunks=CHUNKS))

    with writer(path, "live") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "leased\n"
        with pytest.raises(CampaignBusy, match=f"run by process {process.pid} on "):
            async with journal.lease("promo"):
                pytest.fail("two processes run it")
        holder = (await journal.load("promo")).holder
        assert holder is not None
        assert holder.pid == process.pid
        kill_unburied(process)
        async with journal.lease("promo"):
            await journal.recover("promo")

    states = {chunk.state for chunk in (await journal.load("promo")).chunks}
    assert ChunkState.SUBMITTING not in states
    await journal.aclose()
