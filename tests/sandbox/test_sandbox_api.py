import aiohttp
import msgspec
import pytest

from keebai_async.clock import ManualClock
from keebai_async.sandbox import (
    DEFAULT_TOKEN,
    Complaints,
    Dialect,
    Envelope,
    SandboxTemplate,
    SandboxToken,
    Window,
)
from keebai_async.testing import Sandbox, SandboxFactory
from tests.sandbox.caller import Caller, people

SOMEBODY = "+5491122223333"


async def test_a_bulk_is_accepted_and_delivered_by_the_clock(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock)

    accepted = await caller.bulk(sandbox, people(160), campaign_name="Promo [01/01]")

    assert accepted.status == 202
    broadcast_id = accepted.json["broadcast_id"]
    assert accepted.json == {
        "broadcast_id": broadcast_id,
        "status": "scheduled",
        "total_recipients": 160,
        "scheduled_at": None,
    }
    await clock.advance(1.0)
    assert (await caller.get(sandbox, f"/messages/bulk/{broadcast_id}")).json == {
        "broadcast_id": broadcast_id,
        "status": "running",
        "total_recipients": 160,
        "sent": 80,
        "failed": 0,
        "pending": 80,
        "started_at": "2026-10-03T04:00:00.000Z",
        "completed_at": None,
    }
    await clock.advance(1.0)
    final = (await caller.get(sandbox, f"/messages/bulk/{broadcast_id}")).json
    assert (final["status"], final["sent"], final["completed_at"]) == (
        "completed",
        160,
        "2026-10-03T04:00:02.000Z",
    )
    (submission,) = sandbox.ledger.submissions
    assert (submission.template, submission.language, submission.campaign_name) == (
        "aviso",
        "es",
        "Promo [01/01]",
    )


async def test_the_guide_speaks_in_upper_case_and_takes_channel_ids(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock, dialect=Dialect.GUIDE, strict_sender=True)

    wrong = await caller.bulk(sandbox, people(1))
    right = await caller.bulk(sandbox, people(1), phone_number_id=None, channel_id=sandbox.channel_id)

    assert wrong.status == 400
    assert right.json["status"] == "PENDING"
    status = await caller.get(sandbox, f"/messages/bulk/{right.json['broadcast_id']}")
    assert status.json["status"] == "IN_PROGRESS"


async def test_mixed_alternates_from_request_to_request(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(dialect=Dialect.MIXED)

    words = [(await caller.bulk(sandbox, people(1))).json["status"] for _ in range(4)]

    assert words == ["PENDING", "scheduled", "PENDING", "scheduled"]


async def test_a_single_send_makes_a_broadcast_in_one_dialect_and_a_message_in_the_other(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(dialect=Dialect.MIXED)
    body = {
        "to": SOMEBODY,
        "phone_number_id": sandbox.phone_number_id,
        "template_name": "order_confirmation",
        "language": "es",
        "variables": {"nombre": "Lucio"},
        "meta_data": {"order": "A-17"},
    }

    guide = await caller.post(sandbox, "/messages/template", body)
    openapi = await caller.post(sandbox, "/messages/template", body)

    assert (guide.status, guide.json["total_recipients"]) == (202, 1)
    assert (openapi.status, set(openapi.json)) == (202, {"message_id", "status", "sent_at"})
    assert sandbox.ledger.repeated() == {"+541122223333": 2}
    assert [one.meta_data for one in sandbox.ledger.recipients] == [{"order": "A-17"}] * 2


async def test_a_text_is_1_to_4096_characters(keebai_sandbox: Sandbox, caller: Caller) -> None:
    def body(text: str) -> dict[str, object]:
        return {"to": SOMEBODY, "phone_number_id": keebai_sandbox.phone_number_id, "text": text}

    replies = [
        await caller.post(keebai_sandbox, "/messages/text", body("ñ" * n)) for n in (0, 1, 4_096, 4_097)
    ]

    assert [reply.status for reply in replies] == [400, 202, 202, 400]


@pytest.mark.parametrize(
    ("recipients", "complaint"),
    [
        ([], "recipients should not be empty"),
        (people(5_001), "recipients must contain no more than 5000 elements"),
        ([*people(17), {"to": "5491122223333"}], "recipients.17.to must be a phone number"),
        ([*people(2), {"to": SOMEBODY + "\n"}], "recipients.2.to must be a phone number"),
        ([{"to": "+٥٤٩١١٢٢٢٢٣٣٣٣"}], "recipients.0.to must be a phone number"),
        ([{"to": 5491122223333}], "recipients.0.to must be a string"),
        ([{"variables": {}}], "recipients.0.to should not be empty"),
        ([{"to": SOMEBODY, "variables": {"nombre": 5}}], "recipients.0.variables must be a string"),
        ([{"to": SOMEBODY, "meta_data": []}], "recipients.0.meta_data must be an object"),
        ([{"to": SOMEBODY, "metadata": {}}], "recipients.0.property metadata should not exist"),
        ("all of them", "recipients must be an array"),
    ],
)
async def test_one_wrong_recipient_refuses_the_whole_request(
    keebai_sandbox: Sandbox, caller: Caller, recipients: object, complaint: str
) -> None:
    reply = await caller.bulk(keebai_sandbox, recipients)

    assert reply.status == 400
    assert reply.json == {"message": [complaint], "error": "Bad Request", "statusCode": 400}
    assert len(keebai_sandbox.ledger) == 0


async def test_a_number_that_only_this_server_finds_malformed(
    keebai_sandbox: Sandbox, caller: Caller
) -> None:
    keebai_sandbox.malformed.add("+5491120000003")

    assert (await caller.bulk(keebai_sandbox, people(5))).json["message"] == [
        "recipients.3.to must be a phone number"
    ]
    assert (await caller.bulk(keebai_sandbox, people(3))).status == 202


@pytest.mark.parametrize(
    ("complaints", "body"),
    [
        (
            Complaints(listed=False),
            {"message": "recipients.0.to must be a phone number", "error": "Bad Request", "statusCode": 400},
        ),
        (
            Complaints(named=False),
            {"message": "Bad Request", "error": "Bad Request", "statusCode": 400},
        ),
        (
            Complaints(envelope=Envelope.CODE),
            {"error": {"code": "BAD_REQUEST", "message": ["recipients.0.to must be a phone number"]}},
        ),
        (
            Complaints(envelope=Envelope.CODE, named=False),
            {"error": {"code": "BAD_REQUEST", "message": "Bad Request"}},
        ),
    ],
)
async def test_it_complains_as_it_is_told_to(
    keebai_sandbox_factory: SandboxFactory, caller: Caller, complaints: Complaints, body: object
) -> None:
    sandbox = keebai_sandbox_factory(complaints=complaints)

    assert (await caller.bulk(sandbox, [{"to": "nobody"}])).json == body


async def test_both_senders_at_once_none_and_a_stranger_are_refused(
    keebai_sandbox: Sandbox, caller: Caller
) -> None:
    both = await caller.bulk(keebai_sandbox, people(1), channel_id=keebai_sandbox.channel_id)
    none = await caller.bulk(keebai_sandbox, people(1), phone_number_id=None)
    stranger = await caller.bulk(keebai_sandbox, people(1), phone_number_id="1")
    paused = await caller.bulk(keebai_sandbox, people(1), phone_number_id="100000000000003")

    assert [reply.status for reply in (both, none, stranger, paused)] == [400, 400, 404, 400]
    assert stranger.json["error"] == {"code": "CHANNEL_NOT_FOUND", "message": "Not Found"}
    assert len(keebai_sandbox.ledger) == 0


async def test_unknown_fields_may_be_let_through(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    strict = keebai_sandbox_factory()
    lenient = keebai_sandbox_factory(forbid_unknown=False)

    assert (await caller.bulk(strict, people(1), callback="x")).status == 400
    assert (await caller.bulk(lenient, [{"to": SOMEBODY, "x": 1}], callback="x")).status == 202


async def test_it_may_accept_fewer_than_were_sent(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(accept_at_most=3)

    assert (await caller.bulk(sandbox, people(5))).json["total_recipients"] == 3
    assert [one.to for one in sandbox.ledger.recipients] == [one["to"] for one in people(3)]


async def test_a_body_over_the_cap_is_413(keebai_sandbox_factory: SandboxFactory, caller: Caller) -> None:
    sandbox = keebai_sandbox_factory(max_body=10_000)

    assert (await caller.bulk(sandbox, people(1_000))).status == 413
    assert (await caller.bulk(sandbox, people(100))).status == 202


async def test_templates_that_are_paused_foreign_or_unknown_are_refused(
    keebai_sandbox: Sandbox, caller: Caller
) -> None:
    replies = [
        await caller.bulk(keebai_sandbox, people(1), template_name=name, language=language)
        for name, language in [("promo_pausada", "es"), ("welcome", "es"), ("nothing", "es")]
    ]

    assert [reply.json["error"] for reply in replies] == [
        {"code": code, "message": "Bad Request"}
        for code in ("TEMPLATE_NOT_APPROVED", "TEMPLATE_NOT_FOUND", "TEMPLATE_NOT_FOUND")
    ]


async def test_a_paused_template_may_fail_everybody_later_instead(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock, unapproved="fail", dialect=Dialect.GUIDE)

    accepted = await caller.bulk(
        sandbox, [{"to": SOMEBODY, "variables": {"nombre": "Ana"}}], template_name="promo_pausada"
    )
    await clock.advance(10.0)

    status = await caller.get(sandbox, f"/messages/bulk/{accepted.json['broadcast_id']}")
    assert (status.json["status"], status.json["failed"]) == ("FAILED", 1)


@pytest.mark.parametrize(
    "variables",
    [
        {"nombre": "Ana"},
        {"nombre": "Ana", "codigo": " "},
        {"nombre": "Ana\nMaría", "codigo": "1"},
        {"nombre": "Ana", "codigo": "1\t2"},
        {"nombre": "Ana     María", "codigo": "1"},
        {"nombre": "Ana", "codigo": "1", "city": "Salta"},
    ],
)
async def test_variables_that_do_not_fit_fail_their_own_recipient_later(
    keebai_sandbox_factory: SandboxFactory, caller: Caller, variables: dict[str, str]
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock)
    good = {"to": SOMEBODY, "variables": {"nombre": "Ana    María", "codigo": "007"}}

    accepted = await caller.bulk(
        sandbox, [good, {"to": "+5491122224444", "variables": variables}, good], template_name="promo"
    )
    await clock.advance(10.0)

    status = await caller.get(sandbox, f"/messages/bulk/{accepted.json['broadcast_id']}")
    assert (status.json["sent"], status.json["failed"], status.json["status"]) == (2, 1, "completed")


async def test_a_share_of_numbers_fails_and_always_the_same_ones(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock, failing=0.02)

    first = await caller.bulk(sandbox, people(5_000))
    second = await caller.bulk(sandbox, people(5_000))
    await clock.advance(200.0)

    failed = [sandbox.counters(str(reply.json["broadcast_id"])).failed for reply in (first, second)]
    assert failed[0] == failed[1]
    assert 60 <= failed[0] <= 140


async def test_nothing_is_deduped(keebai_sandbox: Sandbox, caller: Caller) -> None:
    await caller.bulk(keebai_sandbox, [{"to": SOMEBODY}, {"to": SOMEBODY}, {"to": "+541122223333"}])

    assert keebai_sandbox.ledger.times_messaged() == {SOMEBODY: 2, "+541122223333": 1}
    assert keebai_sandbox.ledger.repeated() == {"+541122223333": 3}


async def test_a_broadcast_that_is_not_ours_does_not_exist(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    foreign = SandboxToken(secret="pat_foreign", company="company-2")
    sandbox = keebai_sandbox_factory(tokens=(DEFAULT_TOKEN, foreign))
    ours = (await caller.bulk(sandbox, people(1))).json["broadcast_id"]

    seen = await caller.get(sandbox, f"/messages/bulk/{ours}", token="pat_foreign")
    absent = await caller.get(sandbox, f"/messages/bulk/{'0' * 24}")
    nonsense = await caller.get(sandbox, "/messages/bulk/nonsense")

    missing = {"error": {"code": "BROADCAST_NOT_FOUND", "message": "Not Found"}}
    assert (seen.status, seen.json) == (absent.status, absent.json) == (404, missing)
    assert nonsense.json == {"error": {"code": "INVALID_BROADCAST_ID", "message": "Bad Request"}}


@pytest.mark.parametrize("token", ["", "wrong", DEFAULT_TOKEN.secret + "x", "pat_revoked"])
async def test_a_bad_token_is_401_and_costs_nobody_anything(
    keebai_sandbox_factory: SandboxFactory, caller: Caller, token: str
) -> None:
    revoked = SandboxToken(secret="pat_revoked", revoked=True)
    sandbox = keebai_sandbox_factory(tokens=(DEFAULT_TOKEN, revoked))

    reply = await caller.get(sandbox, "/me", token=token)

    assert reply.status == 401
    assert reply.json == {
        "message": "Invalid or missing API token",
        "error": "Unauthorized",
        "statusCode": 401,
    }
    assert sandbox.traffic.by_token == {}
    assert sandbox.traffic.strangers == {"GET /me": 1}


async def test_a_token_without_the_scope_is_told_which(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(tokens=(SandboxToken(secret="pat_x", scopes=("messages:send",)),))

    reply = await caller.bulk(sandbox, people(1))

    assert reply.status == 403
    assert reply.json == {
        "error": {
            "code": "INSUFFICIENT_SCOPE",
            "message": "Forbidden",
            "details": {"required": ["messages:bulk"], "missing": ["messages:bulk"]},
        }
    }


async def test_refusals_cost_quota_like_any_other_request(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock, windows=(Window("minute", 3, 60.0),))

    replies = [
        await caller.bulk(sandbox, []),
        await caller.get(sandbox, "/nowhere"),
        await caller.get(sandbox, f"/messages/bulk/{'0' * 24}"),
        await caller.get(sandbox, "/me"),
    ]

    assert [reply.status for reply in replies] == [400, 404, 404, 429]
    assert replies[-1].json == {"message": "ThrottlerException: Too Many Requests", "statusCode": 429}
    assert replies[-1].headers["Retry-After-minute"] == "60"
    assert not [name for name in replies[-1].headers if name.startswith("X-RateLimit")]
    assert replies[0].headers["X-RateLimit-Remaining-minute"] == "2"
    assert sandbox.traffic.throttled == {"GET /me": 1}
    assert sandbox.traffic.most == {"minute": 4}


async def test_what_went_over_a_minute_ago_does_not_count_in_this_one(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock)

    for _ in range(3):
        await caller.get(sandbox, "/me")
        await clock.advance(30.0)

    assert sandbox.traffic.most == {"minute": 2, "hour": 3}


def many_templates(count: int) -> tuple[SandboxTemplate, ...]:
    return tuple(SandboxTemplate(name=f"t{place}", body="Hola") for place in range(count))


def names(items: object) -> list[str]:
    assert isinstance(items, list)
    return [str(item["name"]) for item in items]


async def test_templates_come_in_numbered_pages(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(dialect=Dialect.GUIDE, templates=many_templates(5))

    first = await caller.get(sandbox, "/templates?limit=3")
    second = await caller.get(sandbox, "/templates?limit=3&page=1")
    third = await caller.get(sandbox, "/templates?limit=3&page=2")

    assert names(first.json["items"]) == ["t0", "t1", "t2"]
    assert names(second.json["items"]) == ["t3", "t4"]
    assert third.json == {"items": [], "page": 2, "limit": 3, "total": 5}


async def test_templates_come_by_cursor_and_a_page_number_changes_nothing(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(templates=many_templates(5))

    first = await caller.get(sandbox, "/templates?limit=3&page=1")
    second = await caller.get(sandbox, f"/templates?limit=3&cursor={first.json['next_cursor']}")

    assert names(first.json["data"]) == ["t0", "t1", "t2"]
    assert names(second.json["data"]) == ["t3", "t4"]
    assert "next_cursor" not in second.json


async def test_a_mixed_sandbox_can_be_paged_through_either_way(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(dialect=Dialect.MIXED, templates=many_templates(9))

    numbered = await caller.get(sandbox, "/templates?limit=3")
    by_cursor = await caller.get(sandbox, "/templates?limit=3&page=1")
    last = await caller.get(sandbox, f"/templates?limit=3&cursor={by_cursor.json['next_cursor']}")

    assert names(numbered.json["items"]) == ["t0", "t1", "t2"]
    assert names(by_cursor.json["data"]) == ["t3", "t4", "t5"]
    assert (names(last.json["items"]), last.json["page"]) == (["t6", "t7", "t8"], 2)


async def test_a_template_may_be_paused_between_two_requests(keebai_sandbox: Sandbox, caller: Caller) -> None:
    statuses = []
    for status in ("APPROVED", "PAUSED", "APPROVED"):
        keebai_sandbox.set_template_status("aviso", status)
        statuses.append((await caller.bulk(keebai_sandbox, people(1))).status)

    assert statuses == [202, 400, 202]


async def test_templates_are_listed_by_status_and_approved_without_one(
    keebai_sandbox: Sandbox, caller: Caller
) -> None:
    approved = await caller.get(keebai_sandbox, "/templates")
    paused = await caller.get(keebai_sandbox, "/templates?status=PAUSED")

    assert names(approved.json["data"]) == ["promo", "order_confirmation", "aviso", "welcome", "turno"]
    assert names(paused.json["data"]) == ["promo_pausada"]


@pytest.mark.parametrize("query", ["limit=101", "limit=0", "page=-1", "page=x", "status=NEW", "cursor=!"])
async def test_a_query_outside_its_limits_is_refused(
    keebai_sandbox: Sandbox, caller: Caller, query: str
) -> None:
    assert (await caller.get(keebai_sandbox, f"/templates?{query}")).status == 400


async def test_numbers_and_channels_name_each_other(keebai_sandbox: Sandbox, caller: Caller) -> None:
    numbers = (await caller.get(keebai_sandbox, "/whatsapp/numbers")).json["data"]
    channels = (await caller.get(keebai_sandbox, "/channels?type=whatsapp")).json["data"]

    assert isinstance(numbers, list)
    assert isinstance(channels, list)
    assert [(one["id"], one["channel_id"]) for one in numbers] == [
        (one["phone_number_id"], one["id"]) for one in channels
    ]
    one = await caller.get(keebai_sandbox, f"/channels/{keebai_sandbox.channel_id}")
    assert one.json == channels[0]
    assert (await caller.get(keebai_sandbox, "/channels/none")).status == 404
    assert (await caller.get(keebai_sandbox, "/channels?type=telegram")).status == 400


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"\xff", b'{"recipients": [{"to": "\xff"}]}', b"null"])
async def test_a_body_that_is_no_json_object_is_refused(
    keebai_sandbox: Sandbox, caller: Caller, body: bytes
) -> None:
    assert (await caller.post(keebai_sandbox, "/messages/bulk", body)).status == 400


async def test_a_body_that_does_not_say_it_is_json_is_not_read(keebai_sandbox: Sandbox) -> None:
    headers = {"Authorization": f"Bearer {keebai_sandbox.token}"}
    body = {"to": SOMEBODY, "phone_number_id": keebai_sandbox.phone_number_id, "text": "Hola"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.post(f"{keebai_sandbox.url}/messages/text", data=msgspec.json.encode(body)) as reply,
    ):
        assert reply.status == 400
    assert len(keebai_sandbox.ledger) == 0


async def test_each_sender_delivers_at_its_own_pace(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock, delivery_rate=10.0)

    for sender in sandbox.settings.senders[:2]:
        await caller.bulk(sandbox, people(100), phone_number_id=sender.phone_number_id)
    await clock.advance(4.0)

    ids = [submission.broadcast_id or "" for submission in sandbox.ledger.submissions]
    assert [sandbox.counters(broadcast_id).sent for broadcast_id in ids] == [40, 40]


async def test_two_hundred_full_broadcasts_fit_and_are_read_at_once(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    clock = ManualClock()
    sandbox = keebai_sandbox_factory(clock=clock, windows=(), order="shared")
    everybody = msgspec.Raw(msgspec.json.encode(people(5_000)))
    for _ in range(200):
        assert (await caller.bulk(sandbox, everybody)).status == 202
    await clock.advance(1_000_000 / 80.0 / 2)

    ids = [submission.broadcast_id or "" for submission in sandbox.ledger.submissions]
    assert {sandbox.counters(broadcast_id).sent for broadcast_id in ids} == {2_500}
    assert sandbox.ledger.total == 1_000_000
