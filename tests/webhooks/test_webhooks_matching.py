"""Messages without a mark to the people of an unknown chunk are counted for a person, and decide nothing."""

from keebai_async.client import Keebai
from keebai_async.model.fates import UnmarkedMatch
from keebai_async.model.plan import Plan
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import Sandbox, faults
from keebai_async.webhooks import FateRecorder, MessageDelivered, MessageSent
from tests.campaign.test_sandbox_campaigns import BULK, people, world

SIZE = 20


async def lost(
    sandbox: Sandbox, keebai: Keebai, *, name: str = "Promo", first: int = 0
) -> tuple[Plan, float]:
    """A campaign of one chunk whose answer was lost, and when it left."""
    sandbox.faults.on(BULK, faults.Reset())
    plan = await keebai.campaigns.plan(
        people(first + SIZE)[first:],
        template="promo",
        language="es",
        name=name,
        options=PlanOptions(chunk_size=SIZE, marks=False),
    )
    async with keebai.campaigns.start(plan, again=True) as run:
        await run.report()
    (entry,) = await keebai.campaigns.unknown(plan.campaign_id)
    assert entry.left_at is not None
    return plan, entry.left_at


def told(
    number: str, at: float, *, sender: str = "", delivered: bool = False
) -> MessageSent | MessageDelivered:
    make = MessageDelivered if delivered else MessageSent
    kind = f"whatsapp.message.{'delivered' if delivered else 'sent'}"
    return make(kind=kind, message_id=f"wamid.{number}", number=number, at=at, sender=sender)


async def matched(keebai: Keebai, plan: Plan) -> UnmarkedMatch | None:
    (entry,) = await keebai.campaigns.unknown(plan.campaign_id)
    return entry.matched


async def test_people_are_counted_once_with_the_first_and_the_last_time_and_it_stays_unknown() -> None:
    async with world() as (sandbox, keebai):
        plan, left = await lost(sandbox, keebai)
        assert await matched(keebai, plan) is None
        recorder = FateRecorder(keebai.journal, clock=keebai.clock)
        numbers = [person["to"] for person in people(SIZE)]
        for _ in range(2):
            await recorder.record([told(number, left + 60.0 + at) for at, number in enumerate(numbers[:5])])
        await recorder.record([told(numbers[0], left + 600.0, delivered=True)])
        await recorder.record([told(numbers[5], left + 2.0)])
        again = FateRecorder(keebai.journal, clock=keebai.clock)  # after a restart
        await again.record([told(numbers[1], left + 70.0)])
        report = await keebai.campaigns.status(plan.campaign_id)

        assert await matched(keebai, plan) == UnmarkedMatch(
            people=6, first_at=float(int(left + 2.0)), last_at=float(int(left + 64.0))
        )
    assert (report.unknown, report.stopped_by) == (SIZE, "unknown")
    assert recorder.counts["unassigned"] == 12


async def test_what_cannot_be_of_the_chunk_is_not_counted() -> None:
    async with world() as (sandbox, keebai):
        plan, left = await lost(sandbox, keebai)
        recorder = FateRecorder(keebai.journal, clock=keebai.clock)
        number, sender = people(1)[0]["to"], sandbox.phone_number_id
        await recorder.record(
            [
                told(number, left - 60.0),
                told(number, left + 31 * 86_400.0),
                told(number, left + 60.0, sender="100000000000099"),
                told("+5491155559999", left + 60.0),
                told("", left + 60.0),
            ]
        )
        assert await matched(keebai, plan) is None
        await recorder.record([told(number, left + 60.0, sender=sender)])
        found = await matched(keebai, plan)

    assert found is not None
    assert found.people == 1


async def test_a_number_is_known_in_the_other_way_in_which_operators_write_it() -> None:
    async with world() as (sandbox, keebai):
        plan, left = await lost(sandbox, keebai)
        number = people(1)[0]["to"]
        await FateRecorder(keebai.journal, clock=keebai.clock).record(
            [told(number.replace("+549", "+54"), left + 60.0)]
        )
        assert await matched(keebai, plan) is not None


async def test_a_message_that_may_be_of_two_campaigns_is_of_neither() -> None:
    async with world() as (sandbox, keebai):
        first, _ = await lost(sandbox, keebai, name="First")
        second, left = await lost(sandbox, keebai, name="Second", first=SIZE // 2)
        both, one = people(SIZE)[-1]["to"], people(1)[0]["to"]
        recorder = FateRecorder(keebai.journal, clock=keebai.clock)
        await recorder.record([told(both, left + 60.0), told(one, left + 60.0)])

        assert await matched(keebai, second) is None
        found = await matched(keebai, first)
    assert found is not None
    assert found.people == 1


async def test_what_is_told_before_the_chunk_was_looked_for_is_compared_again() -> None:
    async with world() as (sandbox, keebai):
        recorder = FateRecorder(keebai.journal, clock=keebai.clock)
        await recorder.record([told("+5491155559999", keebai.clock.wall())])  # it has just looked
        plan, left = await lost(sandbox, keebai)
        numbers = [person["to"] for person in people(2)]
        await recorder.record([told(numbers[0], left + 1.0)])
        await keebai.clock.sleep(10.0)
        await recorder.record([told(numbers[1], left + 2.0)])
        found = await matched(keebai, plan)

    assert found is not None
    assert found.people == 2


async def test_nothing_of_it_stays_after_a_purge() -> None:
    async with world() as (sandbox, keebai):
        plan, left = await lost(sandbox, keebai)
        recorder = FateRecorder(keebai.journal, clock=keebai.clock)
        await recorder.record([told(people(1)[0]["to"], left + 60.0)])
        await keebai.campaigns.purge(plan.campaign_id, unfinished=True)
        await recorder.record([told(people(2)[1]["to"], left + 60.0)])

        assert await keebai.journal.matches(plan.campaign_id) == {}
