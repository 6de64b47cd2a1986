"""Subscriptions through the client, beside a sandbox."""

import pytest

from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput, NotFound, OutcomeUnknown
from keebai_async.sandbox import Sandbox, faults

URL = "http://127.0.0.1:9/webhooks/keebai"


def client(sandbox: Sandbox) -> Keebai:
    return Keebai(sandbox.token, base_url=sandbox.url, limiter="memory:", clock=sandbox.clock)


async def test_a_subscription_lives_from_create_to_remove() -> None:
    async with Sandbox(speed=100.0) as sandbox, client(sandbox) as keebai:
        made = await keebai.webhooks.create(URL, headers={"X-Ours": "1"})
        (listed,) = await keebai.webhooks.list()
        assert listed == made.subscription
        assert made.secret not in repr(made)
        assert listed.secret_prefix == made.secret[:14]

        await keebai.webhooks.test(listed.id)
        rotated = await keebai.webhooks.rotate_secret(listed.id)
        assert rotated.secret == sandbox.webhooks.subscriptions[0].secret != made.secret
        sandbox.webhooks.subscriptions[0].is_active = False
        assert (await keebai.webhooks.list())[0].is_active is False
        await keebai.webhooks.activate(listed.id)
        assert sandbox.webhooks.subscriptions[0].is_active
        await keebai.webhooks.remove(listed.id)
        with pytest.raises(NotFound):
            await keebai.webhooks.remove(listed.id)
        assert await keebai.webhooks.list() == []


async def test_a_create_whose_answer_was_lost_is_unknown_and_not_made_again() -> None:
    async with Sandbox(speed=100.0) as sandbox, client(sandbox) as keebai:
        sandbox.faults.on("POST /webhooks", faults.Reset())
        with pytest.raises(OutcomeUnknown):
            await keebai.webhooks.create(URL)
        assert len(await keebai.webhooks.list()) == 1


@pytest.mark.parametrize(
    ("url", "options"),
    [
        ("http://example.com/hook", {}),
        ("https://" + "a" * 2_048, {}),
        (URL, {"name": "ab"}),
        (URL, {"events": []}),
        (URL, {"events": ["whatsapp.message.read"] * 2}),
    ],
)
async def test_what_cannot_be_right_is_not_asked_for(url: str, options: dict[str, object]) -> None:
    async with Sandbox() as sandbox, client(sandbox) as keebai:
        with pytest.raises(InvalidInput):
            await keebai.webhooks.create(url, **options)  # type: ignore[arg-type]
        with pytest.raises(InvalidInput):
            await keebai.webhooks.remove("../channels")
        assert sandbox.traffic.requests.total() == 0
