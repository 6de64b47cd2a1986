"""A list over several senders on real sockets: nobody from two of them, whatever stops which of its parts."""

import re
import zlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import anyio
import pytest
from msgspec.structs import replace

from keebai_async.campaign.run import CampaignRun
from keebai_async.campaign.whole_run import WholeRun
from keebai_async.campaign_host import AnySender
from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import (
    AlreadyLaunched,
    AnotherToken,
    CampaignBusy,
    CampaignNotFound,
    InvalidInput,
    JournalUnusable,
    KeebaiError,
    Misused,
    UnusableSource,
)
from keebai_async.journal.contract import Journal
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.campaign import StoredCampaign
from keebai_async.model.chunk import Chunk
from keebai_async.model.events import ChunkAccepted
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.lifecycle import Move
from keebai_async.model.part import part_ids
from keebai_async.model.plan import Guards, Plan
from keebai_async.model.report import Report
from keebai_async.model.retry import RetryChoice
from keebai_async.model.sender import Sender
from keebai_async.model.situation import Standing
from keebai_async.model.stop import Cause
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox
from keebai_async.sandbox.keebai.catalogue import SandboxSender, SandboxToken
from keebai_async.transport.request import Timeouts
from tests.campaign.kills import KeepingJournal

NUMBERS = tuple(
    SandboxSender(
        phone_number_id=f"10000000000010{number}",
        channel_id=f"66cc0011223344556677010{number}",
        phone_number=f"+549115000010{number}",
        name=f"Ventas {number}",
    )
    for number in range(5)
)
FIVE = [Sender(phone_number_id=each.phone_number_id) for each in NUMBERS]
NORTH, SOUTH = (SandboxToken(secret=f"kbai_pk_{each * 64}") for each in "ab")


def people(count: int, *, first: int = 0) -> list[dict[str, str]]:
    return [
        {"to": f"+549{1_100_000_000 + person}", "nombre": f"Ana {person}", "codigo": "M-7"}
        for person in range(first, first + count)
    ]


@asynccontextmanager
async def world(
    journal: Journal | None = None, *, failing: float = 0.0, clock: ManualClock | None = None
) -> AsyncIterator[tuple[Sandbox, Keebai, Keebai]]:
    """A sandbox with two tokens, a client of each with one journal, and a clock that runs by itself."""
    clock = clock or ManualClock()
    kept = journal or MemoryJournal(clock=clock)
    timeouts = Timeouts(connect=60.0, read=60.0, submit=60.0)  # in real seconds: sockets know no other
    async with Sandbox(clock=clock, senders=NUMBERS, tokens=(NORTH, SOUTH), failing=failing) as sandbox:
        north, south = (
            Keebai(
                token.secret,
                base_url=sandbox.url,
                phone_number_id=NUMBERS[place].phone_number_id,
                journal=kept,
                limiter="memory:",
                clock=clock,
                timeout=timeouts,
            )
            for place, token in ((0, NORTH), (4, SOUTH))
        )
        async with north, south, clock.running():
            yield sandbox, north, south


async def plan(keebai: Keebai, count: int, senders: Sequence[AnySender] = FIVE, **options: object) -> Plan:
    return await keebai.campaigns.plan(
        people(count),
        template="promo",
        language="es",
        name="Promo marzo",
        senders=senders,
        options=PlanOptions(**options),  # type: ignore[arg-type]
    )


def check(report: Report, sandbox: Sandbox) -> None:
    """What may never break, whatever happens."""
    assert report.errors() == ()
    assert all(part.errors() == () for part in report.parts)
    for count in ("read", "ready", "accepted", "unsent", "unknown", "refused", "sent", "failed", "pending"):
        assert getattr(report, count) == sum(getattr(part, count) for part in report.parts)
    assert sandbox.ledger.repeated() == {}
    assert report.accepted <= sandbox.ledger.total <= report.accepted + report.unknown
    assert not sandbox.traffic.throttled


async def test_five_senders_reach_everybody_once_in_a_fifth_of_the_time() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 20_000)
        async with keebai.campaigns.start(whole) as run:
            accepted = {event.campaign_id async for event in run.events() if isinstance(event, ChunkAccepted)}
            report = await run.report()

    check(report, sandbox)
    assert (report.state, report.sent, report.campaign_id) == ("finished", 20_000, whole.campaign_id)
    assert accepted == set(part_ids(whole.campaign_id))
    assert {each.sender for each in sandbox.ledger.submissions} == {each.phone_number_id for each in NUMBERS}
    assert report.seconds < 20_000 / 80 / 4  # one sender delivers 80 a second


async def test_the_id_of_the_whole_means_all_parts_and_that_of_a_part_it_alone() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 500)
        second = whole.parts[1].campaign_id
        async with keebai.campaigns.start(second) as run:
            alone = await run.report()
        between = await keebai.campaigns.situation(whole.campaign_id)
        async with keebai.campaigns.resume(whole.campaign_id) as rest:
            report = await rest.report()
        found = await keebai.campaigns.situation(whole.campaign_id)
        listed = await keebai.campaigns.list()

    assert (alone.campaign_id, alone.sent, alone.parts) == (second, whole.parts[1].ready, ())
    assert between.standing is Standing.STOPPED
    assert between.report.unsent == 500 - alone.sent
    check(report, sandbox)
    assert report.sent == 500
    assert (found.standing, found.report.sent, found.steps) == (Standing.FINISHED, 500, ())
    assert [(each.campaign_id, len(each.parts)) for each in listed] == [(whole.campaign_id, 5)]


async def test_one_token_that_is_revoked_stops_its_part_alone_and_a_new_one_goes_on_with_it() -> None:
    async with world() as (sandbox, north, south):
        whole = await plan(north, 4_000, [*FIVE[:3], (FIVE[4], south)], chunk_size=100)
        async with north.campaigns.start(whole) as run:
            async for event in run.events():
                if isinstance(event, ChunkAccepted) and event.campaign_id == whole.parts[3].campaign_id:
                    sandbox.settings.tokens = (NORTH, replace(SOUTH, revoked=True))
            report = await run.report()
        check(report, sandbox)
        stopped = [part.stopped_by for part in report.parts]
        assert stopped == [None, None, None, Cause.TOKEN]
        assert [part.unsent for part in report.parts[:3]] == [0, 0, 0]
        assert report.parts[3].unsent > 0
        assert report.stopped_by is Cause.TOKEN
        assert report.reason is not None
        assert report.reason.startswith("part 4/4, from 100000000000104: the service rejects the token")

        sandbox.settings.tokens = (NORTH, SOUTH)
        async with north.campaigns.resume(whole.campaign_id) as run:
            report = await run.report()

    check(report, sandbox)
    assert (report.state, report.sent) == ("finished", 4_000)


async def test_a_sender_that_is_paused_stops_its_part_alone() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 500)
        sandbox.settings.senders = (replace(NUMBERS[0], status="paused"), *NUMBERS[1:])
        async with keebai.campaigns.start(whole) as run:
            report = await run.report()
        check(report, sandbox)
        assert [part.unsent == 0 for part in report.parts] == [False, True, True, True, True]

        sandbox.settings.senders = NUMBERS
        async with keebai.campaigns.resume(whole.campaign_id) as run:
            report = await run.report()

    check(report, sandbox)
    assert report.sent == 500


def _fails(number: str, share: float) -> bool:
    return zlib.crc32(number.encode(), zlib.crc32(b"0")) < share * 2**32


async def test_a_canary_that_fails_stops_its_part_alone() -> None:
    async with world(failing=0.01) as (sandbox, keebai, _):
        whole = await plan(keebai, 2_000, guards=Guards(canary=100, stop_above=0.04))
        tried = [await keebai.journal.items(each, 1) for each in part_ids(whole.campaign_id)]
        numbers = [re.findall(r'"to":"([^"]+)"', items.decode()) for items in tried]
        bad = [any(_fails(number, 0.01) for number in each) for each in numbers]
        async with keebai.campaigns.start(whole) as run:
            report = await run.report()

    check(report, sandbox)
    assert [len(each) for each in numbers] == [20] * 5
    assert {True, False} == set(bad)
    assert [part.stopped_by is Cause.GUARD for part in report.parts] == bad
    assert [part.accepted for part in report.parts] == [
        20 if failed else planned.ready for failed, planned in zip(bad, whole.parts, strict=True)
    ]
    assert report.stopped_by is Cause.GUARD


async def test_senders_to_whom_nobody_falls_stand_in_nobody_s_way() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 2)
        assert 0 in {part.ready for part in whole.parts}
        assert (await keebai.campaigns.situation(whole.campaign_id)).standing is Standing.PLANNED
        async with keebai.campaigns.start(whole) as run:
            report = await run.report()
        found = await keebai.campaigns.situation(whole.campaign_id)

    check(report, sandbox)
    assert (report.state, report.sent, found.standing) == ("finished", 2, Standing.FINISHED)


async def test_a_retry_of_the_whole_is_over_the_same_senders_and_sends_to_each_from_its_own() -> None:
    async with world() as (sandbox, keebai, _):
        first = await plan(keebai, 200, FIVE[:3])
        async with keebai.campaigns.start(first) as run:
            await run.report()
        at = keebai.clock.wall() - 100.0
        failed = [
            PersonNews(campaign_id=each, chunk=1, place=place, fate=Fate.FAILED, code=131056, at=at)
            for each in part_ids(first.campaign_id)
            for place in (0, 3)
        ]
        await keebai.journal.tell(failed)

        account = await keebai.campaigns.retryable(first.campaign_id)
        again = await keebai.campaigns.retry(first.campaign_id)
        async with keebai.campaigns.start(again) as run:
            report = await run.report()
        with pytest.raises(UnusableSource):
            await keebai.campaigns.retry(first.campaign_id)

    assert account.people(RetryChoice.NOW) == 6
    assert (account.of, account.name) == (first.campaign_id, "Promo marzo")
    assert (again.name, again.ready, len(again.parts)) == ("Promo marzo (retry)", 6, 3)
    assert [part.ready for part in again.parts] == [2, 2, 2]
    assert (report.state, report.sent) == ("finished", 6)
    by: dict[str, set[str]] = {}
    for one in sandbox.ledger.submissions:
        for number in one.numbers:
            by.setdefault(number, set()).add(one.sender)
    assert all(len(senders) == 1 for senders in by.values())
    assert len(sandbox.ledger.repeated()) == 6


async def failing_whole(north: Keebai, south: Keebai) -> Plan:
    """A list over the senders of two tokens, of which somebody of each part is to be sent to again."""
    whole = await plan(north, 200, [FIVE[0], south])
    async with north.campaigns.start(whole) as run:
        await run.report()
    at = north.clock.wall() - 100.0
    await north.journal.tell(
        [
            PersonNews(campaign_id=each, chunk=1, place=0, fate=Fate.FAILED, code=131056, at=at)
            for each in part_ids(whole.campaign_id)
        ]
    )
    return whole


def client(token: SandboxToken, sandbox: Sandbox, beside: Keebai) -> Keebai:
    """Another client, on the journal of the one *beside*, which knows of no other token."""
    return Keebai(
        token.secret, base_url=sandbox.url, journal=beside.journal, limiter="memory:", clock=beside.clock
    )


async def test_no_retry_is_planned_of_a_part_whose_token_nobody_here_has() -> None:
    async with world() as (sandbox, north, south):
        whole = await failing_whole(north, south)
        async with client(NORTH, sandbox, north) as other:
            before = await north.journal.campaigns()

            with pytest.raises(AnotherToken) as refused:
                await other.campaigns.retry(whole.campaign_id)

            assert str(refused.value) == (
                f"part 2/2 of campaign {whole.campaign_id}, from sender {FIVE[4].id}, was sent with another"
                " token, which no client here has: give its client with add_client"
            )
            assert refused.value.campaign_id == whole.parts[1].campaign_id
            assert await north.journal.campaigns() == before  # nothing was made

            other.campaigns.add_client(south)
            again = await other.campaigns.retry(whole.campaign_id)
            async with other.campaigns.start(again) as run:
                report = await run.report()

    assert [part.sent for part in report.parts] == [1, 1]
    sent = [(each.sender, each.token) for each in sandbox.ledger.submissions]
    assert len(sent) == 4
    assert set(sent) == {(FIVE[0].id, NORTH.secret), (FIVE[4].id, SOUTH.secret)}


async def test_a_retry_of_the_part_of_another_token_alone_is_planned_with_the_client_of_that_token() -> None:
    async with world() as (sandbox, north, south):
        whole = await failing_whole(north, south)
        part = whole.parts[1].campaign_id

        with pytest.raises(AnotherToken) as refused:  # as a campaign of its own, ours would run it
            await north.campaigns.retry(part)

        assert str(refused.value) == (
            f"campaign {part}, from sender {FIVE[4].id}, was sent with another token: retry it with that one,"
            f" or retry {whole.campaign_id}, of which it is a part"
        )
        again = await south.campaigns.retry(part)
        async with south.campaigns.start(again) as run:
            report = await run.report()

    assert (report.sent, report.parts) == (1, ())
    assert sandbox.ledger.submissions[-1].token == SOUTH.secret


async def test_a_part_that_went_on_with_a_new_token_is_retried_with_that_one() -> None:
    async with world() as (sandbox, north, south):
        whole = await failing_whole(north, south)
        new = SandboxToken(secret=f"kbai_pk_{'c' * 64}")
        sandbox.settings.tokens = (NORTH, replace(SOUTH, revoked=True), new)
        async with (
            Keebai(
                NORTH.secret,
                base_url=sandbox.url,
                journal=north.journal,
                limiter="memory:",
                clock=north.clock,
            ) as other,
            Keebai(
                new.secret, base_url=sandbox.url, journal=north.journal, limiter="memory:", clock=north.clock
            ) as newer,
        ):
            other.campaigns.add_client(newer)
            with pytest.raises(AnotherToken):
                await other.campaigns.retry(whole.campaign_id)

            async with newer.campaigns.resume(whole.parts[1].campaign_id, new_token=True) as run:
                await run.report()
            again = await other.campaigns.retry(whole.campaign_id)
            async with other.campaigns.start(again) as run:
                report = await run.report()

    assert [part.sent for part in report.parts] == [1, 1]
    assert {each.token for each in sandbox.ledger.submissions[-2:]} == {NORTH.secret, new.secret}


async def test_that_a_token_is_a_new_one_of_a_part_is_said_once() -> None:
    async with world() as (sandbox, north, south):
        whole = await plan(north, 400, [FIVE[0], south], chunk_size=20)
        part = whole.parts[1].campaign_id
        new = SandboxToken(secret=f"kbai_pk_{'c' * 64}")
        sandbox.settings.tokens = (NORTH, replace(SOUTH, revoked=True), new)
        async with client(NORTH, sandbox, north) as other, client(new, sandbox, north) as newer:
            other.campaigns.add_client(newer)
            with pytest.raises(AnotherToken):
                async with newer.campaigns.resume(part):
                    raise AssertionError
            async with newer.campaigns.resume(part, new_token=True, pace="20/1h") as run:
                async for event in run.events():
                    if isinstance(event, ChunkAccepted):
                        break

            async with other.campaigns.resume(whole.campaign_id, pace="off") as again:
                async for event in again.events():  # of the new token, too, as its own client runs it
                    if isinstance(event, ChunkAccepted) and event.campaign_id == part:
                        break
            await other.campaigns.want(whole.campaign_id)
            assert [want.campaign_id for want in await newer.campaigns.due()] == [part]
            await newer.campaigns.take_up(part)
            report = await other.campaigns.status(part)

    assert (report.state, report.unsent) == ("finished", 0)
    sent = [each.token for each in sandbox.ledger.submissions if each.sender == FIVE[4].id]
    assert set(sent) == {new.secret}
    assert sandbox.ledger.repeated() == {}


async def test_supervisors_of_both_tokens_run_the_parts_that_are_theirs() -> None:
    async with world() as (sandbox, north, south):
        whole = await plan(north, 600, [*FIVE[:2], south])
        await north.campaigns.want(whole)
        async with north.supervise(), south.supervise():
            while (await north.campaigns.situation(whole.campaign_id)).standing is not Standing.FINISHED:
                await north.clock.sleep(1.0)
        report = await north.campaigns.status(whole.campaign_id)

    check(report, sandbox)
    assert report.sent == 600
    assert await north.campaigns.wanted() == ()


async def test_killed_while_a_list_is_left_to_workers_all_parts_of_it_are_wanted_or_none() -> None:
    journal = KeepingJournal()
    async with world(journal) as (_, north, south):
        whole = await plan(north, 40, [*FIVE[:2], south])
        journal.kept.states.clear()

        await north.campaigns.want(whole)

    found = [await journal.left_behind(write).wanted() for write in range(journal.writes)]
    assert {len(wants) for wants in found} <= {0, 3}
    assert len(found[-1]) == 3


async def test_a_stop_stops_all_parts_and_a_resume_by_the_id_of_the_whole_goes_on_with_all() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 3_000, chunk_size=100)
        async with keebai.campaigns.start(whole) as run:
            async for event in run.events():
                if isinstance(event, ChunkAccepted):
                    run.stop("enough")
            report = await run.report()
        check(report, sandbox)
        assert (report.state, report.stopped_by, report.reason) == ("stopped", Cause.INTERRUPTED, "enough")
        assert report.unsent > 0
        steps = (await keebai.campaigns.situation(whole.campaign_id)).steps
        assert [step.command for step in steps] == [f"keebai-async resume {whole.campaign_id}"]

        async with keebai.campaigns.resume(whole.campaign_id) as run:
            report = await run.report()

    check(report, sandbox)
    assert (report.state, report.sent) == ("finished", 3_000)


async def test_what_a_resume_is_told_is_of_the_whole_list() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 1_000, chunk_size=10)
        async with keebai.campaigns.start(
            whole, per_hour=101, pace="off", at=keebai.clock.wall() + 600.0
        ) as run:
            await keebai.clock.sleep(500.0)
            early = sandbox.ledger.total
            await keebai.clock.sleep(3_000.0)
            hour = sandbox.ledger.total
            run.stop()
            report = await run.report()
        with pytest.raises(InvalidInput, match="that many people are in one chunk"):
            async with keebai.campaigns.resume(whole.campaign_id, per_hour=40):
                raise AssertionError

    check(report, sandbox)
    assert (early, hour) == (0, 100)
    assert [part.per_hour for part in report.parts] == [21, 20, 20, 20, 20]
    assert report.per_hour == 101


async def test_pause_and_stop_from_outside_reach_every_part() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 3_000, chunk_size=50)
        async with keebai.campaigns.start(whole, pace="500/10m") as run:
            assert await keebai.campaigns.pause(whole.campaign_id)
            while (await keebai.campaigns.situation(whole.campaign_id)).standing is not Standing.PAUSED:
                await keebai.clock.sleep(1.0)
            while not all(
                part.standing is Standing.PAUSED
                for part in (await keebai.campaigns.situation(whole.campaign_id)).parts
            ):
                await keebai.clock.sleep(1.0)
            assert await keebai.campaigns.stop(whole.campaign_id)
            report = await run.report()

    check(report, sandbox)
    assert {part.state for part in report.parts} == {"stopped"}
    assert not await keebai.campaigns.stop(whole.campaign_id)


async def test_a_run_of_the_whole_is_paused_and_resumed_in_every_part() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 1_000, chunk_size=10)  # two minutes, as the quota has it
        async with keebai.campaigns.start(whole) as run:
            before = run.paused
            await run.pause()
            await keebai.clock.sleep(30.0)  # what was on its way is there
            left = sandbox.ledger.total
            await keebai.clock.sleep(300.0)
            held, meanwhile = run.paused, sandbox.ledger.total
            await run.resume()
            after, report = run.paused, await run.report()

    check(report, sandbox)
    assert (before, held, after) == (False, True, False)
    assert meanwhile == left < 1_000
    assert report.sent == 1_000


async def test_chunks_of_a_part_that_could_not_begin_count_too() -> None:
    async with world() as (_, keebai, _south):
        whole = await plan(keebai, 1_000, chunk_size=50)
        async with (
            keebai.campaigns.start(whole.parts[0].campaign_id) as elsewhere,
            keebai.campaigns.start(whole) as run,
        ):
            assert run.of == sum(len(part.chunks) for part in whole.parts)
            await run.report()
            await elsewhere.report()


async def test_the_same_list_planned_again_is_refused_whoever_its_senders_are() -> None:
    async with world() as (sandbox, keebai, _):
        first = await plan(keebai, 500)
        async with keebai.campaigns.start(first) as run:
            await run.report()

        same, fewer = await plan(keebai, 500), await plan(keebai, 500, FIVE[:2])
        alone = await keebai.campaigns.plan(people(500), template="promo", language="es", sender=FIVE[0])

        for again in (same, fewer, alone):
            assert sum(each.repeated for each in again.reached_before) == 500
            with pytest.raises(AlreadyLaunched):
                async with keebai.campaigns.start(again):
                    raise AssertionError(again.campaign_id)

    assert sandbox.ledger.total == 500


async def test_a_repetition_is_not_smaller_because_it_is_dealt() -> None:
    """Of 4,000 people 1,200 got it an hour ago: too many for one sender, and no 1,000 for any of five."""
    async with world() as (sandbox, keebai, _):
        before = await keebai.campaigns.plan(people(1_200), template="promo", language="es", sender=FIVE[0])
        async with keebai.campaigns.start(before) as run:
            await run.report()
        whole = await keebai.campaigns.plan(
            people(4_000), template="promo", language="es", name="Otra", senders=FIVE[1:]
        )

        with pytest.raises(AlreadyLaunched, match="1200 of these 4000 people"):
            async with keebai.campaigns.start(whole):
                raise AssertionError
        with pytest.raises(AlreadyLaunched, match="1200 of these 4000 people"):
            async with keebai.campaigns.start(whole.parts[0].campaign_id):
                raise AssertionError
        async with keebai.campaigns.start(whole, agreed=whole.reached_before) as run:
            report = await run.report()

    assert report.sent == 4_000
    assert len(sandbox.ledger.repeated()) == 1_200  # who was asked has said yes


async def numbers_of(keebai: Keebai, part: str) -> list[str]:
    """Who is in a part, in the order of its list."""
    campaign = await keebai.journal.load(part)
    every = [await keebai.journal.items(part, each.number) for each in campaign.chunks]
    return [number for items in every for number in re.findall(r'"to":"([^"]+)"', items.decode())]


async def sent_before(keebai: Keebai, numbers: Sequence[str]) -> None:
    """Let these people have the template of all tests here, as a list of their own."""
    rows = [{"to": number, "nombre": "Ana", "codigo": "M-7"} for number in numbers]
    before = await keebai.campaigns.plan(rows, template="promo", language="es", name="Antes", sender=FIVE[0])
    async with keebai.campaigns.start(before) as run:
        await run.report()


@pytest.mark.parametrize("purged", [0, 1])
async def test_a_repetition_is_weighed_by_the_people_who_are_there_when_a_part_was_purged(
    purged: int,
) -> None:
    """Half of a list is purged; of the other half three in five got it, who are three in ten of all."""
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 400, FIVE[1:3])
        gone, left = (whole.parts[place].campaign_id for place in (purged, 1 - purged))
        there = await numbers_of(keebai, left)
        got = there[: len(there) * 3 // 5]
        await sent_before(keebai, got)
        await keebai.campaigns.purge(gone, unfinished=True)

        (reached,) = await keebai.campaigns.reached_before(whole.campaign_id)
        weighed = f"{len(got)} of these {len(there)} people"
        with pytest.raises(AlreadyLaunched, match=weighed):
            await keebai.campaigns.check_repetition(whole.campaign_id)
        for each in (whole.campaign_id, left):
            with pytest.raises(AlreadyLaunched, match=weighed):
                async with keebai.campaigns.start(each):
                    raise AssertionError
        async with keebai.campaigns.start(whole.campaign_id, agreed=[reached]) as run:
            report = await run.report()

    assert reached.repeated == len(got)
    assert report.accepted == len(there)
    assert len(sandbox.ledger.repeated()) == len(got)


async def test_few_who_got_it_are_not_more_because_a_part_was_purged() -> None:
    async with world() as (_, keebai, __):
        whole = await plan(keebai, 400, FIVE[1:3])
        gone, left = (each.campaign_id for each in whole.parts)
        there, purged = await numbers_of(keebai, left), await numbers_of(keebai, gone)
        await sent_before(keebai, [*purged, *there[: len(there) * 2 // 5]])
        await keebai.campaigns.purge(gone, unfinished=True)

        async with keebai.campaigns.start(whole.campaign_id) as run:
            report = await run.report()

    assert report.accepted == len(there)


async def test_what_was_sent_to_a_part_that_is_purged_repeats_for_the_same_people_and_for_no_others() -> None:
    async with world() as (_, keebai, __):
        first = await plan(keebai, 400, FIVE[1:3])
        async with keebai.campaigns.start(first.parts[0].campaign_id) as run:
            await run.report()
        again = await plan(keebai, 400, FIVE[1:3])
        await keebai.campaigns.purge(first.parts[0].campaign_id)

        reached = await keebai.campaigns.reached_before(again.campaign_id)

    assert [(each.campaign_id, each.repeated) for each in reached if each.repeated] == [
        (first.parts[0].campaign_id, again.parts[0].ready)
    ]


async def test_the_part_of_another_token_is_not_run_with_ours() -> None:
    async with world() as (sandbox, north, south):
        whole = await plan(north, 400, [FIVE[0], south])
        with pytest.raises(AnotherToken):
            async with south.campaigns.start(whole.parts[0].campaign_id):
                raise AssertionError
        async with (
            client(NORTH, sandbox, north) as other,
            other.campaigns.start(whole.campaign_id) as run,
        ):
            report = await run.report()
            check(report, sandbox)
            assert [part.unsent for part in report.parts] == [0, whole.parts[1].ready]
            assert report.parts[1].stopped_by is Cause.TOKEN
            with pytest.raises(AnotherToken):
                async with other.campaigns.start(whole.parts[1].campaign_id):
                    raise AssertionError

            other.campaigns.add_client(south)
            async with other.campaigns.resume(whole.campaign_id) as again:
                report = await again.report()

    check(report, sandbox)
    assert report.sent == 400


async def test_a_part_that_runs_elsewhere_is_left_to_it_and_the_others_go_on() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 1_000)
        async with keebai.campaigns.start(whole.parts[0].campaign_id) as elsewhere:
            async with keebai.campaigns.start(whole) as run:
                await run.report()
            await elsewhere.report()
        report = await keebai.campaigns.status(whole.campaign_id)

    check(report, sandbox)
    assert report.sent == 1_000


async def test_what_is_wrong_with_senders_is_said_before_anything_is_made() -> None:
    async with world() as (_, keebai, south):
        with pytest.raises(InvalidInput, match="named twice"):
            await plan(keebai, 10, [FIVE[0], FIVE[1], FIVE[0]])
        with pytest.raises(InvalidInput, match="named twice"):
            await plan(keebai, 10, [FIVE[4], south])
        with pytest.raises(InvalidInput, match="not among the senders"):
            await plan(keebai, 10, [FIVE[0], Sender(phone_number_id="100000000000999")])
        with pytest.raises(InvalidInput, match="not both"):
            await keebai.campaigns.plan(
                people(10), template="promo", language="es", sender=FIVE[0], senders=FIVE
            )
        assert await keebai.campaigns.list() == []


async def test_a_plan_of_several_senders_is_removed_as_a_whole() -> None:
    async with world() as (_, keebai, _south):
        whole = await plan(keebai, 100)
        with pytest.raises(CampaignBusy, match="is a part of"):
            await keebai.campaigns.remove(whole.parts[0].campaign_id)

        await keebai.campaigns.remove(whole.campaign_id)

        assert await keebai.campaigns.list() == []
        with pytest.raises(CampaignNotFound):
            await keebai.campaigns.remove(whole.campaign_id)


@pytest.mark.parametrize("place", [0, -1])
async def test_of_a_list_that_is_launched_while_it_is_removed_no_part_is_gone(place: int) -> None:
    async with world() as (_, keebai, _south):
        whole = await plan(keebai, 100)
        every, one = keebai.journal.campaigns, whole.parts[place].campaign_id
        async with AsyncExitStack() as launched:

            async def and_begins() -> list[StoredCampaign]:
                found = await every()
                await launched.enter_async_context(keebai.journal.lease(one))
                return found

            keebai.journal.campaigns = and_begins  # type: ignore[method-assign]
            with pytest.raises(CampaignBusy, match=one):
                await keebai.campaigns.remove(whole.campaign_id)
            keebai.journal.campaigns = every  # type: ignore[method-assign]

        assert len(await every()) == len(whole.parts)


async def test_of_a_list_of_which_a_part_runs_nobody_is_purged() -> None:
    async with world() as (_, keebai, _south):
        whole = await plan(keebai, 100)
        async with keebai.journal.lease(whole.parts[-1].campaign_id):
            with pytest.raises(CampaignBusy):
                await keebai.campaigns.purge(whole.campaign_id, unfinished=True)

        assert [each.purged_at for each in await keebai.journal.campaigns()] == [None] * len(whole.parts)


async def test_an_error_inside_stops_every_part_and_comes_out_as_it_is() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 3_000, chunk_size=100)

        async def fail_in_the_middle() -> None:
            async with keebai.campaigns.start(whole) as run:
                async for event in run.events():
                    if isinstance(event, ChunkAccepted):
                        raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            await fail_in_the_middle()
        report = await keebai.campaigns.status(whole.campaign_id)

    check(report, sandbox)
    assert {part.state for part in report.parts} == {"stopped"}
    assert report.unknown == report.on_the_way == 0
    assert report.unsent > 0


class _BrokenForOne(MemoryJournal):
    """Fails for one campaign with *error*, where a move is written down or where its lease is taken."""

    one = ""
    no_lease = False
    error: KeebaiError = JournalUnusable("the disk is full")

    @asynccontextmanager
    async def lease(self, campaign_id: str) -> AsyncIterator[None]:
        if campaign_id == self.one and self.no_lease:
            raise self.error
        async with super().lease(campaign_id):
            yield

    async def record(self, campaign_id: str, move: Move) -> Chunk:
        if campaign_id == self.one:
            raise self.error
        return await super().record(campaign_id, move)


@pytest.mark.parametrize("no_lease", [False, True])
@pytest.mark.parametrize("error", [JournalUnusable("the disk is full"), Misused("it was forked")])
async def test_a_part_that_cannot_be_written_down_sends_nothing_and_is_the_end_of_the_run(
    error: KeebaiError, no_lease: bool
) -> None:
    clock = ManualClock()
    journal = _BrokenForOne(clock=clock)
    async with world(journal, clock=clock) as (sandbox, keebai, _):
        whole = await plan(keebai, 3_000, chunk_size=50)
        journal.one, journal.no_lease, journal.error = whole.parts[-1].campaign_id, no_lease, error

        async def run_it() -> None:
            async with keebai.campaigns.start(whole) as run:
                await run.report()

        with pytest.raises(type(error), match=str(error)):
            await run_it()
        journal.one = ""
        report = await keebai.campaigns.status(whole.campaign_id)

    check(report, sandbox)
    assert report.parts[-1].unsent == whole.parts[-1].ready
    # Where the run did not begin, no part goes on: they end with what was on its way.
    assert (report.accepted < 600) if no_lease else (report.accepted == 3_000 - whole.parts[-1].ready)


async def test_a_cancellation_stops_every_part_and_what_has_left_is_written_down() -> None:
    async with world() as (sandbox, keebai, _):
        whole = await plan(keebai, 3_000, chunk_size=100)
        with anyio.CancelScope() as scope:
            async with keebai.campaigns.start(whole) as run:
                async for event in run.events():
                    if isinstance(event, ChunkAccepted):
                        scope.cancel()
        report = await keebai.campaigns.status(whole.campaign_id)

    check(report, sandbox)
    assert {part.state for part in report.parts} == {"stopped"}
    assert report.unknown == report.on_the_way == 0
    assert report.accepted == sandbox.ledger.total < 3_000


async def test_the_end_of_a_client_stops_the_parts_of_its_token_alone() -> None:
    async with world() as (sandbox, north, south):
        whole = await plan(north, 4_000, [*FIVE[:2], south], chunk_size=100)
        async with north.campaigns.start(whole) as run:
            async for event in run.events():
                if isinstance(event, ChunkAccepted) and event.campaign_id == whole.parts[2].campaign_id:
                    await south.aclose()
                    break
            report = await run.report()
        check(report, sandbox)
        assert [part.unsent == 0 for part in report.parts] == [True, True, False]
        assert report.parts[2].stopped_by is Cause.INTERRUPTED
        assert report.unknown == 0


async def test_the_rest_of_a_list_over_several_senders_are_those_whom_no_part_reached() -> None:
    async with world() as (_, keebai, _south):
        first = await plan(keebai, 300)
        async with keebai.campaigns.start(first) as run:
            await run.report()

        rest = await keebai.campaigns.plan(
            people(500),
            template="promo",
            language="es",
            senders=FIVE[:2],
            options=PlanOptions(rest_of=[first.campaign_id]),
        )

    assert (rest.ready, rest.suppressed) == (200, 300)


def test_whatever_is_public_of_a_run_is_done_for_all_parts() -> None:
    public = {name for name in vars(CampaignRun) if not name.startswith("_")} - {"campaign_id"}

    assert public <= vars(WholeRun).keys()


async def test_chunks_of_parts_are_settled_by_the_id_of_the_part() -> None:
    async with world() as (_, keebai, _south):
        whole = await plan(keebai, 100)
        with pytest.raises(InvalidInput, match="name the part"):
            await keebai.campaigns.reconcile(whole.campaign_id, 1, abandon=True)
        assert await keebai.campaigns.unknown(whole.campaign_id) == ()
