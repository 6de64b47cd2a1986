"""The cheap read that tells whether the service is back."""

import aiohttp
import pytest

from keebai_async import Keebai, RateLimited, RequestError, Requests, ServerFailed, TokenRejected
from keebai_async.quota.gate import OpenGate
from tests.transport.wire_server import answers, message, serving


async def probed(*replies: bytes) -> Requests:
    async with (
        serving(answers(*replies)) as server,
        Keebai("token-of-twelve", base_url=server.url, limiter=OpenGate()) as keebai,
    ):
        service = keebai.campaign_service()
        await service.probe()
        return service.requests


async def test_a_probe_is_one_read_that_needs_no_scope() -> None:
    assert await probed(message(200)) == Requests(other=1)


async def test_where_there_is_no_me_a_list_of_one_template_does() -> None:
    assert await probed(message(404), message(200)) == Requests(other=2)


async def test_not_being_allowed_to_read_templates_is_an_answer_too() -> None:
    assert await probed(message(404), message(403)) == Requests(other=2)


@pytest.mark.parametrize(
    ("replies", "error"),
    [
        ((message(503),), ServerFailed),
        ((message(401),), TokenRejected),
        ((message(404), message(502)), ServerFailed),
        ((message(429),), RateLimited),
        ((message(200, b"<html>"),), RequestError),
    ],
)
async def test_an_outage_is_not_taken_for_an_answer(
    replies: tuple[bytes, ...], error: type[RequestError]
) -> None:
    with pytest.raises(error):
        await probed(*replies)


async def test_a_users_session_lends_its_connector_to_the_client_and_stays_open() -> None:
    async with serving(answers(message(200, b'{"id": "u"}'))) as server, aiohttp.ClientSession() as lent:
        async with Keebai("token-of-twelve", base_url=server.url, session=lent, limiter=OpenGate()) as keebai:
            assert await keebai.me() == {"id": "u"}
        assert not lent.closed
        async with lent.get(server.url) as response:
            assert response.status == 200
        assert server.connections == 2
