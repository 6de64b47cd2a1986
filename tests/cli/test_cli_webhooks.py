"""Webhooks as a user hears them: subscribed, received by a process, shown."""

import json
import signal
import stat
from collections.abc import Awaitable, Callable

import anyio
from anyio.streams.text import TextReceiveStream

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell

URL = "http://127.0.0.1:9/webhooks/keebai"


def kept(shell: Shell) -> dict[str, dict[str, object]]:
    found: dict[str, dict[str, object]] = json.loads((shell.folder / "webhooks.json").read_text())
    return found


async def test_a_subscription_is_made_listed_rotated_and_removed(shell: Shell, sandbox: Sandbox) -> None:
    made = await shell.call("webhooks", "register", URL)
    webhook_id = made.out.strip()
    first = sandbox.webhooks.subscriptions[0].secret
    assert (made.code, kept(shell)[webhook_id]["secret"]) == (0, first)
    assert stat.S_IMODE((shell.folder / "webhooks.json").stat().st_mode) == 0o600
    assert first not in made.out + made.err

    listed = await shell.call("webhooks", "list", "--json")
    assert [(one["id"], one["url"], one["is_active"]) for one in listed.objects] == [(webhook_id, URL, True)]

    assert (await shell.call("webhooks", "rotate", webhook_id)).code == 0
    second = sandbox.webhooks.subscriptions[0].secret
    assert kept(shell)[webhook_id] == {"secret": second, "previous": first, "rotating": False}
    assert (await shell.call("webhooks", "rotate", webhook_id, "--drop-old")).code == 0
    assert kept(shell)[webhook_id]["previous"] is None

    assert (await shell.call("webhooks", "remove", webhook_id)).code == 0
    assert (kept(shell), sandbox.webhooks.subscriptions) == ({}, [])


async def test_one_that_was_switched_off_is_told_and_can_be_switched_on(
    shell: Shell, sandbox: Sandbox
) -> None:
    webhook_id = (await shell.call("webhooks", "register", URL)).out.strip()
    assert "ok      webhooks: 1 active" in (await shell.call("doctor")).out
    sandbox.webhooks.subscriptions[0].failures = 3
    failing = await shell.call("doctor")
    assert (failing.code, "failed 3 times in a row, is its receiver up?" in failing.out) == (0, True)
    sandbox.webhooks.subscriptions[0].is_active = False
    sandbox.webhooks.subscriptions[0].disabled_reason = "excessive_failures"

    told, listed = await shell.call("doctor"), await shell.call("webhooks", "list")

    assert told.code == 2
    assert f"NOT OK  webhooks: {webhook_id} is switched off (excessive_failures)" in told.out
    assert f"webhooks activate {webhook_id}" in listed.err
    assert (await shell.call("webhooks", "activate", webhook_id)).code == 0
    assert (await shell.call("doctor")).code == 0


async def test_what_is_done_to_a_subscription_is_json_for_programs(shell: Shell, sandbox: Sandbox) -> None:
    webhook_id = (await shell.call("webhooks", "register", URL)).out.strip()
    for arguments, done in (
        (("test", webhook_id), "tested"),
        (("rotate", webhook_id), "rotated"),
        (("rotate", webhook_id, "--drop-old"), "old secret dropped"),
        (("activate", webhook_id), "activated"),
        (("remove", webhook_id), "removed"),
    ):
        ended = await shell.call("webhooks", *arguments, "--json")
        assert (ended.code, ended.objects) == (0, [{"type": "webhook", "id": webhook_id, "done": done}])

    wrong = await shell.call("webhooks", "activate", webhook_id, "--json")
    assert (wrong.code, [each["type"] for each in wrong.objects]) == (1, ["error"])


async def test_a_rotation_that_was_not_made_changes_nothing(shell: Shell, sandbox: Sandbox) -> None:
    webhook_id = (await shell.call("webhooks", "register", URL)).out.strip()
    before = kept(shell)
    sandbox.settings.tokens = ()

    ended = await shell.call("webhooks", "rotate", webhook_id)

    assert ended.code == 4
    assert kept(shell) == before


async def test_what_is_missing_or_wrong_is_one_line(shell: Shell) -> None:
    for arguments, words in (
        (("serve",), "no webhook secret: run keebai-async webhooks register"),
        (("rotate", "wh_1"), "is it beside another journal (--journal)?"),
        (("register", "ftp://example.com"), "address is https"),
        (("test", "../me"), "no such webhook"),
        (("show", "nobody"), "nobody"),
    ):
        ended = await shell.call("webhooks", *arguments)
        assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
        assert words in ended.err
    (shell.folder / "webhooks.json").write_text("[]")
    ended = await shell.call("webhooks", "serve")
    assert (ended.code, "cannot be read" in ended.err) == (2, True)


async def test_a_secret_of_the_environment_is_not_rotated_and_it_says_how_to(
    shell: Shell, sandbox: Sandbox
) -> None:
    shell.environment["KEEBAI_WEBHOOK_SECRET"] = "whsec_of_the_environment"

    ended = await shell.call("webhooks", "rotate", "wh_1")

    assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
    assert "if it is the one in KEEBAI_WEBHOOK_SECRET, rotate cannot change it there" in ended.err
    assert "the new one in KEEBAI_WEBHOOK_SECRET and the old one in KEEBAI_WEBHOOK_SECRET_NEXT" in ended.err
    assert "whsec_of_the_environment" not in ended.err
    assert not any("rotate" in route for route in sandbox.traffic.requests)


async def test_a_campaign_is_heard_through_a_rotation_and_shown(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.settings.failing = 0.1
    people = [f"+549115{number:07d},Ana,{number}" for number in range(300)]
    (shell.folder / "people.csv").write_text("\n".join(["to,nombre,codigo", *people]) + "\n")
    shell.environment["KEEBAI_WEBHOOK_SECRET"] = "whsec_of_somebody_else"
    async with await anyio.open_process(
        shell.command("webhooks", "serve", "--port", "0"), cwd=shell.folder, env=shell.environment
    ) as serve:
        assert serve.stderr is not None
        said = await TextReceiveStream(serve.stderr).receive()
        url = next(word for word in said.split() if word.startswith("http://")).rstrip(";")
        webhook_id = (await shell.call("webhooks", "register", url)).out.strip()
        launched = await shell.call(
            "launch", "people.csv", "--template", "promo", "--language", "es", "--name", "Promo", "--yes",
            "--json",
        )  # fmt: skip
        assert (await shell.call("webhooks", "rotate", webhook_id)).code == 0
        await until(lambda: not sandbox.webhooks.waiting)
        campaign = str(launched.objects[-1]["campaign_id"])
        await until_true(lambda: everybody_known(shell, campaign))
        serve.send_signal(signal.SIGTERM)
        assert await serve.wait() == 0

    (shown,) = (await shell.call("webhooks", "show", campaign, "--json")).objects
    report = launched.objects[-1]
    assert shown["failed"] == report["failed"]
    assert set(sandbox.webhooks.answers) <= {"204", "503"}
    words = (await shell.call("webhooks", "show", campaign)).out
    assert "131026" in words
    assert "check the number" in words


async def until(true: Callable[[], bool]) -> None:
    while not true():  # noqa: ASYNC110 - what is waited for happens in another process
        await anyio.sleep(0.01)


async def until_true(true: Callable[[], Awaitable[bool]]) -> None:
    while not await true():  # noqa: ASYNC110 - what is waited for happens in another process
        await anyio.sleep(0.05)


async def everybody_known(shell: Shell, campaign: str) -> bool:
    (counts,) = (await shell.call("webhooks", "show", campaign, "--json")).objects
    return sum(int(str(counts[word])) for word in ("failed", "delivered", "read")) == 300
