"""`launch --detach` and `work`: one command plans and asks, another one runs it."""

import signal

import anyio

from keebai_async.cli.exit_codes import Exit
from keebai_async.sandbox import Sandbox
from tests.cli.shell import Shell

LAUNCH = ("launch", "clients.csv", "--template", "promo", "--language", "es", "--yes")


async def test_what_is_detached_is_run_by_a_worker(shell: Shell, sandbox: Sandbox, clients: str) -> None:
    left = await shell.call(*LAUNCH, "--detach")
    assert left.code == 0
    assert "keebai-async work" in left.err
    assert sandbox.ledger.total == 0

    async with await anyio.open_process(
        shell.command("work"), cwd=shell.folder, env=shell.environment
    ) as worker:
        with anyio.fail_after(60.0):
            while (await shell.call("status", "--json")).objects[0]["state"] != "finished":  # noqa: ASYNC110
                await anyio.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0

    assert sandbox.ledger.total == 3


async def test_what_a_worker_cannot_do_is_refused_before_anything_is_planned(
    shell: Shell, clients: str
) -> None:
    ended = await shell.call(*LAUNCH, "--detach", "--sandbox")
    assert ended.code == Exit.USAGE
    assert "--detach" in ended.err
    assert (await shell.call("list", "--json")).out == ""
