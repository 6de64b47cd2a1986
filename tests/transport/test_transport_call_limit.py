"""The `timeout` of a call holds for its wait for the quota, too, and never cuts an answer short for it."""

import anyio
import pytest

from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput, Misused, QuotaExhausted, RateLimited
from keebai_async.quota.limiter import Margin, RateLimiter
from keebai_async.quota.window import Quota
from keebai_async.sandbox import Sandbox, faults
from keebai_async.transport.exchange import Exchange
from tests.transport.test_transport_exchange import OK, READ, Wire


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
            with (
                anyio.fail_after(60),
                pytest.raises(QuotaExhausted, match="nothing was sent: the quota of") as caught,
            ):
                await keebai.messages.send_text("+5491155550109", "Hola", timeout=1.0)

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
            receipt = await keebai.messages.send_text("+5491155550102", "Hola", timeout=20.0)

    assert receipt.message_id or receipt.broadcast_id


async def test_a_place_that_nobody_waits_for_any_more_is_given_to_the_next() -> None:
    with Sandbox() as sandbox:
        async with client(sandbox, Quota(1, 4.0)) as keebai:
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


async def test_without_a_timeout_a_call_hears_at_once_that_the_quota_is_spent_for_long() -> None:
    with Sandbox() as sandbox:
        async with client(sandbox, Quota(1, 600.0)) as keebai:
            await keebai.messages.send_text("+5491155550101", "Hola")
            with anyio.fail_after(60), pytest.raises(QuotaExhausted, match="longest_quota_wait") as caught:
                await keebai.messages.send_text("+5491155550109", "Hola")

        assert 500.0 < caught.value.retry_after <= 601.0
        assert set(sandbox.ledger.times_messaged()) == {"+5491155550101"}


async def test_who_waits_behind_others_is_bounded_too_and_takes_nothing_from_them() -> None:
    clock = ManualClock()
    gate = RateLimiter((Quota(1, 60.0),), clock=clock, margin=Margin(seconds=0.0, drift=0.0))
    exchange = Exchange(Wire(OK), gate, clock=clock, longest_quota_wait=75.0)
    waits: list[float] = []

    async def read() -> None:
        try:
            await exchange.read(READ)
        except QuotaExhausted as error:
            waits.append(error.retry_after)

    async with clock.running(), anyio.create_task_group() as tasks:
        for _ in range(4):
            tasks.start_soon(read)

    assert waits == [60.0, 60.0]  # two went, at 0 s and 60 s; then 75 s were too few for the others
    assert clock.now() == ManualClock().now() + 60.0


async def test_a_call_may_wait_for_ever_if_its_client_says_so() -> None:
    clock = ManualClock()
    gate = RateLimiter((Quota(1, 3_600.0),), clock=clock)
    exchange = Exchange(Wire(OK), gate, clock=clock, longest_quota_wait=None)
    async with clock.running():
        for _ in range(3):
            await exchange.read(READ)

    assert clock.now() >= ManualClock().now() + 7_200.0


@pytest.mark.parametrize("longest", [-1.0, float("nan"), float("inf")])
def test_a_bound_that_is_no_time_is_refused(longest: float) -> None:
    with pytest.raises(InvalidInput, match="longest_quota_wait"):
        Keebai("kbai_pk_x", longest_quota_wait=longest)


@pytest.mark.parametrize("longest", [75.0, None])
@pytest.mark.parametrize("timeout", [None, 600.0])
async def test_who_waits_for_the_quota_while_the_client_is_closed_hears_it_at_once(
    longest: float | None, timeout: float | None
) -> None:
    with Sandbox() as sandbox:
        keebai = Keebai(
            sandbox.token,
            base_url=sandbox.url,
            phone_number_id=sandbox.phone_number_id,
            quotas=[Quota(1, 50.0)],
            longest_quota_wait=longest,
        )
        await keebai.messages.send_text("+5491155550101", "Hola")
        ended: list[str] = []

        async def one(to: str) -> None:
            with pytest.raises(Misused, match="closed"):
                await keebai.messages.send_text(to, "Hola", timeout=timeout)
            ended.append(to)

        with anyio.fail_after(60):
            async with anyio.create_task_group() as tasks:
                for to in ("+5491155550102", "+5491155550103"):
                    tasks.start_soon(one, to)
                await anyio.wait_all_tasks_blocked()
                await keebai.with_options().aclose()  # a copy closes nothing
                assert ended == []
                await keebai.aclose()

        assert len(ended) == 2
        assert set(sandbox.ledger.times_messaged()) == {"+5491155550101"}
