"""What a receiver answers: by the contract's table, whatever comes."""

import time
from collections.abc import AsyncIterator
from pathlib import Path

import anyio
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keebai_async.clock import ManualClock
from keebai_async.webhooks import Spool, WebhookReceiver, WebhookSecrets
from tests.webhooks.kit import SECRET, delivery, pieces, signed

BODY = delivery(1)


@pytest.fixture
def clock() -> ManualClock:
    """Time that stands still until a test turns it."""
    return ManualClock()


@pytest.fixture
async def receiver(tmp_path: Path, clock: ManualClock) -> AsyncIterator[WebhookReceiver]:
    made = WebhookReceiver(
        tmp_path / "webhooks.db", secrets=WebhookSecrets(SECRET), clock=clock, max_body=2_000
    )
    async with made:
        yield made


async def status(receiver: WebhookReceiver, *parts: bytes, method: str = "POST", **headers: str) -> int:
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return (await receiver.answer(method, given, pieces(*parts))).status


async def test_what_is_signed_is_taken_in_any_pieces_and_again(
    receiver: WebhookReceiver, clock: ManualClock
) -> None:
    header = signed(BODY, clock.wall())

    assert await status(receiver, BODY, **header) == 204
    assert await status(receiver, BODY[:7], b"", BODY[7:], **header, Content_Length=str(len(BODY))) == 204
    assert await status(receiver, BODY, **header, Content_Type="text/plain; charset=utf-16") == 204
    assert await receiver.spool.count() == 3
    assert receiver.counts == {"taken": 3}


async def test_what_is_not_signed_leaves_no_trace(receiver: WebhookReceiver, clock: ManualClock) -> None:
    header = signed(BODY, clock.wall())

    assert await status(receiver, BODY) == 401
    assert await status(receiver, BODY + b" ", **header) == 401
    assert await status(receiver, BODY, **signed(BODY, clock.wall() - 301)) == 401
    assert await status(receiver, BODY, **signed(BODY, clock.wall(), "whsec_other")) == 401
    assert await receiver.spool.count() == 0


@pytest.mark.parametrize("method", ["GET", "PUT", "HEAD", "DELETE", "post", ""])
async def test_only_a_post_is_taken(receiver: WebhookReceiver, clock: ManualClock, method: str) -> None:
    assert await status(receiver, BODY, method=method, **signed(BODY, clock.wall())) == 405


async def endless(piece: bytes) -> AsyncIterator[bytes]:
    while True:
        yield piece


async def test_a_body_that_is_too_long_is_not_read_to_its_end(
    receiver: WebhookReceiver, clock: ManualClock
) -> None:
    answer = await receiver.answer("POST", signed(b"", clock.wall()), endless(b"x" * 100))

    assert (answer.status, answer.close) == (413, True)
    assert await status(receiver, b"", Content_Length="2001") == 413
    assert await status(receiver, b"", Content_Length="9" * 40) == 413
    just = b"x" * 2_000
    assert await status(receiver, just, **signed(just, clock.wall()), Content_Length="2000") == 204


@pytest.mark.parametrize("length", ["3", "0", "1999", "-5", "+5", "0x5", "", "5, 5", "٣"])
async def test_a_length_that_lies_is_told(receiver: WebhookReceiver, clock: ManualClock, length: str) -> None:
    assert await status(receiver, BODY, **signed(BODY, clock.wall()), Content_Length=length) == 413


async def test_two_lengths_are_told(receiver: WebhookReceiver, clock: ManualClock) -> None:
    headers = [*signed(BODY, clock.wall()).items(), ("Content-Length", "9"), ("content-length", "10")]

    assert (await receiver.answer("POST", headers, pieces(BODY))).status == 413


async def test_one_who_sends_nothing_more_is_not_waited_for(tmp_path: Path) -> None:
    receiver = WebhookReceiver(tmp_path / "w.db", secrets=WebhookSecrets(SECRET), deadline=0.001)

    async def slow() -> AsyncIterator[bytes]:
        yield b"{"
        await anyio.sleep_forever()

    answer = await receiver.answer("POST", {}, slow())

    assert (answer.status, answer.close) == (408, True)


async def test_what_cannot_be_kept_is_asked_for_again(tmp_path: Path, clock: ManualClock) -> None:
    (tmp_path / "folder.db").mkdir()
    receiver = WebhookReceiver(tmp_path / "folder.db", secrets=WebhookSecrets(SECRET), clock=clock)

    assert await status(receiver, BODY, **signed(BODY, clock.wall())) == 503
    (tmp_path / "folder.db").rmdir()
    assert await status(receiver, BODY, **signed(BODY, clock.wall())) == 204
    await receiver.aclose()


async def test_secrets_may_change_while_it_runs(tmp_path: Path, clock: ManualClock) -> None:
    now = [WebhookSecrets(SECRET)]
    new = signed(BODY, clock.wall(), "whsec_new")
    receiver = WebhookReceiver(tmp_path / "webhooks.db", secrets=lambda: now[0], clock=clock)

    assert await status(receiver, BODY, **new) == 401
    now[0] = WebhookSecrets(SECRET, rotating=True)
    assert await status(receiver, BODY, **new) == 503
    now[0] = WebhookSecrets("whsec_new", SECRET)
    assert await status(receiver, BODY, **new) == 204
    assert await status(receiver, BODY, **signed(BODY, clock.wall())) == 204
    now[0] = WebhookSecrets("whsec_new")
    assert await status(receiver, BODY, **signed(BODY, clock.wall())) == 401
    await receiver.aclose()


header_text = st.text(st.characters(min_codepoint=32, max_codepoint=255), max_size=60)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow], max_examples=60)
@given(
    method=st.sampled_from(["POST", "POST", "GET", "\r\n"]),
    headers=st.lists(
        st.tuples(
            st.sampled_from(["X-Keebai-Signature", "x-keebai-signature", "Content-Length", "Host"]),
            st.one_of(header_text, st.sampled_from(["t=1,v1=0", "4", "2001"])),
        ),
        max_size=5,
    ),
    parts=st.lists(st.binary(max_size=900), max_size=4),
)
async def test_no_request_that_somebody_makes_up_is_taken_or_breaks_anything(
    receiver: WebhookReceiver, method: str, headers: list[tuple[str, str]], parts: list[bytes]
) -> None:
    answer = await receiver.answer(method, headers, pieces(*parts))

    assert answer.status in (401, 405, 413)
    assert receiver.counts["taken"] == 0


async def test_what_is_counted_names_nobody(receiver: WebhookReceiver, clock: ManualClock) -> None:
    await status(receiver, BODY, **signed(BODY, clock.wall()))
    await status(receiver, BODY, X_Keebai_Signature="t=1,v1=" + SECRET)

    assert not any(character.isdigit() for character in "".join(receiver.counts))


async def test_the_machine_s_own_time_is_what_a_delivery_is_compared_with(tmp_path: Path) -> None:
    async with WebhookReceiver(Spool(tmp_path / "w.db"), secrets=WebhookSecrets(SECRET)) as receiver:
        assert await status(receiver, BODY, **signed(BODY, time.time())) == 204
        assert await status(receiver, BODY, **signed(BODY, 1_790_000_000)) == 401
