"""Closing while something is under way: what has left is answered and written down, in any order of ends."""

import asyncio
import random
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import pytest

from keebai_async.campaign.run import CampaignRun
from keebai_async.client import Keebai
from keebai_async.errors import KeebaiError, Misused
from keebai_async.journal.open import open_journal
from keebai_async.model.events import AnyEvent
from keebai_async.model.report import Report
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox, faults
from tests.campaign.test_sandbox_campaigns import BULK, people

PEOPLE = 60
LATE = 0.15
"""Seconds after which the service answers a submit."""

TEXT = "POST /messages/text"

Life = Callable[[Keebai], Coroutine[None, None, object]]
Strike = Callable[[Callable[[], Keebai], Life, float], Awaitable[None]]


class Boom(Exception):
    """The program around the client fails."""


@contextmanager
def late_service() -> Iterator[Sandbox]:
    """It has a thread of its own: what is done to the tasks of this one is not done to the service."""
    with Sandbox(delivery_rate=5_000) as sandbox:
        sandbox.faults.on(BULK, faults.Late(seconds=LATE), times=None)
        sandbox.faults.on(TEXT, faults.Late(seconds=LATE), times=None)
        yield sandbox


async def launch(keebai: Keebai) -> Report:
    plan = await keebai.campaigns.plan(
        people(PEOPLE),
        template="promo",
        language="es",
        name="Promo marzo",
        options=PlanOptions(chunk_size=10),
    )
    async with keebai.campaigns.start(plan) as run:
        return await run.report()


async def launch_as_copy(keebai: Keebai) -> object:
    return await launch(keebai.with_options(poll_floor=1.0))


async def ended(*tasks: "asyncio.Task[object]") -> None:
    await asyncio.gather(*tasks, return_exceptions=True)


async def task_group_outside(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    async with asyncio.TaskGroup() as tasks, make() as keebai:
        tasks.create_task(life(keebai))
        await asyncio.sleep(wait)


async def left_by_an_error(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    async with make() as keebai:
        task = asyncio.ensure_future(life(keebai))  # it is left alone, which is what is tried
        task.add_done_callback(lambda done: done.cancelled() or done.exception())
        await asyncio.sleep(wait)
        raise Boom


async def closed_then_cancelled(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    keebai = make()
    task = asyncio.ensure_future(life(keebai))
    await asyncio.sleep(wait)
    await keebai.aclose()
    task.cancel()
    await ended(task)


async def cancelled_then_closed(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    keebai = make()
    task = asyncio.ensure_future(life(keebai))
    await asyncio.sleep(wait)
    task.cancel()
    await keebai.aclose()
    await ended(task)


async def cancelled_again_and_again(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    async with make() as keebai:
        task = asyncio.ensure_future(life(keebai))
        await asyncio.sleep(wait)
        while not task.done():
            task.cancel()
            await asyncio.sleep(0.003)


async def closer_cancelled_again_and_again(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    keebai = make()
    task = asyncio.ensure_future(life(keebai))
    await asyncio.sleep(wait)
    closer = asyncio.ensure_future(keebai.aclose())
    while not closer.done():
        await asyncio.sleep(0.003)
        closer.cancel()
    await ended(task, closer)


async def closed_by_two_at_once(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    keebai = make()
    task = asyncio.ensure_future(life(keebai))
    await asyncio.sleep(wait)
    await ended(asyncio.ensure_future(keebai.aclose()), asyncio.ensure_future(keebai.aclose()), task)


async def out_of_time(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    with anyio.move_on_after(wait):
        async with make() as keebai:
            await life(keebai)


async def every_task_cancelled(make: Callable[[], Keebai], life: Life, wait: float) -> None:
    """As `asyncio.run` and web servers do it when they end; the client is closed later, if at all."""
    keebai, here = make(), asyncio.current_task()
    before = asyncio.all_tasks()
    task = asyncio.ensure_future(life(keebai))
    await asyncio.sleep(wait)
    for _ in range(3):
        for each in asyncio.all_tasks() - before - {here}:
            each.cancel()
        await asyncio.sleep(0.01)
    await ended(task)
    await keebai.aclose()


STRIKES: list[Strike] = [
    task_group_outside,
    left_by_an_error,
    closed_then_cancelled,
    cancelled_then_closed,
    cancelled_again_and_again,
    closer_cancelled_again_and_again,
    closed_by_two_at_once,
    out_of_time,
    every_task_cancelled,
]


@pytest.mark.parametrize("strike", STRIKES, ids=lambda strike: strike.__name__)
@pytest.mark.parametrize("life", [launch, launch_as_copy], ids=["client", "copy"])
async def test_nothing_is_unknown_whenever_a_client_is_closed(
    strike: Strike, life: Life, tmp_path: Path
) -> None:
    chance = random.Random(f"{strike.__name__} {life}")
    for number in range(2):
        journal = tmp_path / f"{number}.db"
        with late_service() as sandbox:

            def make(sandbox: Sandbox = sandbox, journal: Path = journal) -> Keebai:
                return client(sandbox, journal)

            try:
                await strike(make, life, chance.uniform(0.03, 3 * LATE))
            except* (Boom, KeebaiError):
                pass
            await asyncio.sleep(2 * LATE)
            await adds_up(sandbox, journal)


def client(sandbox: Sandbox, journal: Path) -> Keebai:
    return Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id="100000000000001",
        journal=journal,
        poll_floor=0.05,
    )


async def adds_up(sandbox: Sandbox, journal: Path) -> None:
    """The journal says what the ledger says; and the campaign can be brought to its end, each once."""
    async with client(sandbox, journal) as keebai:
        for report in await keebai.campaigns.list():
            assert report.unknown == 0
            assert report.accepted == len(sandbox.ledger.times_messaged())
            assert report.accepted + report.unsent == PEOPLE
            async with keebai.campaigns.resume(report.campaign_id) as run:
                assert (await run.report()).accepted == PEOPLE
    assert set(sandbox.ledger.times_messaged().values()) <= {1}


async def test_a_client_may_be_closed_from_inside_its_run(tmp_path: Path) -> None:
    with late_service() as sandbox:
        keebai = client(sandbox, tmp_path / "j.db")
        plan = await keebai.campaigns.plan(people(PEOPLE), template="promo", language="es", name="Promo")
        with anyio.fail_after(60):
            async with keebai.campaigns.start(plan) as run:
                await _until_attempted(keebai)
                await keebai.aclose()
                report = await run.report()

        assert (report.accepted, report.unknown) == (PEOPLE, 0)
        assert report.reason == "stopped because its client was closed"


async def test_a_run_on_the_journal_of_a_client_that_closes_ends_first(tmp_path: Path) -> None:
    with late_service() as sandbox:
        owner = client(sandbox, tmp_path / "j.db")
        guest = Keebai(
            sandbox.token, base_url=sandbox.url, phone_number_id="100000000000001", journal=owner.journal
        )
        task = asyncio.ensure_future(launch(guest))
        await _until_attempted(owner)
        await owner.aclose()
        report = await task
        await guest.aclose()

        assert report.unknown == 0
        await adds_up(sandbox, tmp_path / "j.db")


async def test_a_journal_of_ones_own_stays_open_for_other_clients(tmp_path: Path) -> None:
    journal = open_journal(str(tmp_path / "j.db"))
    with late_service() as sandbox:
        one, two = (
            Keebai(sandbox.token, base_url=sandbox.url, phone_number_id="100000000000001", journal=journal)
            for _ in range(2)
        )
        task = asyncio.ensure_future(launch(two))
        await asyncio.sleep(LATE / 2)
        await one.aclose()
        report = await task
        await two.aclose()
        await journal.aclose()

        assert report.state == "finished"


async def test_a_journal_of_ones_own_that_is_closed_first_waits_for_the_run_that_uses_it(
    tmp_path: Path,
) -> None:
    journal = open_journal(str(tmp_path / "j.db"))
    with late_service() as sandbox:
        keebai = Keebai(
            sandbox.token, base_url=sandbox.url, phone_number_id="100000000000001", journal=journal
        )
        task = asyncio.ensure_future(launch(keebai))
        with anyio.fail_after(20.0):
            while not sandbox.ledger.total:  # noqa: ASYNC110 - of a sandbox in a thread of its own
                await anyio.sleep(LATE / 20)
        await journal.aclose()
        report = await task
        with pytest.raises(Misused, match="this journal is closed"):
            await launch(keebai)
        await keebai.aclose()

        assert (report.state, report.unknown) == ("stopped", 0)
        await adds_up(sandbox, tmp_path / "j.db")


async def test_single_sends_under_way_are_answered_before_their_client_is_closed() -> None:
    with late_service() as sandbox:
        keebai = client(sandbox, Path("memory:"))
        sends = [
            asyncio.ensure_future(keebai.messages.send_text("+5491155550101", "Hola")),
            asyncio.ensure_future(
                keebai.broadcasts.create(
                    template="promo",
                    language="es",
                    recipients=[{"to": "+5491155550102", "variables": {"nombre": "Ana", "codigo": "M-7"}}],
                )
            ),
        ]
        await _until_messaged(sandbox, 2)
        await keebai.aclose()

        assert all(send.done() for send in sends)
        await asyncio.gather(*sends)
        assert set(sandbox.ledger.times_messaged()) == {"+5491155550101", "+5491155550102"}


async def test_nothing_leaves_a_client_that_is_being_closed(tmp_path: Path) -> None:
    with late_service() as sandbox:
        keebai = client(sandbox, tmp_path / "j.db")
        first = asyncio.ensure_future(keebai.messages.send_text("+5491155550101", "Hola"))
        await _until_messaged(sandbox, 1)
        closing = asyncio.ensure_future(keebai.aclose())
        await asyncio.sleep(0)

        with pytest.raises(Misused, match="closed"):
            await keebai.messages.send_text("+5491155550102", "Hola")
        await ended(first, closing)
        assert set(sandbox.ledger.times_messaged()) == {"+5491155550101"}


async def _until_attempted(owner: Keebai) -> None:
    """Until a submit is on its way, or is about to leave."""
    while not any(  # noqa: ASYNC110 - a journal tells nobody of a write
        chunk.attempts for each in await owner.journal.campaigns() for chunk in each.chunks
    ):
        await asyncio.sleep(0)


async def _until_messaged(sandbox: Sandbox, people: int) -> None:
    with anyio.fail_after(60.0):
        while sandbox.ledger.total < people:  # noqa: ASYNC110 - of a sandbox in a thread of its own
            await anyio.sleep(LATE / 20)


async def test_a_run_whose_task_is_cancelled_before_its_first_step_ends_and_goes_on_later(
    tmp_path: Path,
) -> None:
    with late_service() as sandbox:
        async with client(sandbox, tmp_path / "j.db") as keebai:
            plan = await keebai.campaigns.plan(people(PEOPLE), template="promo", language="es", name="Promo")
            run = keebai.campaigns.start(plan)
            readers: list[asyncio.Task[list[AnyEvent]]] = []

            async def report() -> Report:
                async with run:
                    for task in asyncio.all_tasks():
                        if "_run_and_tell" in task.get_name():
                            task.cancel()
                    readers.append(asyncio.ensure_future(_all_events(run)))
                    return await run.report()

            with anyio.fail_after(60):
                with pytest.raises(asyncio.CancelledError):
                    await report()
                assert await readers[0] == []
                assert (await run.report()).accepted == 0
            assert sandbox.ledger.total == 0

            async with keebai.campaigns.resume(plan.campaign_id) as later:
                assert (await later.report()).accepted == PEOPLE


async def test_workers_that_are_cancelled_before_their_first_step_leave_everybody_for_later(
    tmp_path: Path,
) -> None:
    with late_service() as sandbox:
        async with client(sandbox, tmp_path / "j.db") as keebai:
            plan = await keebai.campaigns.plan(people(PEOPLE), template="promo", language="es", name="Promo")

            async def cancel_workers() -> None:
                while True:
                    for task in asyncio.all_tasks():
                        if "dispatch" in task.get_name():
                            task.cancel()
                    await asyncio.sleep(0)

            hunter = asyncio.ensure_future(cancel_workers())
            with anyio.fail_after(20):
                async with keebai.campaigns.start(plan) as run:
                    report = await run.report()
            hunter.cancel()
            assert (report.state, report.reason) == ("stopped", "stopped before it was finished")
            assert (report.accepted, report.unsent, sandbox.ledger.total) == (0, PEOPLE, 0)

            async with keebai.campaigns.resume(plan.campaign_id) as later:
                assert (await later.report()).accepted == PEOPLE


async def _all_events(run: CampaignRun) -> list[AnyEvent]:
    return [event async for event in run.events()]
