"""A retry on real sockets: exactly those whose failure says later, once, and nobody who has it."""

from collections.abc import Iterable, Mapping

import anyio
import pytest

from keebai_async.client import Keebai
from keebai_async.errors import CampaignBusy, CampaignNotFound, UnusableSource
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import ChunkAccepted
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.model.plan import Plan
from keebai_async.model.report import Report
from keebai_async.model.retry import RetryChoice
from keebai_async.planning.plan import PlanOptions
from keebai_async.sandbox import Sandbox, WebhookSwitches, faults
from tests.campaign.test_sandbox_campaigns import BULK, launch, people, world

DAY = 86_400.0
CAPPED, SOON, NOT_THERE, STOPPED, UNPAID = 131049, 131056, 131026, 131050, 131042


def number(person: int) -> str:
    return people(person + 1)[person]["to"]


async def tell(
    keebai: Keebai, campaign: str, fates: Mapping[int, Fate | int], *, ago: float = 0.0, size: int = 5_000
) -> None:
    """Let webhooks have told so much of these people of a campaign; a number is the code of a failure."""
    at = keebai.clock.wall() - ago
    news = [
        PersonNews(
            campaign_id=campaign,
            chunk=person // size + 1,
            place=person % size,
            fate=fate if isinstance(fate, Fate) else Fate.FAILED,
            code=0 if isinstance(fate, Fate) else fate,
            at=at,
        )
        for person, fate in fates.items()
    ]
    assert await keebai.journal.tell(news) == len(news)


async def send(keebai: Keebai, plan: Plan) -> Report:
    async with keebai.campaigns.start(plan) as run:
        return await run.report()


def twice(sandbox: Sandbox) -> set[str]:
    """Who was messaged exactly twice; nobody may be more often."""
    times = sandbox.ledger.times_messaged()
    assert max(times.values()) <= 2
    return {number for number, count in times.items() if count == 2}


def numbers(persons: Iterable[int]) -> set[str]:
    return {number(person) for person in persons}


async def test_exactly_those_whose_code_says_later_get_it_once_more_with_their_own_values() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 12)
        told = {
            0: SOON,
            1: CAPPED,
            2: NOT_THERE,
            3: STOPPED,
            4: UNPAID,
            5: 0,
            6: Fate.READ,
            7: Fate.SENT,
            8: SOON,
        }
        await tell(keebai, first.campaign_id, told, ago=100.0)
        await tell(keebai, first.campaign_id, {8: Fate.DELIVERED})

        account = await keebai.campaigns.retryable(first.campaign_id)
        plan = await keebai.campaigns.retry(first.campaign_id)
        report = await send(keebai, plan)

    assert twice(sandbox) == numbers([0])
    assert (plan.name, plan.template, plan.ready, report.accepted) == ("Promo marzo (retry)", "promo", 1, 1)
    again = [one for one in sandbox.ledger.recipients if one.to == number(0)]
    assert again[0].variables == again[1].variables == {"nombre": "Ana 0", "codigo": "M-7"}
    assert again[0].meta_data != again[1].meta_data  # a mark of its own
    assert {(each.choice.value, each.code, each.people) for each in account.groups} == {
        ("now", SOON, 1),
        ("not yet", CAPPED, 1),
        ("never", NOT_THERE, 1),
        ("never", STOPPED, 1),
        ("fix", UNPAID, 1),
        ("fix", 0, 1),
    }
    assert report.errors() == ()


async def test_the_cap_is_waited_for_and_a_plan_for_then_is_not_sent_before() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 4)
        await tell(keebai, first.campaign_id, {0: CAPPED, 1: CAPPED})
        with pytest.raises(UnusableSource, match="nobody of campaign"):
            await keebai.campaigns.retry(first.campaign_id)

        due = keebai.clock.wall() + DAY
        plan = await keebai.campaigns.retry(first.campaign_id, at=due)
        with pytest.raises(CampaignBusy, match="is not to be sent before"):
            await send(keebai, plan)
        with pytest.raises(CampaignBusy, match="is not to be sent before"):
            await keebai.campaigns.check_retry(plan.campaign_id)
        assert twice(sandbox) == set()
        await keebai.clock.sleep(DAY)
        report = await send(keebai, plan)

    assert twice(sandbox) == numbers([0, 1])
    assert (plan.not_before, report.accepted) == (due, 2)


async def test_who_was_delivered_between_the_plan_and_the_launch_is_left_out() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 6)
        await tell(keebai, first.campaign_id, dict.fromkeys(range(4), SOON), ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id)
        await tell(keebai, first.campaign_id, {1: Fate.DELIVERED, 3: Fate.READ})

        report = await send(keebai, plan)

    assert twice(sandbox) == numbers([0, 2])
    assert (report.accepted, report.refused, report.unsent, report.errors()) == (2, 2, 0, ())
    (why,) = {chunk.reason for chunk in report.chunks if chunk.state is ChunkState.REFUSED}
    assert why is not None
    assert "2 delivered" in why


async def test_everybody_in_a_chunk_may_have_got_it_meanwhile() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 3)
        await tell(keebai, first.campaign_id, {0: SOON, 1: SOON}, ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id)
        await tell(keebai, first.campaign_id, {0: Fate.DELIVERED, 1: Fate.DELIVERED})
        before = sandbox.traffic.requests[BULK]

        report = await send(keebai, plan)

    assert (twice(sandbox), sandbox.traffic.requests[BULK]) == (set(), before)
    assert (report.state, report.refused, report.accepted) == ("finished", 2, 0)


async def test_it_is_looked_once_more_before_each_request_not_only_at_the_start() -> None:
    options = PlanOptions(chunk_size=2, pace=None)
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 30)
        await tell(keebai, first.campaign_id, dict.fromkeys(range(30), SOON), ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id, options=options)
        async with keebai.campaigns.start(plan, pace="2/1m") as run:
            left: list[int] = []
            async for event in run.events():
                if isinstance(event, ChunkAccepted):
                    left = [each for each in range(30) if sandbox.ledger.times_messaged()[number(each)] == 1]
                    await tell(keebai, first.campaign_id, dict.fromkeys(left[2:], Fate.DELIVERED))
                    break
            report = await run.report()

    told = numbers(left[2:])
    assert len(told) > 10
    assert not told & twice(sandbox)
    assert (report.accepted + report.refused, report.errors()) == (30, ())


async def test_once_per_person_unless_it_is_said_and_never_who_has_it_by_now() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 6)
        await tell(keebai, first.campaign_id, {0: SOON, 1: SOON, 2: SOON}, ago=100.0)
        second = await keebai.campaigns.retry(first.campaign_id)
        await send(keebai, second)
        assert await choices(keebai, first.campaign_id) == {RetryChoice.PENDING: 3}  # no word of it yet

        await tell(keebai, second.campaign_id, {0: SOON, 1: Fate.READ})
        await keebai.clock.sleep(100.0)
        expected = {RetryChoice.RETRIED: 1, RetryChoice.DELIVERED: 1, RetryChoice.PENDING: 1}
        assert await choices(keebai, first.campaign_id) == expected
        assert await choices(keebai, second.campaign_id) == {RetryChoice.RETRIED: 1}
        third = await keebai.campaigns.retry(first.campaign_id, again=True)
        report = await send(keebai, third)

    times = sandbox.ledger.times_messaged()
    assert {number for number, count in times.items() if count == 3} == numbers([0])
    assert {number for number, count in times.items() if count == 2} == numbers([1, 2])
    assert report.accepted == 1


async def choices(keebai: Keebai, campaign: str) -> dict[RetryChoice, int]:
    account = await keebai.campaigns.retryable(campaign)
    return {choice: people for choice in RetryChoice if (people := account.people(choice))}


async def test_a_repetition_is_no_question_in_the_family_and_stays_one_outside_of_it() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 2_000)
        await tell(keebai, first.campaign_id, dict.fromkeys(range(1_500), SOON), ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id)
        assert plan.reached_before == ()
        await keebai.campaigns.check_repetition(plan.campaign_id)
        other = await keebai.campaigns.plan(people(1_500), template="promo", language="es", name="Otra")
        async with keebai.campaigns.start(other, again=True) as run:
            await run.report()

        with pytest.raises(CampaignBusy, match="1500 of these 1500 people got the template"):
            await send(keebai, plan)

    assert max(sandbox.ledger.times_messaged().values()) == 2


async def test_people_of_a_chunk_whose_answer_was_lost_are_not_retried_before_a_word_proves_it() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset(), nth=1)
        first = await launch(keebai, 4)
        assert first.unknown == 4
        with pytest.raises(UnusableSource, match="nobody of campaign"):
            await keebai.campaigns.retry(first.campaign_id)

        # A word of one proves that the chunk was accepted; of the others nothing is known all the same.
        await tell(keebai, first.campaign_id, {0: SOON}, ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id)
        await send(keebai, plan)

    assert twice(sandbox) == numbers([0])


async def test_after_a_purge_it_says_that_people_are_gone() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 4)
        await tell(keebai, first.campaign_id, {0: SOON, 1: SOON}, ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id)
        await keebai.campaigns.purge(first.campaign_id)

        with pytest.raises(CampaignNotFound, match="nobody can say to whom to send again"):
            await keebai.campaigns.retry(first.campaign_id)
        with pytest.raises(CampaignBusy, match="cannot begin any more"):
            await send(keebai, plan)

    assert twice(sandbox) == set()


async def test_two_retries_to_the_same_people_never_both_send() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 4)
        await tell(keebai, first.campaign_id, {0: SOON, 1: SOON}, ago=100.0)
        plans = [await keebai.campaigns.retry(first.campaign_id, name=name) for name in ("uno", "dos")]
        refused: list[CampaignBusy] = []

        async def one(plan: Plan) -> None:
            try:
                await send(keebai, plan)
            except CampaignBusy as error:
                refused.append(error)

        async with anyio.create_task_group() as tasks:
            for plan in plans:
                tasks.start_soon(one, plan)
        assert len(refused) in (1, 2)
        for plan in plans:
            await one(plan)

    assert twice(sandbox) == numbers([0, 1])


async def test_a_retry_that_was_stopped_goes_on_and_looks_again() -> None:
    async with world() as (sandbox, keebai):
        first = await launch(keebai, 8)
        await tell(keebai, first.campaign_id, dict.fromkeys(range(8), SOON), ago=100.0)
        plan = await keebai.campaigns.retry(first.campaign_id, options=PlanOptions(chunk_size=2))
        async with keebai.campaigns.start(plan, pace="2/1h") as run:
            async for event in run.events():
                if isinstance(event, ChunkAccepted):
                    run.stop()
            stopped = await run.report()
        left = [each for each in range(8) if sandbox.ledger.times_messaged()[number(each)] == 1]
        await tell(keebai, first.campaign_id, {left[0]: Fate.DELIVERED})

        async with keebai.campaigns.resume(plan.campaign_id, pace="off") as run:
            report = await run.report()

    assert stopped.unsent == len(left)
    assert twice(sandbox) == numbers(set(range(8)) - {left[0]})
    assert (report.refused, report.errors()) == (1, ())


async def test_at_real_size_exactly_those_of_the_sandbox_s_truth_are_sent_to_again() -> None:
    """50,000 people, of whom the events are known without being delivered; some deliveries are told late."""
    switches = WebhookSwitches(capped=0.4, stopped=0.1, failed_first=0.02, lost=1.0)
    async with (
        Sandbox(speed=20_000.0, failing=0.05, webhooks=switches) as sandbox,
        Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            clock=sandbox.clock,
            limiter="memory:",
        ) as keebai,
    ):
        sandbox.subscribe("http://127.0.0.1:9/nobody")
        first = await launch(keebai, 50_000)
        while sandbox.webhooks.waiting:
            await keebai.clock.sleep(10.0)
        truth = sandbox.webhooks.truth
        fates = [truth[number] for number in (person["to"] for person in people(50_000))]
        late = {place for place, one in enumerate(fates) if one.fate != "failed" and one.code}
        as_told: dict[int, Fate | int] = {
            place: CAPPED if place in late else one.code if one.fate == "failed" else Fate[one.fate.upper()]
            for place, one in enumerate(fates)
        }
        for start in range(0, 50_000, 5_000):
            part = {place: as_told[place] for place in range(start, start + 5_000)}
            await tell(keebai, first.campaign_id, part)
        await keebai.clock.sleep(DAY)
        plan = await keebai.campaigns.retry(first.campaign_id)
        # What came as failed first is told to have been delivered, too late for the plan.
        await tell(keebai, first.campaign_id, dict.fromkeys(late, Fate.DELIVERED))
        report = await send(keebai, plan)

    capped = {place for place, one in enumerate(fates) if one.fate == "failed" and one.code == CAPPED}
    check_once_more(sandbox, capped)
    assert len(late) > 500
    assert len(capped) > 500
    assert (report.errors(), report.unknown, report.unsent) == ((), 0, 0)
    assert (plan.ready, report.accepted, report.refused) == (len(capped) + len(late), len(capped), len(late))


def check_once_more(sandbox: Sandbox, expected: set[int]) -> None:
    assert {number[4:] for number in twice(sandbox)} == {f"{1_100_000_000 + place}" for place in expected}


async def test_who_failed_by_a_lost_request_is_not_retried_while_the_one_after_it_is_on_its_way() -> None:
    """Somebody said that it did not arrive, and it had: its failures come when the second one has left."""
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        first = await launch(keebai, 4)
        before = keebai.clock.wall()
        await keebai.clock.sleep(60.0)
        await keebai.campaigns.reconcile(first.campaign_id, 1, resend=True)
        async with keebai.campaigns.resume(first.campaign_id) as run:
            report = await run.report()
        await tell(keebai, first.campaign_id, {0: SOON, 1: SOON}, ago=keebai.clock.wall() - before - 1.0)

        assert (report.accepted, await choices(keebai, first.campaign_id)) == (4, {RetryChoice.PENDING: 2})
        with pytest.raises(UnusableSource, match="nobody of campaign"):
            await keebai.campaigns.retry(first.campaign_id)

        await tell(keebai, first.campaign_id, {1: SOON})  # and the second message failed as well
        await keebai.clock.sleep(100.0)
        assert await choices(keebai, first.campaign_id) == {RetryChoice.PENDING: 1, RetryChoice.NOW: 1}


async def test_a_lost_request_that_proves_to_have_arrived_when_its_retry_runs_holds_the_retry_back() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        first = await launch(keebai, 4)
        before = keebai.clock.wall()
        await keebai.clock.sleep(60.0)
        await keebai.campaigns.reconcile(first.campaign_id, 1, resend=True)
        async with keebai.campaigns.resume(first.campaign_id) as run:
            await run.report()
        left = sandbox.ledger.total
        await tell(keebai, first.campaign_id, {0: SOON})
        await keebai.clock.sleep(100.0)
        plan = await keebai.campaigns.retry(first.campaign_id)
        ago = keebai.clock.wall() - before - 1.0
        async with keebai.campaigns.start(plan) as run:
            await tell(keebai, first.campaign_id, {2: SOON}, ago=ago)  # of somebody else in the same chunk
            report = await run.report()

    assert (report.accepted, report.refused, sandbox.ledger.total) == (0, 1, left)
