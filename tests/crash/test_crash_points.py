"""Killed at each point where something is about to be lost, a campaign continues from the truth."""

from pathlib import Path

import pytest

from keebai_async.model.chunk import ChunkState
from keebai_async.sandbox import faults
from tests.crash.nursery import Nursery
from tests.crash.world import BULK, lose_replies, take_time, world

POINTS = [
    ("before add_chunk", 7),
    ("after add_chunk", 7),
    ("before freeze", 1),
    ("inside freeze", 1),
    ("after freeze", 1),
    ("after running", 1),
    ("leased", 1),
    ("before a place", 20),
    ("before submit", 9),
    ("inside submit", 9),
    ("after submit", 1),
    ("after submit", 9),
    ("under way", 9),
    ("verdict seen", 9),
    ("before accept", 9),
    ("inside accept", 9),
    ("after accept", 9),
    ("before lose", 1),
    ("inside lose", 1),
    ("after lose", 1),
    ("before recut", 1),
    ("inside refuse", 1),
    ("inside handon", 1),
    ("after recut", 1),
    ("before progress", 1),
    ("after progress", 1),
    ("before progress", 9),
    ("after progress", 9),
    ("before stopped", 1),
    ("after stopped", 1),
    ("released", 1),
]


@pytest.mark.parametrize(("point", "nth"), POINTS)
async def test_a_campaign_that_is_killed_here_ends_with_everyone_accounted_for(
    nursery: Nursery, path: Path, point: str, nth: int
) -> None:
    async with world(nursery, path) as here:
        lose_replies(here, 6, 17)
        take_time(here)

        killed = await here.live(point=point, nth=nth)

        assert killed.killed, "the point was not reached"
        await here.end()
        await here.settle()


@pytest.mark.parametrize("point", ["before takeback", "inside takeback", "after takeback"])
async def test_a_chunk_that_was_not_accepted_is_sent_again_only_if_that_was_written_down(
    nursery: Nursery, path: Path, point: str
) -> None:
    async with world(nursery, path) as here:
        here.sandbox.faults.on(BULK, faults.Status(status=429, accepted=False), nth=5)
        take_time(here)

        killed = await here.live(point=point)

        assert killed.killed
        await here.end()
        await here.settle()


@pytest.mark.parametrize("point", ["before recover", "inside lose", "after recover", "before running"])
async def test_killed_while_it_recovers_from_a_kill_it_recovers_the_next_time(
    nursery: Nursery, path: Path, point: str
) -> None:
    async with world(nursery, path) as here:
        take_time(here)
        assert (await here.live(point="under way", nth=9)).killed
        assert here.on_their_way

        assert (await here.live(point=point)).killed

        account = await here.end()
        assert {chunk.number for chunk in account.chunks(ChunkState.UNKNOWN)} == here.on_their_way
        await here.settle()


@pytest.mark.parametrize(("point", "nth"), [("migrating", 1), ("migrating", 2), ("migrated", 1)])
async def test_killed_while_the_journal_becomes_a_newer_one_it_is_the_old_one(
    nursery: Nursery, path: Path, point: str, nth: int
) -> None:
    async with world(nursery, path) as here:
        take_time(here)
        assert (await here.live(point="after accept", nth=9)).killed

        assert (await here.live(point=point, nth=nth)).killed

        await here.end()
        await here.settle()
