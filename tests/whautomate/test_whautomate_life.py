"""The whole life of a broadcast on a real socket, from its segment to its log."""

from datetime import datetime, timedelta, timezone

import pytest

from keebai_async import (
    Conflict,
    InvalidInput,
    NotFound,
    RateLimited,
    RequestInvalid,
    ScopeMissing,
    TimedOut,
    TokenRejected,
    Whautomate,
)
from keebai_async.clock import ManualClock
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import WhautomateSandbox, faults
from keebai_async.whautomate import Criteria
from keebai_async.whautomate.draft import DraftFields
from tests.transport.wire_server import answers, message, serving
from tests.whautomate.desk import Desk

CREATE = "POST /broadcasts"
READ = "GET /broadcasts/{id}"


async def test_a_broadcast_is_created_moved_sent_and_read_to_its_last_row(desk: Desk) -> None:
    made = await desk.client.broadcasts.create(
        **(desk.fields() | DraftFields(schedule_date_time=desk.later(3_600)))
    )
    assert not made.started
    assert made.progress.total is None

    moved = await desk.client.broadcasts.replace(made.id, name="Autumn recall")
    assert (moved.id, moved.name, moved.schedule_date_time) == (
        made.id,
        "Autumn recall",
        made.schedule_date_time,
    )

    final = await desk.client.broadcasts.wait(made.id)
    assert final.finished
    rows = [row async for row in desk.client.broadcasts.logs(made.id)]
    assert len(rows) == len({row.phone for row in rows}) == final.progress.total == 980
    assert sum(row.failed for row in rows) == final.progress.failed == 20
    assert {row.recipient_name for row in rows} >= {"Person 1", "Person 999"}
    assert desk.box.ledger.repeated() == {}


async def test_waiting_for_a_broadcast_of_tomorrow_costs_few_requests_and_is_not_called_stuck(
    desk: Desk,
) -> None:
    stuck: list[object] = []
    made = await desk.client.broadcasts.create(
        **(desk.fields() | DraftFields(schedule_date_time=desk.later(86_400)))
    )
    await desk.client.broadcasts.wait(made.id, on_stuck=stuck.append)

    assert stuck == []
    assert desk.client.requests.polls <= 86_400 / 300 + 10


async def test_a_watch_tells_every_change_of_several_broadcasts_and_never_goes_back(desk: Desk) -> None:
    ids = [(await desk.create(f"Recall {number}")).id for number in range(3)]
    seen: dict[str, list[int]] = {}
    async for broadcast in desk.client.broadcasts.watch(ids):
        seen.setdefault(broadcast.id, []).append(broadcast.progress.done or 0)

    assert sorted(seen) == sorted(ids)
    assert all(counts == sorted(counts) and counts[-1] == 980 for counts in seen.values())


async def test_a_wait_ends_with_its_timeout_and_says_how_far_it_came(desk: Desk) -> None:
    made = await desk.create()
    with pytest.raises(TimedOut, match=r"is not final after 6 s: .* 980 total"):
        await desk.client.broadcasts.wait(made.id, timeout=6.0)


async def test_a_schedule_leaves_as_utc_with_milliseconds_and_z(desk: Desk) -> None:
    local = timezone(timedelta(hours=-3))
    when = (desk.now + timedelta(days=1)).astimezone(local)
    made = await desk.client.broadcasts.create(**(desk.fields() | DraftFields(schedule_date_time=when)))

    sent = desk.box.ledger.broadcasts[0].body["scheduleDateTime"]
    assert isinstance(sent, str)
    assert sent.endswith("Z")
    assert "." in sent
    assert datetime.fromisoformat(sent) == when
    assert made.schedule_date_time == sent


async def test_replacing_never_sends_back_what_the_service_keeps(desk: Desk) -> None:
    desk.box.settings.membership = "creation"
    made = await desk.client.broadcasts.create(
        **(desk.fields() | DraftFields(schedule_date_time=desk.later(60)))
    )
    seen: list[dict[str, object]] = []
    write = desk.box._whautomate.broadcasts.replace

    def listening(broadcast_id: str, body: dict[str, object]) -> object:
        seen.append(body)
        return write(broadcast_id, body)

    desk.box._whautomate.broadcasts.replace = listening  # type: ignore[method-assign,assignment]
    await desk.client.broadcasts.replace(made.id, body_text_parameters=["Autumn", "20 May"])

    assert not seen[0].keys() & {
        "id",
        "status",
        "startedAt",
        "completedAt",
        "processedStats",
        "deliveryStats",
    }
    assert seen[0]["bodyTextParameters"] == ["Autumn", "20 May"]
    assert seen[0]["template"] == {"name": "recall_v1", "language": "en"}


async def test_a_broadcast_that_has_started_is_a_conflict_and_not_an_unknown(desk: Desk) -> None:
    made = await desk.create()
    with pytest.raises(Conflict):
        await desk.client.broadcasts.replace(made.id, name="Too late")


async def test_a_deleted_broadcast_is_not_found(desk: Desk) -> None:
    made = await desk.create()
    await desk.client.broadcasts.delete(made.id)
    with pytest.raises(NotFound):
        await desk.client.broadcasts.get(made.id)
    with pytest.raises(NotFound):
        await desk.client.broadcasts.delete(made.id)


async def test_a_list_filters_and_comes_in_pages_none_twice(desk: Desk) -> None:
    for number in range(25):
        await desk.create(f"Recall {number:02}")
    names = [one.name async for one in desk.client.broadcasts.list(page_size=7)]
    assert names == [f"Recall {number:02}" for number in reversed(range(25))]
    found = [one.name async for one in desk.client.broadcasts.list(search_text="recall 1")]
    assert sorted(found) == [f"Recall {number}" for number in range(10, 20)]
    assert [one async for one in desk.client.broadcasts.list(location_id="elsewhere")] == []
    assert [one async for one in desk.client.broadcasts.list(start_date=desk.later(60))] == []
    with pytest.raises(InvalidInput, match="no time zone"):
        _ = [one async for one in desk.client.broadcasts.list(start_date=datetime(2026, 10, 1))]  # noqa: DTZ001


async def test_a_marketing_segment_excludes_those_who_wrote_stop_unless_told_otherwise(
    whautomate: Whautomate, box: WhautomateSandbox
) -> None:
    kept = await whautomate.segments.create(
        name="a", type="contact", location=box.location, criteria=Criteria(tags=("vip",))
    )
    every = await whautomate.segments.create(
        name="b", type="contact", location=box.location, include_unsubscribed=True
    )
    assert (await whautomate.segments.get(kept.id)).criteria == Criteria(
        tags=("vip",), exclusion_tags=("Unsubscribe",)
    )
    assert (await whautomate.segments.get(every.id)).criteria in (None, Criteria())
    assert [one.name async for one in whautomate.segments.list()] == ["a", "b"]
    await whautomate.segments.delete(every.id)
    with pytest.raises(NotFound):
        await whautomate.segments.get(every.id)


async def test_a_single_template_goes_to_a_contact(whautomate: Whautomate, box: WhautomateSandbox) -> None:
    sent = await whautomate.messages.send_template(
        "CON0000001",
        template="recall_v1",
        language="en",
        location=box.location,
        body_text_parameters=["Ana", "20 May"],
    )
    assert sent.id == "MSG0000001"
    assert box.ledger.messages[0].body == {
        "contact": {"id": "CON0000001"},
        "template": {"name": "recall_v1", "language": "en"},
        "location": {"id": box.location},
        "bodyTextParameters": ["Ana", "20 May"],
    }
    with pytest.raises(NotFound):
        await whautomate.messages.send_template(
            "nobody", template="recall_v1", language="en", location=box.location
        )


async def test_a_wrong_key_is_told_of_the_other_region_and_never_shown(
    box: WhautomateSandbox, clock: ManualClock
) -> None:
    async with Whautomate("a-key-of-another-region", host=box.url, clock=clock) as client:
        with pytest.raises(TokenRejected, match="global or india") as raised:
            await client.broadcasts.get("x")
        assert "a-key-of-another-region" not in f"{client!r} {raised.value!r} {raised.value}"


async def test_a_key_that_the_service_repeats_in_its_words_is_not_shown(clock: ManualClock) -> None:
    key = "whautomate-key-0123456789"
    echo = message(403, b'{"error":"the key %s may not do this"}' % key.encode())
    async with serving(answers(echo)) as server, Whautomate(key, host=server.url, clock=clock) as client:
        with pytest.raises(ScopeMissing, match=r"the key \.\.\. may not do this") as raised:
            await client.segments.get("S1")
    assert key not in str(raised.value)
    assert f"x-api-key: {key}".encode() in server.requests[0]
    assert b"Authorization" not in server.requests[0]


async def test_a_read_survives_two_bad_replies(desk: Desk) -> None:
    made = await desk.create()
    desk.box.faults.on(READ, faults.Status())
    desk.box.faults.on(READ, faults.Reset())
    assert (await desk.client.broadcasts.get(made.id)).id == made.id


async def test_the_hundred_a_minute_are_kept_without_a_word_from_the_service(desk: Desk) -> None:
    made = await desk.create()
    for _ in range(250):
        await desk.client.broadcasts.get(made.id)
    assert desk.box.traffic.throttled.total() == 0
    assert desk.box.traffic.most["default"] <= 100


async def test_a_429_of_an_unknown_form_pauses_the_key_and_creates_once(desk: Desk) -> None:
    desk.box.settings.throttled_body = b"<html>slow down</html>"
    async with Whautomate(desk.box.key, host=desk.box.url, clock=desk.clock, limiter=OpenGate()) as reckless:
        for _ in range(99):
            await reckless.segments.get(desk.segment)
        with pytest.raises(RateLimited):
            await reckless.segments.get(desk.segment)
    await desk.create()
    assert len(desk.box.ledger.broadcasts) == 1


async def test_input_that_the_service_refuses_is_told_in_its_words(desk: Desk) -> None:
    with pytest.raises(RequestInvalid, match="Segment SEGNOWHERE not found"):
        await desk.client.broadcasts.create(**(desk.fields() | DraftFields(segments=["SEGNOWHERE"])))
    assert desk.box.ledger.broadcasts == []


async def test_created_is_asked_for_once_whatever_the_route_is_called(desk: Desk) -> None:
    await desk.create()
    assert desk.box.traffic.requests[CREATE] == 1
