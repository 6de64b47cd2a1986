"""Replies that no document shows: what is not known passes, what is needed and missing is said."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async import BroadcastStatus, Keebai, Phase, Undecodable
from keebai_async.keebai.broadcasts import read_accepted, read_status
from keebai_async.keebai.messages import read_receipt
from keebai_async.keebai.paging import KEEBAI_MAX_PAGES, Pages
from keebai_async.quota.gate import OpenGate
from keebai_async.transport.address import segment
from keebai_async.transport.reply import Answer
from tests.transport.wire_server import answers, message, serving


def answer(value: object) -> Answer:
    return Answer(status=200, body=json.dumps(value).encode())


def test_an_accepted_broadcast_is_read_in_either_dialect() -> None:
    for value, total in (
        ({"broadcast_id": "b", "status": "PENDING", "total_recipients": 2, "scheduled_at": None}, 2),
        ({"broadcastId": "b", "accepted": 3, "new": {"field": 1}}, 3),
        ({"data": {"broadcast_id": "b", "total": "4"}}, 4),
        ({"broadcast_id": "b", "total_recipients": None}, None),
    ):
        accepted = read_accepted(answer(value))
        assert accepted is not None
        assert (accepted.broadcast_id, accepted.total_recipients) == ("b", total)


@pytest.mark.parametrize("value", [{}, {"broadcast_id": None}, {"broadcast_id": ""}, [], "b", None, 7])
def test_an_accepted_broadcast_without_an_id_is_none(value: object) -> None:
    assert read_accepted(answer(value)) is None


@pytest.mark.parametrize(
    "word",
    [" ", ".", "..", "...", "\u00a0", "\n", "-", "null", "undefined", "a b", "a\x00b", "\u200b", "x" * 300],
)
def test_what_no_broadcast_can_be_asked_for_by_is_no_id(word: str) -> None:
    assert read_accepted(answer({"broadcast_id": word, "total_recipients": 3})) is None
    assert read_receipt(answer({"broadcast_id": word, "status": "PENDING"})) is None
    other = read_accepted(answer({"broadcast_id": word, "broadcastId": "b"}))
    assert other is not None
    assert other.broadcast_id == "b"


@pytest.mark.parametrize("word", ["66aa00112233445566778899", "br.1", "a/b", "ñ", "7", " padded\n", 7])
def test_any_other_word_is_an_id(word: object) -> None:
    accepted = read_accepted(answer({"broadcast_id": word}))
    assert accepted is not None
    assert accepted.broadcast_id == str(word).strip()
    segment(accepted.broadcast_id, field="broadcast_id")


async def test_one_id_for_two_broadcasts_of_a_client_is_not_accepted_as_it_stands() -> None:
    reply = message(202, b'{"broadcast_id":"b","total_recipients":1}')
    async with (
        serving(answers(reply)) as server,
        Keebai("t" * 20, base_url=server.url, phone_number_id="1", limiter=OpenGate()) as keebai,
    ):
        first = await keebai.broadcasts.create_raw(b"{}", recipients=1)
        with pytest.raises(Undecodable, match="do not send it again"):
            await keebai.broadcasts.create_raw(b"{}", recipients=1)
        with pytest.raises(Undecodable, match="do not send it again"):
            await keebai.with_options(timeout=5.0).broadcasts.create_raw(b"{}", recipients=1)
    assert first.broadcast_id == "b"
    assert len(server.requests) == 3


async def test_a_status_of_another_broadcast_is_not_believed() -> None:
    reply = message(200, b'{"broadcast_id":"other","status":"COMPLETED","total_recipients":1,"sent":1}')
    async with (
        serving(answers(reply)) as server,
        Keebai("t" * 20, base_url=server.url, limiter=OpenGate()) as keebai,
    ):
        with pytest.raises(Undecodable):
            await keebai.broadcasts.status("mine")


def test_an_unknown_status_is_kept_as_text_and_is_not_final() -> None:
    status = read_status(answer({"status": "Draining", "total": 10, "sent": 4}), "b")
    assert status == BroadcastStatus(
        broadcast_id="b", status="Draining", total_recipients=10, sent=4, pending=6
    )
    assert (status.phase, status.final) == (Phase.OTHER, False)


def test_a_status_with_nulls_and_words_of_the_other_dialect_is_read() -> None:
    status = read_status(
        answer({"broadcast_id": "b", "status": "running", "total": 5, "sent": None, "failed": None}), "b"
    )
    assert status is not None
    assert (status.phase, status.sent, status.failed, status.pending) == (Phase.IN_PROGRESS, 0, 0, 5)


def test_a_reply_that_is_no_status_is_none() -> None:
    assert read_status(answer({"ok": True}), "b") is None


def test_a_receipt_has_one_of_the_two_ids() -> None:
    one = read_receipt(answer({"message_id": "wamid.1", "status": "sent", "sent_at": "2026-09-21T14:13:20Z"}))
    assert one is not None
    assert (one.message_id, one.broadcast_id) == ("wamid.1", None)
    assert read_receipt(answer({"status": "sent"})) is None


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["broadcast_id", "message_id", "status", "total", "sent", "data", "items"]), inner
        )
    ),
    max_leaves=8,
)


@given(json_values)
def test_no_json_is_too_strange_to_read(value: object) -> None:
    given_ = answer(value)
    read_accepted(given_)
    read_receipt(given_)
    status = read_status(given_, "b")
    assert status is None or status.pending >= 0


@given(st.binary(max_size=60))
def test_no_bytes_are_too_strange_to_read(body: bytes) -> None:
    given_ = Answer(status=202, body=body)
    read_accepted(given_)
    read_receipt(given_)
    read_status(given_, "b")


replies = st.fixed_dictionaries(
    {},
    optional={
        "next_cursor": st.sampled_from(["a", "b", ""]) | st.none(),
        "total": st.integers(0, 10**9),
        "limit": st.integers(0, 200),
    },
)


@given(st.lists(st.tuples(replies, st.lists(st.integers(0, 20), max_size=5)), min_size=1))
def test_reading_pages_ends_and_gives_nothing_twice(pages: list[tuple[dict[str, object], list[int]]]) -> None:
    reader, got, asked = Pages(), [], 0
    while not reader.done:
        reply, numbers = pages[min(asked, len(pages) - 1)]  # the last page is repeated for ever
        asked += 1
        items: list[dict[str, object]] = [{"id": number} for number in numbers]
        got += [item["id"] for item in reader.take(reply, items, [str(number) for number in numbers])]
    assert asked <= len(pages) + 1 <= KEEBAI_MAX_PAGES
    assert len(got) == len(set(got))


async def test_a_server_that_repeats_a_page_for_ever_is_left() -> None:
    page = {"items": [{"name": "a", "language": "es", "status": "APPROVED"}], "page": 0, "total": 1000}
    async with (
        serving(answers(message(200, json.dumps(page).encode()))) as server,
        Keebai("token-of-twelve", base_url=server.url, limiter=OpenGate()) as keebai,
    ):
        names = [template.name async for template in keebai.templates.list()]
    assert names == ["a"]
    assert len(server.requests) == 2


@pytest.mark.parametrize("body", [b"[1,", b'"text"', b"{}", b'{"data": 7}'])
async def test_a_list_that_is_none_is_undecodable(body: bytes) -> None:
    async with (
        serving(answers(message(200, body))) as server,
        Keebai("token-of-twelve", base_url=server.url, limiter=OpenGate()) as keebai,
    ):
        with pytest.raises(Undecodable):
            await keebai.numbers.list()
