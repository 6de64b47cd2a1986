"""`--on-end` and `--notify`: others are told when a run has ended, and nothing of it depends on them."""

import json
import shlex
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from keebai_async.cli.end_notice import WAITS, EndNotices
from keebai_async.cli.exit_codes import Exit
from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.model.situation import Situation, situation_of
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.webhooks.signature import SigningSecret, WebhookSecrets
from keebai_async.webhooks.verifier import verify
from tests.campaign.planning import freeze
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO

SECRET = "a-long-random-text-of-ours"
KEEP = (
    "import os, sys; open('told.json', 'w').write(sys.stdin.read());"
    " print(os.environ['KEEBAI_EXIT_CODE'], 'seen')"
)
RUN_KEEP = f"{shlex.quote(sys.executable)} -c {shlex.quote(KEEP)}"


class Receiver:
    """Somebody who is told; answers with these codes, then with 204."""

    def __init__(self, *codes: int) -> None:
        self.codes = list(codes)
        self.bodies: list[bytes] = []
        self.refused: list[object] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        app = web.Application()
        app.router.add_post("/ended", self._take)
        app.router.add_post("/elsewhere", self._take)
        async with TestServer(app) as server:
            yield str(server.make_url("/ended?key=s3cret"))

    async def _take(self, request: web.Request) -> web.Response:
        body = await request.read()
        self.bodies.append(body)
        secrets = WebhookSecrets(SECRET)
        self.refused.append(verify(request.headers.items(), body, now=self.now(), secrets=secrets))
        code = self.codes.pop(0) if self.codes else 204
        return web.Response(status=code, headers={"Location": "/elsewhere"} if code == 307 else {})

    def now(self) -> float:
        return time.time()


async def ended() -> Situation:
    journal = MemoryJournal()
    plan = await freeze(journal, 5)
    return situation_of(await journal.load(plan.campaign_id), 0.0)


async def told(receiver: Receiver, capsys: pytest.CaptureFixture[str]) -> str:
    clock = ManualClock()
    receiver.now = clock.wall  # type: ignore[method-assign]
    async with receiver.serving() as url, clock.running():
        await EndNotices(url=url, secret=SigningSecret(SECRET)).tell(await ended(), Exit.DONE, clock=clock)
    return capsys.readouterr().err


async def test_the_command_gets_the_report_and_changes_nothing(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--on-end", RUN_KEEP)

    assert launched.code == 0, launched.err
    report = json.loads((shell.folder / "told.json").read_text())
    assert report == launched.objects[-1]
    assert report["type"] == "report"
    assert "0 seen" in launched.err.splitlines()


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (f"{shlex.quote(sys.executable)} -c 'raise SystemExit(7)'", "ended with 7"),
        ("./of-no-interpreter at all", "./of-no-interpreter cannot be run"),
    ],
)
async def test_a_command_that_fails_is_told_and_the_exit_code_is_that_of_the_campaign(
    shell: Shell, sandbox: Sandbox, clients: str, command: str, words: str
) -> None:
    shell.write("of-no-interpreter", "#!/no/such/interpreter\n")
    (shell.folder / "of-no-interpreter").chmod(0o755)

    launched = await shell.call("launch", clients, *PROMO, "--yes", "--on-end", command)

    assert launched.code == 0
    assert words in launched.err
    assert set(sandbox.ledger.times_messaged().values()) == {1}


async def test_an_address_gets_the_report_signed_at_the_end_of_a_launch_and_of_a_resume(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    shell.environment["KEEBAI_NOTIFY_SECRET"] = SECRET
    receiver = Receiver()
    async with receiver.serving() as url:
        launched = await shell.call(
            "launch", clients, *PROMO, "--yes", "--json", "--no-wait", "--notify", url
        )
        campaign = str(launched.objects[-1]["campaign_id"])
        resumed = await shell.call("resume", campaign, "--yes", "--json", "--notify", url)

    assert (launched.code, resumed.code) == (0, 0), launched.err + resumed.err
    assert [json.loads(body) for body in receiver.bodies] == [launched.objects[-1], resumed.objects[-1]]
    assert receiver.refused == [None, None]
    assert SECRET not in launched.out + launched.err


async def test_who_does_not_take_it_is_asked_again_a_few_times_and_each_time_is_signed(
    capsys: pytest.CaptureFixture[str],
) -> None:
    receiver = Receiver(500, 429, 503)

    assert await told(receiver, capsys) == ""

    assert len(receiver.bodies) == 1 + len(WAITS)
    assert len(set(receiver.bodies)) == 1
    assert receiver.refused == [None] * 4


@pytest.mark.parametrize(
    ("codes", "times", "words"),
    [
        ((500, 500, 500, 500), 4, "it answered 500"),
        ((404,), 1, "it answered 404"),
        ((307,), 1, "it answered 307"),
    ],
)
async def test_who_never_takes_it_is_named_without_what_may_be_secret_in_the_address(
    capsys: pytest.CaptureFixture[str], codes: tuple[int, ...], times: int, words: str
) -> None:
    receiver = Receiver(*codes)

    line = await told(receiver, capsys)

    assert len(receiver.bodies) == times
    assert words in line
    assert "127.0.0.1" in line
    assert "s3cret" not in line


async def test_an_address_that_nobody_has_is_told(capsys: pytest.CaptureFixture[str]) -> None:
    clock = ManualClock()
    async with Receiver().serving() as url:
        pass
    async with clock.running():
        await EndNotices(url=url, secret=SigningSecret(SECRET)).tell(await ended(), Exit.DONE, clock=clock)

    assert "it cannot be reached" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--notify", "https://example.org/x"), "set KEEBAI_NOTIFY_SECRET"),
        (("--notify", "ftp://example.org/x"), "begins with https://"),
        (("--notify", "http://[::1"), "begins with https://"),
        (("--on-end", "'unfinished"), "is no command"),
        (("--on-end", " "), "the command is empty"),
    ],
)
async def test_what_cannot_be_told_is_refused_before_anything_is_sent(
    shell: Shell, sandbox: Sandbox, clients: str, options: tuple[str, ...], words: str
) -> None:
    refused = await shell.call("launch", clients, *PROMO, "--yes", *options)

    assert refused.code == 2
    assert words in refused.err
    assert len(refused.err.splitlines()) == 1
    assert not sandbox.ledger.submissions


def test_a_notice_does_not_print_its_secret() -> None:
    assert SECRET not in repr(EndNotices(url="https://example.org", secret=SigningSecret(SECRET)))
    with pytest.raises(InvalidInput):
        EndNotices(url="https://example.org", secret=SigningSecret("with a blank"))
