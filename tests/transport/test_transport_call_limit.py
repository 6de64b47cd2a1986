"""The `timeout` of a call holds for its wait for the quota, too, and never cuts an answer short for it."""

import time

import pytest

from keebai_async.client import Keebai
from keebai_async.errors import QuotaExhausted, RateLimited
from keebai_async.quota.window import Quota
from keebai_async.sandbox import Sandbox, faults


def client(sandbox: Sandbox, *quotas: Quota) -> Keebai:
    return Keebai(sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id, quotas=quotas)


@pytest.mark.parametrize("limiter", ["memory", "sqlite"])
async def test_a_call_hears_in_time_that_the_quota_is_spent_and_when_to_come_again(
    limiter: str, tmp_path: object
) -> None:
    with Sandbox() as sandbox:
        async with Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            quotas=[Quota(2, 600.0)],
            limiter=f"sqlite:{tmp_path}/quota.db" if limiter == "sqlite" else None,
        ) as keebai:
            for number in range(2):
                await keebai.messages.send_text(f"+549115555010{number}", "Hola")
            began = time.monotonic()
            with pytest.raises(QuotaExhausted, match="nothing was sent: the quota of") as caught:
                await keebai.messages.send_text("+5491155550109", "Hola", timeout=1.0)

        assert time.monotonic() - began < 3.0
        assert 500.0 < caught.value.retry_after <= 601.0
        assert isinstance(caught.value, RateLimited)
        assert "+5491155550109" not in sandbox.ledger.times_messaged()


async def test_a_read_is_bounded_as_well() -> None:
    with Sandbox() as sandbox:
        async with client(sandbox, Quota(1, 600.0)) as keebai:
            await keebai.messages.send_text("+5491155550101", "Hola")
            with pytest.raises(QuotaExhausted):
                await keebai.broadcasts.status("66aa00110000000000000001", timeout=0.2)


async def test_who_waited_has_at_least_half_of_the_time_for_the_answer() -> None:
    with Sandbox() as sandbox:
        sandbox.faults.on("POST /messages/text", faults.Late(seconds=0.8), nth=2)
        async with client(sandbox, Quota(1, 0.5)) as keebai:
            await keebai.messages.send_text("+5491155550101", "Hola")
            receipt = await keebai.messages.send_text("+5491155550102", "Hola", timeout=4.0)

    assert receipt.message_id or receipt.broadcast_id


async def test_a_place_that_nobody_waits_for_any_more_is_given_to_the_next() -> None:
    with Sandbox() as sandbox:
        async with client(sandbox, Quota(1, 1.0)) as keebai:
            await keebai.messages.send_text("+5491155550101", "Hola")
            with pytest.raises(QuotaExhausted):
                await keebai.messages.send_text("+5491155550102", "Hola", timeout=0.1)
            await keebai.messages.send_text("+5491155550103", "Hola")

        assert set(sandbox.ledger.times_messaged()) == {"+5491155550101", "+5491155550103"}


async def test_a_sandbox_on_the_port_of_one_that_is_gone_does_not_answer_for_what_was_spent_there() -> None:
    with Sandbox() as gone:
        async with client(gone, Quota(1, 600.0)) as keebai:
            await keebai.messages.send_text("+5491155550101", "Hola")
    with Sandbox(port=int(gone.url.rsplit(":", 1)[1].split("/")[0])) as sandbox:
        async with client(sandbox, Quota(1, 600.0)) as keebai:
            await keebai.messages.send_text("+5491155550101", "Hola", timeout=5.0)

    assert sandbox.ledger.times_messaged() == {"+5491155550101": 1}
