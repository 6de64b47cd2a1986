"""Single deliveries for who builds a receiver: made here, read by ours, delivered by the command."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from keebai_async.sandbox import SINGLE_EVENTS, Sandbox, SignedDeliveries
from keebai_async.webhooks import (
    ChannelChanged,
    MessageDelivered,
    MessageFailed,
    MessageRead,
    MessageReceived,
    MessageSent,
    OtherEvent,
    PreferencesChanged,
    RefusedDelivery,
    TemplateChanged,
    WebhookSecrets,
    receive,
)
from tests.cli.shell import Shell
from tests.webhooks.kit import SECRET
from tests.webhooks.serving import serving

READ_AS = {
    "sent": MessageSent,
    "delivered": MessageDelivered,
    "read": MessageRead,
    "failed": MessageFailed,
    "received": MessageReceived,
    "tapped": MessageReceived,
    "template": TemplateChanged,
    "connected": ChannelChanged,
    "disconnected": ChannelChanged,
    "preferences": PreferencesChanged,
}


@pytest.mark.parametrize("dialect", ["docs", "skills"])
@pytest.mark.parametrize("kind", SINGLE_EVENTS)
def test_every_event_is_signed_and_read_in_both_dialects(
    kind: str, dialect: Literal["docs", "skills"]
) -> None:
    deliveries = SignedDeliveries(SECRET, dialect=dialect)
    made = deliveries(kind)

    event = receive(made.headers, made.body, now=time.time(), secrets=WebhookSecrets(SECRET))

    assert isinstance(event, READ_AS.get(kind, OtherEvent))


def test_what_is_asked_for_is_in_it() -> None:
    deliveries = SignedDeliveries()
    secrets = WebhookSecrets(deliveries.secret)

    def read(*arguments: str, **more: object) -> object:
        made = deliveries(*arguments, **more)  # type: ignore[arg-type]
        return receive(made.headers, made.body, now=time.time(), secrets=secrets)

    failed = read("failed", "+5491155550199", code=131049, meta_data={"order": "A-17"})
    assert isinstance(failed, MessageFailed)
    assert (failed.number, failed.code, failed.meta_data) == ("+5491155550199", 131049, {"order": "A-17"})
    tapped = read("tapped", payload="BAJA", text="No más")
    assert isinstance(tapped, MessageReceived)
    assert (tapped.payload, tapped.text) == ("BAJA", "No más")
    template = read("template", template="promo", language="pt_BR", status="REJECTED")
    assert isinstance(template, TemplateChanged)
    assert (template.name, template.language, template.status) == ("promo", "pt_BR", "REJECTED")
    stopped, resumed = read("preferences"), read("preferences", resumes=True)
    assert isinstance(stopped, PreferencesChanged)
    assert isinstance(resumed, PreferencesChanged)
    assert (stopped.preferences[0].stop, resumed.preferences[0].stop) == (True, False)
    assert isinstance(read("read", signed_at=time.time() - 400), RefusedDelivery)
    assert isinstance(read("read", secret="whsec_other"), RefusedDelivery)
    with pytest.raises(ValueError, match="choose one of sent, delivered"):
        read("reed")


def test_no_two_have_the_same_id(keebai_deliveries: SignedDeliveries) -> None:
    other = SignedDeliveries(keebai_deliveries.secret)
    secrets = WebhookSecrets(keebai_deliveries.secret)

    def ids(deliveries: SignedDeliveries) -> Iterator[str]:
        for _ in range(3):
            made = deliveries("read")
            event = receive(made.headers, made.body, now=time.time(), secrets=secrets)
            assert isinstance(event, MessageRead)
            yield event.key

    assert len({*ids(keebai_deliveries), *ids(other)}) == 6


async def test_the_command_delivers_one_and_prints_the_answer(tmp_path: Path) -> None:
    async with Sandbox() as box, serving(tmp_path) as served:
        shell = Shell(tmp_path, box)
        shell.environment["KEEBAI_WEBHOOK_SECRET"] = SECRET

        async def trigger(*arguments: str) -> tuple[int, str]:
            ended = await shell.call("webhooks", "trigger", *arguments)
            assert ended.err.count("\n") <= 1
            return ended.code, ended.out.strip() or ended.err.strip()

        to = ("--to", served.url)
        for kind in SINGLE_EVENTS:
            assert await trigger(kind, *to) == (0, "204")
        assert await trigger("failed", *to, "--code", "131049", "--dialect", "skills") == (0, "204")
        assert await trigger("received", *to, "--text", "STOP", "--number", "+5491155550199") == (0, "204")
        assert await trigger("read", *to, "--meta", "_kb=abcdefgh.1.0") == (0, "204")
        assert await trigger("read", *to, "--seconds-off", "-400") == (1, "401")
        code, words = await trigger("reed", *to)
        assert (code, "choose one of sent" in words) == (2, True)
        code, words = await trigger("read", "--to", "http://127.0.0.1:9/")
        assert (code, "no answer from http://127.0.0.1:9/" in words) == (1, True)
        code, words = await trigger("read", "--to", "nowhere")
        assert (code, "write it as http://" in words) == (2, True)
        code, words = await trigger("read", *to, "--meta", "nothing")
        assert (code, "NAME=VALUE" in words) == (2, True)
        del shell.environment["KEEBAI_WEBHOOK_SECRET"]
        code, words = await trigger("read", *to)
        assert (code, "no webhook secret" in words) == (2, True)
        assert await served.end() == 0
    assert f"{len(SINGLE_EVENTS) + 3} deliveries taken, 1 refused" in served.said
