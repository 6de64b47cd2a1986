"""Every resource against the sandbox, in each dialect of the documents."""

from collections.abc import AsyncIterator

import pytest

from keebai_async import (
    InvalidInput,
    Keebai,
    NotFound,
    OutcomeUnknown,
    Phase,
    RateLimited,
    RequestInvalid,
    Requests,
    ScopeMissing,
    TemplateUnusable,
    TimedOut,
    TokenRejected,
    Undecodable,
)
from keebai_async.campaign.service import Halted, Taken
from keebai_async.clock import ManualClock
from keebai_async.polling.planner import Stuck
from keebai_async.quota.gate import OpenGate
from keebai_async.sandbox import Dialect, Sandbox, SandboxTemplate, SandboxToken, faults

PERSON = "+5491155555555"
SEND = "POST /messages/template"
BULK = "POST /messages/bulk"
STATUS = "GET /messages/bulk/{broadcast_id}"


@pytest.fixture(params=list(Dialect))
async def sandbox(request: pytest.FixtureRequest, clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(dialect=request.param, clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
async def keebai(sandbox: Sandbox, clock: ManualClock) -> AsyncIterator[Keebai]:
    async with Keebai(
        sandbox.token,
        base_url=sandbox.url,
        phone_number_id=sandbox.phone_number_id,
        clock=clock,
        timeout=2.0,
    ) as keebai:
        yield keebai


async def test_a_template_reaches_one_person_with_variables_and_meta_data(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    receipt = await keebai.messages.send_template(
        PERSON,
        template="order_confirmation",
        language="es",
        variables={"nombre": "Lucio"},
        meta_data={"order": "A-17"},
    )
    assert receipt.broadcast_id or receipt.message_id
    assert keebai.requests == Requests(submits=1)
    assert len(sandbox.ledger.submissions) == 1


async def test_a_text_reaches_one_person_by_channel_too(keebai: Keebai, sandbox: Sandbox) -> None:
    receipt = await keebai.messages.send_text(PERSON, "Hola", channel_id=sandbox.channel_id)
    assert receipt.status
    assert len(sandbox.ledger.submissions) == 1


async def test_a_broadcast_is_accepted_and_followed_to_its_end(keebai: Keebai) -> None:
    accepted = await keebai.broadcasts.create(
        template="aviso",
        language="es",
        recipients=[{"to": f"+54911555{number:05}"} for number in range(1000)],
        campaign_name="Promo marzo [01/01]",
    )
    assert accepted.total_recipients == 1000
    status = await keebai.broadcasts.status(accepted.broadcast_id)
    assert (status.final, status.total_recipients) == (False, 1000)
    final = await keebai.broadcasts.wait(accepted.broadcast_id)
    assert (final.phase, final.sent, final.failed, final.pending) == (Phase.COMPLETED, 1000, 0, 0)
    assert keebai.requests.polls <= 5


async def test_waiting_never_looks_more_often_than_the_floor(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    accepted = await keebai.broadcasts.create(
        template="aviso",
        language="es",
        recipients=[{"to": f"+54911555{number:05}"} for number in range(1000)],
    )
    start = clock.now()
    await keebai.broadcasts.wait(accepted.broadcast_id)
    assert clock.now() - start >= (keebai.requests.polls - 1) * 5.0


async def test_waiting_ends_with_its_timeout(keebai: Keebai) -> None:
    accepted = await keebai.broadcasts.create(
        template="aviso",
        language="es",
        recipients=[{"to": f"+54911555{number:05}"} for number in range(5000)],
    )
    with pytest.raises(TimedOut, match="not final after 20 s"):
        await keebai.broadcasts.wait(accepted.broadcast_id, timeout=20.0)


async def test_watching_many_broadcasts_tells_each_change_until_all_are_final(keebai: Keebai) -> None:
    ids = [
        (
            await keebai.broadcasts.create(
                template="aviso",
                language="es",
                recipients=[{"to": f"+54911{part}55{number:05}"} for number in range(2000)],
            )
        ).broadcast_id
        for part in range(5)
    ]
    before = keebai.requests.polls

    told: dict[str, list[int]] = {broadcast_id: [] for broadcast_id in ids}
    async for status in keebai.broadcasts.watch(ids):
        told[status.broadcast_id].append(status.sent)

    assert all(counts[-1] == 2000 for counts in told.values())
    assert all(counts == sorted(set(counts)) for counts in told.values())
    assert keebai.requests.polls - before <= 4 * len(ids)


async def test_a_watch_can_be_left_after_its_first_word(keebai: Keebai) -> None:
    accepted = await keebai.broadcasts.create(
        template="aviso",
        language="es",
        recipients=[{"to": f"+54911555{number:05}"} for number in range(1000)],
    )
    watch = keebai.broadcasts.watch([accepted])
    first = await anext(watch)
    await watch.aclose()
    assert first.broadcast_id == accepted.broadcast_id


async def test_a_broadcast_that_does_not_move_is_told_as_stuck_and_waited_for(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    first = await keebai.broadcasts.create(
        template="aviso",
        language="es",
        recipients=[{"to": f"+54911555{number:05}"} for number in range(5000)],
    )
    behind = await keebai.broadcasts.create(template="aviso", language="es", recipients=[{"to": PERSON}])
    stuck: list[Stuck] = []

    final = await keebai.broadcasts.wait(behind.broadcast_id, stuck_after=30.0, on_stuck=stuck.append)

    assert final.sent == 1
    assert [one.broadcast_id for one in stuck] == [behind.broadcast_id]
    assert (await keebai.broadcasts.status(first.broadcast_id)).final


async def test_numbers_channels_and_the_token_itself_are_listed(keebai: Keebai, sandbox: Sandbox) -> None:
    numbers = await keebai.numbers.list()
    assert [number.id for number in numbers] == [one.phone_number_id for one in sandbox.settings.senders]
    assert numbers[0].phone_number == "+5491150000001"
    channels = await keebai.channels.list()
    assert [channel.id for channel in channels] == [one.channel_id for one in sandbox.settings.senders]
    assert channels[2].is_active is False
    assert await keebai.me()


async def test_all_templates_come_over_any_number_of_pages_and_none_twice(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    sandbox.settings.templates = tuple(
        SandboxTemplate(name=f"t{number}", body="Hola.") for number in range(250)
    )
    names = [template.name async for template in keebai.templates.list()]
    assert names == [f"t{number}" for number in range(250)]
    assert keebai.requests == Requests(other=3)


async def test_a_template_is_found_with_its_variables(keebai: Keebai) -> None:
    promo = await keebai.templates.get("promo", "es")
    assert (promo.variables, promo.approved, promo.category) == (("nombre", "codigo"), True, "MARKETING")
    assert keebai.requests == Requests(other=1)


@pytest.mark.parametrize(
    ("name", "language", "words"),
    [
        ("nada", "es", "there is no template 'nada'"),
        ("promo", "en", r"does not exist in en, only in es \(APPROVED\)"),
        ("promo_pausada", "es", "in es is not approved: PAUSED"),
    ],
)
async def test_an_unusable_template_is_an_error_that_says_what_there_is(
    keebai: Keebai, name: str, language: str, words: str
) -> None:
    with pytest.raises(TemplateUnusable, match=words):
        await keebai.templates.get(name, language)


async def test_a_broadcast_that_is_not_there_is_not_found(keebai: Keebai) -> None:
    with pytest.raises(NotFound) as raised:
        await keebai.broadcasts.status("66aa00112233445566778899")
    assert raised.value.status == 404


async def test_a_number_that_only_the_server_refuses_is_named_with_its_place(
    keebai: Keebai, sandbox: Sandbox
) -> None:
    sandbox.malformed.add("+5491155500007")
    with pytest.raises(RequestInvalid) as raised:
        await keebai.broadcasts.create(
            template="aviso",
            language="es",
            recipients=[{"to": f"+54911555{number:05}"} for number in range(20)],
        )
    assert raised.value.item in {7, None}
    assert "55500007" not in str(raised.value)
    assert sandbox.ledger.submissions == []


async def test_a_wrong_token_is_rejected_and_not_shown(sandbox: Sandbox, clock: ManualClock) -> None:
    secret = "kbai_pk_" + "0ddba11" * 9
    async with Keebai(secret, base_url=sandbox.url, clock=clock) as keebai:
        with pytest.raises(TokenRejected) as raised:
            await keebai.me()
    assert secret not in repr(keebai) + str(raised.value) + repr(vars(raised.value))


async def test_a_missing_scope_is_named(sandbox: Sandbox, clock: ManualClock) -> None:
    token = SandboxToken(secret="kbai_pk_" + "11" * 32, scopes=("messages:send",))
    sandbox.settings.tokens = (token,)
    async with Keebai(token.secret, base_url=sandbox.url, clock=clock) as keebai:
        with pytest.raises(ScopeMissing) as raised:
            await keebai.broadcasts.status("66aa00112233445566778899")
    assert raised.value.missing in {("messages:bulk",), ()}


@pytest.mark.parametrize(
    "fault",
    [
        faults.Reset(),
        faults.Status(),
        faults.GatewayError(),
        faults.Html(),
        faults.Redirect(),
        faults.ResetBeforeReading(),
    ],
)
async def test_a_send_whose_fate_is_not_known_is_never_made_again(
    keebai: Keebai, sandbox: Sandbox, fault: faults.AnyFault
) -> None:
    sandbox.faults.on(SEND, fault)
    with pytest.raises(OutcomeUnknown):
        await keebai.messages.send_template(PERSON, template="aviso", language="es")
    assert keebai.requests.submits == 1
    assert len(sandbox.ledger.submissions) == int(fault.accepted)


@pytest.mark.parametrize("fault", [faults.NotJson(), faults.CutOff(), faults.Huge()])
async def test_a_broadcast_accepted_in_words_nobody_understands_is_not_sent_again(
    keebai: Keebai, sandbox: Sandbox, fault: faults.AnyFault
) -> None:
    sandbox.faults.on(BULK, fault)
    with pytest.raises(Undecodable, match="do not send it again"):
        await keebai.broadcasts.create(template="aviso", language="es", recipients=[{"to": PERSON}])
    assert len(sandbox.ledger.submissions) == 1


async def test_a_status_survives_two_bad_replies(keebai: Keebai, sandbox: Sandbox) -> None:
    accepted = await keebai.broadcasts.create(template="aviso", language="es", recipients=[{"to": PERSON}])
    sandbox.faults.on(STATUS, faults.Status())
    sandbox.faults.on(STATUS, faults.Reset())
    status = await keebai.broadcasts.status(accepted.broadcast_id)
    assert status.total_recipients == 1


async def test_a_client_without_a_quota_hears_how_long_to_wait(sandbox: Sandbox, clock: ManualClock) -> None:
    async with Keebai(sandbox.token, base_url=sandbox.url, clock=clock, limiter=OpenGate()) as keebai:
        for _ in range(60):
            await keebai.me()
        with pytest.raises(RateLimited) as raised:
            await keebai.me()
    assert raised.value.retry_after > 0


async def test_a_client_with_its_quota_is_never_throttled(
    keebai: Keebai, sandbox: Sandbox, clock: ManualClock
) -> None:
    for _ in range(130):
        await keebai.me()
    assert keebai.requests == Requests(other=130)


async def test_the_service_of_a_campaign_submits_follows_and_probes(keebai: Keebai, sandbox: Sandbox) -> None:
    service = keebai.campaign_service()
    body = b'{"phone_number_id":"%s","template_name":"aviso","language":"es","recipients":[{"to":"%s"}]}' % (
        sandbox.phone_number_id.encode(),
        PERSON.encode(),
    )
    async with service.slot() as slot:
        assert len(sandbox.ledger.submissions) == 0
        verdict = await slot.submit(body, recipients=1)
    assert isinstance(verdict, Taken)
    assert verdict.accepted == 1
    assert verdict.broadcast_id is not None
    assert (await service.progress(verdict.broadcast_id)).total == 1
    await service.probe()
    assert service.requests == Requests(submits=1, polls=1, other=1)


async def test_a_campaigns_token_that_is_revoked_halts_it(sandbox: Sandbox, clock: ManualClock) -> None:
    async with (
        Keebai("kbai_pk_" + "77" * 32, base_url=sandbox.url, clock=clock) as keebai,
        keebai.campaign_service().slot() as slot,
    ):
        verdict = await slot.submit(b"{}", recipients=1)
    assert isinstance(verdict, Halted)


async def test_input_that_cannot_be_right_costs_no_request(keebai: Keebai, sandbox: Sandbox) -> None:
    for to in ("", "5491166666666", "+0491155555555", "+54 911 5555 5555", "+5491155555555\uff15"):
        with pytest.raises(InvalidInput) as raised:
            await keebai.messages.send_text(to, "Hola")
        assert raised.value.field == "to"
        assert not to or to not in str(raised.value)
    with pytest.raises(InvalidInput, match="4,097 characters"):
        await keebai.messages.send_text(PERSON, "x" * 4097)
    with pytest.raises(InvalidInput, match="not both"):
        await keebai.messages.send_text(PERSON, "x", phone_number_id="1", channel_id="2")
    for recipients in ([], [{"to": PERSON}] * 5001):
        with pytest.raises(InvalidInput, match="1 to 5,000"):
            await keebai.broadcasts.create(template="aviso", language="es", recipients=recipients)
    with pytest.raises(InvalidInput) as raised:
        await keebai.broadcasts.create(
            template="aviso", language="es", recipients=[{"to": PERSON}, {"to": "+5491"}]
        )
    assert raised.value.field == "recipients.1.to"
    with pytest.raises(InvalidInput, match="unknown field 'vars'"):
        await keebai.broadcasts.create(
            template="aviso", language="es", recipients=[{"to": PERSON, "vars": {}}]
        )
    for bad in ({"to": PERSON, PERSON: "x"}, {"to": PERSON, "variables": {PERSON: 1}}):
        with pytest.raises(InvalidInput) as raised:
            await keebai.broadcasts.create(template="aviso", language="es", recipients=[bad])
        assert PERSON not in f"{raised.value} {raised.value.field} {raised.value.value}"
    with pytest.raises(InvalidInput) as raised:
        await keebai.messages.send_template(
            PERSON, template="promo", language="es", meta_data={"when": object()}
        )
    assert raised.value.field == "meta_data"
    for broadcast_id in ("", ".", "..", " "):
        with pytest.raises(InvalidInput):
            await keebai.broadcasts.status(broadcast_id)
    assert keebai.requests == Requests()
