"""Who may have a message counts as one who has it: also who was given up, or refused when sent to again."""

import pytest

from keebai_async.client import Keebai
from keebai_async.errors import AlreadyLaunched
from keebai_async.model.lost import LATE_ARRIVAL
from keebai_async.model.plan import Plan
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import faults
from tests.campaign.test_proof import SIZE, ended, notice, planned
from tests.campaign.test_sandbox_campaigns import BULK, people, world


async def once_more(keebai: Keebai, count: int, **options: object) -> Plan:
    """A plan of another name to the first *count* people."""
    chosen = PlanOptions(**options)  # type: ignore[arg-type]
    return await keebai.campaigns.plan(
        people(count), template="promo", language="es", name="Promo abril", options=chosen
    )


async def given_up(keebai: Keebai) -> Plan:
    plan = await planned(keebai, SIZE)
    await ended(keebai, plan)
    await keebai.campaigns.reconcile(plan.campaign_id, 1, abandon=True)
    return plan


async def test_the_rest_of_a_campaign_are_not_those_who_were_given_up() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())  # they have it
        plan = await given_up(keebai)

        rest = await once_more(keebai, SIZE + 3, rest_of=[plan.campaign_id])
        await ended(keebai, rest)

    assert (rest.ready, rest.suppressed) == (3, SIZE)
    assert sandbox.ledger.repeated() == {}


async def test_the_same_to_those_who_were_given_up_is_a_repetition() -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await given_up(keebai)

        same = await once_more(keebai, SIZE)
        with pytest.raises(AlreadyLaunched, match=f"{SIZE} of these {SIZE} people got"):
            await ended(keebai, same)

    assert [(each.campaign_id, each.people, each.repeated) for each in same.reached_before] == [
        (plan.campaign_id, SIZE, SIZE)
    ]
    assert sandbox.ledger.repeated() == {}


@pytest.mark.parametrize("options", ["rest_of", "not_within", "not_within, purged"])
async def test_who_is_refused_when_sent_to_again_and_is_told_to_have_it_is_left_out(options: str) -> None:
    async with world() as (sandbox, keebai):
        sandbox.faults.on(BULK, faults.Reset())
        plan = await planned(keebai, SIZE)
        await ended(keebai, plan)
        news = await notice(keebai, plan.campaign_id, 1, 2)
        await keebai.clock.sleep(LATE_ARRIVAL)
        await keebai.campaigns.reconcile(plan.campaign_id, 1, resend=True)
        sandbox.malformed.add(people(3)[2]["to"])
        report = await ended(keebai, plan)
        await keebai.journal.tell([news])
        if options.endswith("purged"):
            await keebai.campaigns.purge(plan.campaign_id)

        left_out: dict[str, object] = {"not_within": 86_400.0}
        if options == "rest_of":
            left_out = {"rest_of": [plan.campaign_id]}
        rest = await once_more(keebai, SIZE + 1, **left_out)

    assert report.refused == 1
    assert (rest.ready, rest.suppressed) == (1, SIZE)
