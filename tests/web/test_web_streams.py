"""A stream of Server-Sent Events: what is in it, when it ends, and what it costs while nobody reads it."""

import os
import signal
from collections.abc import AsyncIterator

import anyio
import anyio.lowlevel
import pytest

from keebai_async import CampaignNotFound, CampaignState, EventPage, InvalidInput, Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import JournalUnusable
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.quota.gate import OpenGate
from keebai_async.web import EventStream, WebCampaigns
from tests.campaign.planning import freeze


class Looked(MemoryJournal):
    """It counts who looks for events, and may be away."""

    looks = 0
    away = False

    async def events(self, campaign_id: str, *, after: int | str = 0, limit: int = 200) -> EventPage:
        self.looks += 1
        await anyio.lowlevel.checkpoint()
        if self.away:
            raise JournalUnusable("the server restarts", temporary=True)
        return await super().events(campaign_id, after=after, limit=limit)


@pytest.fixture
async def clock() -> AsyncIterator[ManualClock]:
    clock = ManualClock()
    async with clock.running():
        yield clock


@pytest.fixture
def journal(clock: ManualClock) -> Looked:
    return Looked(clock=clock)


@pytest.fixture
async def keebai(journal: Looked, clock: ManualClock) -> AsyncIterator[Keebai]:
    async with Keebai(
        "pat_1", base_url="http://127.0.0.1:9", journal=journal, clock=clock, limiter=OpenGate()
    ) as keebai:
        yield keebai


async def planned(journal: Looked) -> str:
    return (await freeze(journal, 4, size=2)).campaign_id


async def tell(journal: Looked, campaign_id: str, reason: str | None = None) -> None:
    await journal.set_state(campaign_id, CampaignState.RUNNING, reason=reason)


async def all_of(stream: EventStream) -> bytes:
    return b"".join([piece async for piece in stream])


async def settle() -> None:
    for _ in range(50):
        await anyio.lowlevel.checkpoint()


async def test_a_stream_holds_each_event_on_a_line_of_its_own_and_says_when_there_are_no_more(
    keebai: Keebai, journal: Looked
) -> None:
    campaign_id = await planned(journal)
    await tell(journal, campaign_id, "two\nlines\r\nand more\u2028")
    await journal.set_state(campaign_id, CampaignState.FINISHED)

    async with WebCampaigns(keebai, at_once=None) as web:
        stream = await web.events(campaign_id)
        assert (stream.status, stream.headers["content-type"]) == (200, "text/event-stream")
        text = await all_of(stream)
        first, one, two, end, rest = text.decode().split("\n\n")
        assert (first, end, rest) == ("retry: 2000", "event: end\ndata: {}", "")
        assert [each.partition("\ndata: {")[0] for each in (one, two)] == ["id: 1", "id: 2"]
        assert [each.count("\n") for each in (one, two)] == [1, 1]
        assert (await all_of(await web.events(campaign_id, "1"))).count(b"data") == 2
        over = await web.events(campaign_id, "2")
        assert (over.status, await all_of(over)) == (204, b"")


@pytest.mark.parametrize("said", [None, "", "0", "abc", "-1", "1e3", "9" * 19, "9" * 400, "\u0663", " "])
async def test_what_is_no_id_begins_with_the_first_event(
    keebai: Keebai, journal: Looked, said: str | None
) -> None:
    campaign_id = await planned(journal)
    await journal.set_state(campaign_id, CampaignState.FINISHED)
    async with WebCampaigns(keebai, at_once=None) as web:
        assert b"id: 1\n" in await all_of(await web.events(campaign_id, said))


async def test_a_reader_that_never_reads_costs_no_look_and_a_page_of_memory(
    keebai: Keebai, journal: Looked
) -> None:
    campaign_id = await planned(journal)
    async with WebCampaigns(keebai, at_once=None) as web:
        stream = aiter(await web.events(campaign_id))
        assert await anext(stream) == b"retry: 2000\n\n"
        for _ in range(1_000):
            await tell(journal, campaign_id)
        looks = journal.looks
        await settle()
        assert journal.looks == looks
        assert (await anext(stream)).count(b"id: ") == 200
        assert journal.looks == looks + 1


async def test_a_silent_stream_shows_that_it_is_there(keebai: Keebai, journal: Looked) -> None:
    campaign_id = await planned(journal)
    async with WebCampaigns(keebai, at_once=None, keep_alive=0.001) as web:
        stream = aiter(await web.events(campaign_id))
        assert [await anext(stream) for _ in range(3)] == [b"retry: 2000\n\n", b": \n\n", b": \n\n"]
        await tell(journal, campaign_id)
        while (piece := await anext(stream)) == b": \n\n":
            pass
        assert piece.startswith(b"id: 1\n")


@pytest.mark.parametrize("how", ["closed", "the block ends", "SIGTERM"])
async def test_all_streams_end_when_the_app_does_and_none_says_that_there_are_no_more(
    keebai: Keebai, journal: Looked, how: str
) -> None:
    campaign_id = await planned(journal)
    await tell(journal, campaign_id)
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    texts: list[bytes] = []

    async def read(stream: EventStream) -> None:
        texts.append(await all_of(stream))

    try:
        async with anyio.create_task_group() as tasks, WebCampaigns(keebai) as web:
            for _ in range(10):
                tasks.start_soon(read, await web.events(campaign_id))
            await settle()
            if how == "closed":
                web.close()
                assert b"id: 1" in await all_of(await web.events(campaign_id))
            elif how == "SIGTERM":
                os.kill(os.getpid(), signal.SIGTERM)
                while len(texts) < 10:
                    await anyio.lowlevel.checkpoint()
        assert heard == ([signal.SIGTERM] if how == "SIGTERM" else [])
        assert signal.getsignal(signal.SIGTERM) not in {signal.SIG_DFL, before}
    finally:
        signal.signal(signal.SIGTERM, before)
    assert texts == [texts[0]] * 10
    assert b"id: 1" in texts[0]
    assert b"end" not in texts[0]


async def test_a_journal_that_is_away_is_waited_for_and_what_is_not_there_is_said_at_once(
    keebai: Keebai, journal: Looked
) -> None:
    campaign_id = await planned(journal)
    await journal.set_state(campaign_id, CampaignState.FINISHED)
    async with WebCampaigns(keebai, at_once=None) as web:
        with pytest.raises(CampaignNotFound):
            await web.events("nothing")
        with pytest.raises(CampaignNotFound):
            await web.events("promo-1a2b3c4d-x2")
        journal.away = True
        stream = aiter(await web.events(campaign_id))
        assert await anext(stream) == b"retry: 2000\n\n"
        journal.away = False
        assert (await anext(stream)).startswith(b"id: 1\n")
    with pytest.raises(InvalidInput, match="at_once"):
        await WebCampaigns(keebai, at_once=0).__aenter__()


async def test_several_readers_get_the_same_while_it_is_told(keebai: Keebai, journal: Looked) -> None:
    campaign_id, texts = await planned(journal), list[bytes]()

    async def read(stream: EventStream) -> None:
        texts.append(await all_of(stream))

    async with WebCampaigns(keebai, at_once=None) as web, anyio.create_task_group() as tasks:
        for number in range(5):
            tasks.start_soon(read, await web.events(campaign_id))
            await tell(journal, campaign_id, f"{number}")
            await settle()
        await journal.set_state(campaign_id, CampaignState.FINISHED)

    assert [events_in(text) for text in texts] == [[1, 2, 3, 4, 5, 6]] * 5


def events_in(text: bytes) -> list[int]:
    return [int(line[4:]) for line in text.decode().split("\n") if line.startswith("id: ")]
