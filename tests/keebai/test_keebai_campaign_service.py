"""What Keebai's replies to POST /messages/bulk mean for a chunk."""

import msgspec
import pytest

from keebai_async import Keebai, Requests
from keebai_async.campaign.service import Blame, Refusal, Taken
from keebai_async.errors import Misused
from keebai_async.keebai.campaign_service import blame_of, taken
from keebai_async.quota.gate import Ending
from keebai_async.transport.error_body import ErrorBody
from keebai_async.transport.reply import Answer
from tests.transport.test_transport_exchange import RecordingGate
from tests.transport.wire_server import answers, message, serving


@pytest.mark.parametrize(
    ("fault", "blame"),
    [
        (ErrorBody(status=400, message="", field="recipients.17.to", items=(17,)), Blame.SOMEBODY),
        (ErrorBody(status=413, message=""), Blame.SIZE),
        (ErrorBody(status=400, message="", field="template_name"), Blame.EVERYBODY),
        (ErrorBody(status=400, message="", field="to_whom"), Blame.EVERYBODY),
        (ErrorBody(status=400, message="", field="to"), Blame.SOMEBODY),
        (ErrorBody(status=400, message="", field="variables.nombre"), Blame.SOMEBODY),
        (ErrorBody(status=400, message="", field="meta_data"), Blame.SOMEBODY),
        (ErrorBody(status=400, message="", code="CHANNEL_MISSING_ACCESS_TOKEN"), Blame.EVERYBODY),
        (ErrorBody(status=422, message="", code="invalid_phone"), Blame.SOMEBODY),
        (ErrorBody(status=422, message="", code="invalid_phone", field="language"), Blame.EVERYBODY),
        (ErrorBody(status=400, message="", field="recipients"), Blame.SOMEBODY),
        (ErrorBody(status=400, message="Bad Request"), Blame.NOT_SAID),
    ],
)
def test_who_is_to_blame_is_read_from_the_code_and_the_field(fault: ErrorBody, blame: Blame) -> None:
    assert blame_of(fault) is blame


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ({"broadcast_id": "b", "total_recipients": 10}, Taken(accepted=10, broadcast_id="b")),
        ({"broadcast_id": "b", "total_recipients": 9}, Taken(accepted=9, broadcast_id="b")),
        ({"broadcast_id": "b", "total_recipients": 0}, Taken(accepted=0, broadcast_id="b")),
        ({"broadcast_id": "b", "total_recipients": 11}, Taken(accepted=10, broadcast_id="b")),
        ({"broadcastId": "b"}, Taken(accepted=10, broadcast_id="b")),
        ({"total_recipients": 3}, Taken(accepted=10, broadcast_id=None)),
        ("what?", Taken(accepted=10, broadcast_id=None)),
    ],
)
def test_a_2xx_is_accepted_by_all_unless_it_says_fewer(reply: object, what: Taken) -> None:
    assert taken(Answer(status=202, body=msgspec.json.encode(reply)), 10) == what


async def test_a_slot_is_one_request_and_without_one_it_is_given_back() -> None:
    gate = RecordingGate()
    refused = message(400, b'{"error":{"message":"recipients.1.to must be a phone number"}}')
    async with (
        serving(answers(refused)) as server,
        Keebai("token-of-twelve", base_url=server.url, limiter=gate) as keebai,
    ):
        service = keebai.campaign_service()
        async with service.slot():
            pass
        assert service.requests == Requests()
        async with service.slot() as slot:
            verdict = await slot.submit(b'{"recipients":[]}', recipients=2)
            with pytest.raises(Misused):
                await slot.submit(b'{"recipients":[]}', recipients=2)
        (request,) = server.requests

    assert isinstance(verdict, Refusal)
    assert (verdict.blame, verdict.fault.items) == (Blame.SOMEBODY, (1,))
    assert request.startswith(b"POST /v1/messages/bulk")
    assert gate.endings == [Ending.UNSENT, Ending.ANSWERED]
    assert service.requests == Requests(submits=1)
