"""The client as a whole: what it takes from the environment, what its copies share, what it closes."""

import os
import pickle
from pathlib import Path

import pytest

from keebai_async import InvalidInput, Keebai, Misused, Quota, Sender, SubmitPolicy, Timeouts
from keebai_async.quota.limiter import RateLimiter
from tests.transport.wire_server import answers, message, serving

SECRET = "kbai_pk_" + "0ddba11" * 9


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in list(os.environ):
        if name.startswith("KEEBAI_"):
            monkeypatch.delenv(name)


def test_what_is_not_given_comes_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEBAI_API_KEY", SECRET)
    monkeypatch.setenv("KEEBAI_BASE_URL", "http://127.0.0.1:9/v1/")
    monkeypatch.setenv("KEEBAI_CHANNEL_ID", "c-1")
    monkeypatch.setenv("KEEBAI_QUOTA", "5/1s,100/1h")
    monkeypatch.setenv("KEEBAI_POLL_FLOOR", "0.5")
    keebai = Keebai()
    assert keebai.base_url == "http://127.0.0.1:9/v1"
    assert keebai.sender == Sender(channel_id="c-1")
    assert keebai.quotas == (Quota(5, 1.0), Quota(100, 3600.0))
    assert keebai.poll_floor == 0.5


def test_an_argument_goes_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEBAI_CHANNEL_ID", "c-1")
    assert Keebai(SECRET, phone_number_id="1").sender == Sender(phone_number_id="1")


def test_without_anything_the_documented_service_and_quota_are_used() -> None:
    keebai = Keebai(SECRET)
    assert keebai.base_url == "https://api.keebai.com/v1"
    assert keebai.quotas == (Quota(60, 60.0), Quota(1_000, 3_600.0))
    assert (keebai.poll_floor, keebai.sender) == (5.0, None)


@pytest.mark.parametrize("value", ["0", "-1", "nan", "inf", "soon"])
def test_a_poll_floor_that_is_no_time_is_refused(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEEBAI_POLL_FLOOR", value)
    with pytest.raises(InvalidInput, match="poll floor"):
        Keebai(SECRET)


def test_a_client_without_a_token_says_which_variable_to_set() -> None:
    with pytest.raises(InvalidInput, match="KEEBAI_API_TOKEN") as raised:
        Keebai()
    assert raised.value.field == "token"


def test_a_sender_is_asked_for_when_one_is_needed() -> None:
    with pytest.raises(InvalidInput, match="KEEBAI_PHONE_NUMBER_ID"):
        Keebai(SECRET).sender_or()
    with pytest.raises(InvalidInput, match="not both"):
        Keebai(SECRET, phone_number_id="1", channel_id="2")


def test_clients_of_one_token_share_one_limiter() -> None:
    one, same = Keebai(SECRET), Keebai(SECRET, phone_number_id="1")
    other, elsewhere = Keebai(SECRET + "x"), Keebai(SECRET, base_url="http://localhost/v1")
    own = RateLimiter()
    assert one.limiter is same.limiter
    assert len({id(client.limiter) for client in (one, other, elsewhere)}) == 3
    assert Keebai(SECRET, limiter=own).limiter is own


async def test_a_copy_shares_session_and_limiter_and_closes_nothing() -> None:
    async with serving(answers(message(200, b'{"id": "u"}'))) as server:
        async with Keebai(SECRET, base_url=server.url, phone_number_id="1") as keebai:
            async with keebai.with_options(
                channel_id="2",
                timeout=5.0,
                submit_policy=SubmitPolicy(resend_on=frozenset({502})),
            ) as copy:
                assert copy.limiter is keebai.limiter
                assert copy.sender == Sender(channel_id="2")
                assert copy.timeouts == Timeouts(connect=5.0, read=5.0, submit=5.0)
                assert await copy.me() == {"id": "u"}
            assert await keebai.me() == {"id": "u"}
            assert (keebai.sender, keebai.timeouts) == (Sender(phone_number_id="1"), Timeouts())
        with pytest.raises(Misused):
            await copy.me()
        assert server.connections == 1


async def test_a_journal_given_by_name_is_closed_with_the_client(tmp_path: Path) -> None:
    async with Keebai(SECRET, journal=tmp_path / "journal.db") as keebai:
        journal = keebai.journal
        assert keebai.journal is journal
        assert keebai.with_options(timeout=1.0).journal is journal
        assert await journal.campaigns() == []
    await keebai.aclose()


async def test_what_was_to_be_closed_is_closed_once_and_backwards() -> None:
    closed: list[str] = []

    async def first() -> None:
        closed.append("first")

    async def second() -> None:
        closed.append("second")

    async with Keebai(SECRET) as keebai:
        keebai.at_close(first)
        keebai.at_close(second)
    await keebai.aclose()
    assert closed == ["second", "first"]


def test_a_client_cannot_print_or_pickle_its_token() -> None:
    keebai = Keebai(SECRET)
    assert SECRET not in repr(keebai)
    assert SECRET not in str(vars(keebai))
    with pytest.raises(TypeError):
        pickle.dumps(keebai)
