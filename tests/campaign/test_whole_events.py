"""What a list over several senders tells: one stream of all its parts, in any process, from any place on."""

from contextlib import AsyncExitStack
from pathlib import Path

import anyio

from keebai_async.client import Keebai
from keebai_async.clock import Clock, ManualClock
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.campaign import CampaignState
from keebai_async.model.events import AnyEvent, ChunkAccepted, StateChanged, topic_of
from keebai_async.model.part import part_ids
from keebai_async.sandbox import Sandbox
from keebai_async.web import WebCampaigns
from tests.campaign.test_whole_run import FIVE, NORTH, NUMBERS, check, plan, world


async def another_process(stack: AsyncExitStack, sandbox: Sandbox, clock: Clock, path: Path) -> Keebai:
    """A client with an open journal of its own on the same file."""
    journal = SqliteJournal(path, clock=clock)
    stack.push_async_callback(journal.aclose)
    client = Keebai(
        NORTH.secret,
        base_url=sandbox.url,
        phone_number_id=NUMBERS[0].phone_number_id,
        journal=journal,
        limiter="memory:",
        clock=clock,
    )
    return await stack.enter_async_context(client)


def lasting(events: list[AnyEvent], part: str, *, behind: int = 0) -> list[AnyEvent]:
    """Those of a part that the journal keeps for good."""
    return [each for each in events if each.campaign_id == part and not topic_of(each) and each.id > behind]


async def test_who_watches_a_list_sees_every_part_to_its_end_across_restarts(tmp_path: Path) -> None:
    clock, path, seen = ManualClock(), tmp_path / "k.db", list[AnyEvent]()
    async with (
        world(SqliteJournal(path, clock=clock), clock=clock) as (sandbox, keebai, _),
        AsyncExitStack() as stack,
    ):
        whole = await plan(keebai, 40, FIVE[:3], chunk_size=2)
        looks = (await another_process(stack, sandbox, clock, path)).campaigns

        async def look_on() -> None:
            behind: dict[str, int] = {}
            while not (seen and (await looks.status(whole.campaign_id)).state is CampaignState.FINISHED):
                async for event in looks.watch(whole.campaign_id, after=behind):
                    seen.append(event)
                    behind[event.campaign_id] = event.id

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(look_on)
            async with keebai.campaigns.start(whole) as run:
                accepted = 0
                async for event in run.events():
                    accepted += isinstance(event, ChunkAccepted)
                    if accepted == 4:
                        break
            restarted = await another_process(stack, sandbox, clock, path)
            async with restarted.campaigns.resume(whole.campaign_id) as resumed:
                report = await resumed.report()

        check(report, sandbox)
        for part in part_ids(whole.campaign_id):
            ids = [event.id for event in seen if event.campaign_id == part]
            assert ids == sorted(set(ids))
            kept = list((await looks.next_events(part)).events)
            assert lasting(seen, part) == lasting(kept, part)
            last = lasting(kept, part)[-1]
            assert isinstance(last, StateChanged)
            assert last.state is CampaignState.FINISHED
        await check_every_place(looks_of=restarted, whole_id=whole.campaign_id, seen=seen)
        await keebai.journal.aclose()


async def check_every_place(looks_of: Keebai, whole_id: str, seen: list[AnyEvent]) -> None:
    """From each place on comes the rest of each part, whichever way the place is said."""
    place = dict.fromkeys(part_ids(whole_id), 0)
    for event in seen:
        place[event.campaign_id] = event.id
        text = ".".join(str(each) for each in place.values())
        rest = [each async for each in looks_of.campaigns.watch(whole_id, after=text)]
        assert [each async for each in looks_of.campaigns.watch(whole_id, after=place)] == rest
        for part, behind in place.items():
            assert lasting(rest, part) == lasting(seen, part, behind=behind)


async def test_a_browser_that_looks_at_a_list_goes_on_behind_its_last_event_after_a_restart(
    tmp_path: Path,
) -> None:
    clock, path, told = ManualClock(), tmp_path / "k.db", list[tuple[str, str]]()
    async with (
        world(SqliteJournal(path, clock=clock), clock=clock) as (sandbox, keebai, _),
        AsyncExitStack() as stack,
    ):
        whole = await plan(keebai, 40, FIVE[:3], chunk_size=2)
        first = await another_process(stack, sandbox, clock, path)

        async def look(client: Keebai, *, pieces: int) -> int:
            """One connection of a browser, which is cut after so many pieces; gives the status."""
            async with WebCampaigns(client, at_once=None) as web:
                stream = await web.events(whole.campaign_id, told[-1][0] if told else None)
                async for piece in stream:
                    told.extend(messages(piece))
                    pieces -= 1
                    if not pieces:
                        break
                return stream.status

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(run_to_its_end, keebai, whole.campaign_id)
            for _ in range(4):
                await look(first, pieces=2)  # the first one says when to come again
        await look(await another_process(stack, sandbox, clock, path), pieces=1_000)
        assert await look(first, pieces=1_000) == 204

        events = [each async for each in keebai.campaigns.watch(whole.campaign_id)]
        assert {part for _, part in told} == set(part_ids(whole.campaign_id))
        assert len({place for place, _ in told}) == len(told)
        assert all(place.count(".") == 2 for place, _ in told)
        assert told[-1][0] == place_behind(whole.campaign_id, events)
        assert len(told) >= len([each for each in events if not topic_of(each)])
        await keebai.journal.aclose()


async def run_to_its_end(keebai: Keebai, campaign_id: str) -> None:
    async with keebai.campaigns.start(campaign_id) as run:
        await run.report()


def messages(piece: bytes) -> list[tuple[str, str]]:
    """The id of each event, and of which part it is."""
    lines = [text.split("\n") for text in piece.decode().split("\n\n") if text.startswith("id: ")]
    return [(one[4:], data.partition('"campaign_id":"')[2].partition('"')[0]) for one, data in lines]


def place_behind(whole_id: str, events: list[AnyEvent]) -> str:
    last = {each.campaign_id: each.id for each in events}
    return ".".join(str(last[part]) for part in part_ids(whole_id))
