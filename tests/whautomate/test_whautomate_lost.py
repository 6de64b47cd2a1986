"""Nothing is created twice by itself, whatever becomes of the answer."""

import pytest

from keebai_async import (
    ConnectionFailed,
    InvalidInput,
    OutcomeUnknown,
    RequestError,
    RequestInvalid,
    Whautomate,
)
from keebai_async.sandbox import faults
from keebai_async.sandbox.whautomate import ErrorShape
from keebai_async.whautomate import marked
from tests.transport.wire_server import answers, message, serving
from tests.whautomate.desk import Desk

CREATE = "POST /broadcasts"
DELETE = "DELETE /broadcasts/{id}"
REPLACE = "PUT /broadcasts/{id}"
LIST = "GET /broadcasts"

LOST = [
    faults.Reset(),
    faults.Hang(),
    faults.Status(status=500),
    faults.Status(status=502),
    faults.Status(status=503),
    faults.CutOff(),
    faults.NotJson(),
    faults.Huge(),
    faults.Html(accepted=True),
    faults.Redirect(accepted=True),
]


@pytest.mark.parametrize("fault", LOST, ids=lambda fault: type(fault).__name__)
async def test_a_create_whose_answer_was_lost_is_unknown_made_once_and_found_by_its_marker(
    desk: Desk, fault: faults.AnyFault
) -> None:
    name = marked("Spring recall")
    desk.box.faults.on(CREATE, fault)
    with pytest.raises(OutcomeUnknown):
        await desk.create(name)

    assert [one.name for one in desk.box.ledger.broadcasts] == [name]
    assert desk.box.traffic.requests[CREATE] == 1
    found = await desk.client.broadcasts.find_lost(name)
    assert found is not None
    assert found.id == desk.box.ledger.broadcasts[0].id


@pytest.mark.parametrize(
    "fault",
    [faults.ResetBeforeReading(), faults.GatewayError(status=503), faults.Html(), faults.Redirect()],
    ids=lambda fault: type(fault).__name__,
)
async def test_a_create_that_never_arrived_is_as_unknown_and_is_not_found(
    desk: Desk, fault: faults.AnyFault
) -> None:
    name = marked("Spring recall")
    desk.box.faults.on(CREATE, fault)
    with pytest.raises(OutcomeUnknown):
        await desk.create(name)

    assert desk.box.ledger.broadcasts == []
    assert desk.box.traffic.requests[CREATE] == 1
    assert await desk.client.broadcasts.find_lost(name) is None


async def test_a_create_that_finds_nobody_at_home_was_not_sent(desk: Desk) -> None:
    await desk.box.__aexit__()
    async with Whautomate(desk.box.key, host=desk.box.url, clock=desk.clock) as fresh:
        with pytest.raises(ConnectionFailed):
            await fresh.broadcasts.create(**desk.fields())
        await desk.box.__aenter__()
        await fresh.broadcasts.create(**desk.fields())
    assert len(desk.box.ledger.broadcasts) == 1


@pytest.mark.parametrize("shape", [ErrorShape.ERROR_TEXT, ErrorShape.ERROR_OBJECT, ErrorShape.SUCCESS_FALSE])
async def test_a_200_with_an_error_inside_is_a_refusal_in_the_services_words(
    desk: Desk, shape: ErrorShape
) -> None:
    desk.box.settings.errors_as_success = True
    desk.box.settings.error_shape = shape
    with pytest.raises(RequestInvalid, match="location is required"):
        await desk.client.broadcasts.create(**(desk.fields() | {"location": "nowhere"}))
    with pytest.raises(RequestInvalid, match="Broadcast not found"):
        await desk.client.broadcasts.get("nowhere")
    with pytest.raises(RequestInvalid, match="Broadcast not found"):
        await desk.client.broadcasts.delete("nowhere")


@pytest.mark.parametrize("shape", list(ErrorShape))
@pytest.mark.parametrize("as_success", [False, True])
async def test_a_refusal_of_any_shape_is_an_error_of_ours(
    desk: Desk, shape: ErrorShape, as_success: bool
) -> None:
    desk.box.settings.error_shape = shape
    desk.box.settings.errors_as_success = as_success
    with pytest.raises(RequestError):
        await desk.client.broadcasts.create(**(desk.fields() | {"location": "nowhere"}))
    with pytest.raises(RequestError):
        await desk.client.broadcasts.get("nowhere")
    with pytest.raises(RequestError):
        _ = [row async for row in desk.client.broadcasts.logs("nowhere")]
    assert desk.box.ledger.broadcasts == []


@pytest.mark.parametrize(
    "shape", [ErrorShape.ERROR_TEXT, ErrorShape.ERROR_OBJECT, ErrorShape.MESSAGE, ErrorShape.TEXT]
)
async def test_the_services_words_are_told_whatever_their_envelope(desk: Desk, shape: ErrorShape) -> None:
    desk.box.settings.error_shape = shape
    with pytest.raises(RequestInvalid, match="location is required"):
        await desk.client.broadcasts.create(**(desk.fields() | {"location": "nowhere"}))


async def test_a_delete_whose_answer_was_lost_is_unknown_and_made_once(desk: Desk) -> None:
    made = await desk.create()
    desk.box.faults.on(DELETE, faults.Reset())
    with pytest.raises(OutcomeUnknown):
        await desk.client.broadcasts.delete(made.id)
    assert desk.box.traffic.requests[DELETE] == 1


async def test_a_write_whose_answer_was_lost_is_unknown_and_made_once(desk: Desk) -> None:
    made = await desk.client.broadcasts.create(**(desk.fields() | {"schedule_date_time": desk.later(3_600)}))
    desk.box.faults.on(REPLACE, faults.Reset())
    with pytest.raises(OutcomeUnknown):
        await desk.client.broadcasts.replace(made.id, name="Autumn")
    assert desk.box.traffic.requests[REPLACE] == 1
    assert (await desk.client.broadcasts.get(made.id)).name == "Autumn"


async def test_a_name_that_several_have_does_not_tell_which_was_lost(desk: Desk) -> None:
    await desk.create("Recall")
    await desk.create("Recall")
    with pytest.raises(InvalidInput, match="2 broadcasts have this name"):
        await desk.client.broadcasts.find_lost("Recall")


async def test_a_lost_broadcast_is_found_behind_many_others_and_by_its_whole_name_only(desk: Desk) -> None:
    for number in range(60):
        await desk.create(f"Recall {number}")
    found = await desk.client.broadcasts.find_lost("Recall 1")
    assert found is not None
    assert found.name == "Recall 1"
    assert await desk.client.broadcasts.find_lost("Recall") is None


async def test_a_list_that_cannot_be_read_is_no_proof_that_nothing_was_made(desk: Desk) -> None:
    desk.box.faults.on(LIST, faults.Status(), times=None)
    with pytest.raises(RequestError):
        await desk.client.broadcasts.find_lost("Recall")


async def test_an_answer_with_the_id_of_an_earlier_create_is_not_believed_also_by_a_copy(desk: Desk) -> None:
    async with (
        serving(answers(message(201, b'{"id":"b-1","name":"Spring recall"}'))) as server,
        Whautomate("key-0001", host=server.url, clock=desk.clock, timeout=5.0) as client,
    ):
        first = await client.broadcasts.create(**desk.fields())
        with pytest.raises(OutcomeUnknown, match="look for it"):
            await client.broadcasts.create(**desk.fields())
        with pytest.raises(OutcomeUnknown, match="look for it"):
            await client.with_options(timeout=9.0).broadcasts.create(**desk.fields())

    assert first.id == "b-1"
    assert len(server.requests) == 3
