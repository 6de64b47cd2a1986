"""`launch --detach` and `work`: one command plans and asks, another one runs it."""

import json
import re
import shlex
import signal
import socket
import sys
import tempfile
from pathlib import Path

import aiohttp
import anyio
import pytest

from keebai_async.cli.end_notice import EndNotices
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.health import WELL_FOR, HealthPlace, LastLook, health_place, touch
from keebai_async.cli.worker_notices import WorkerNotices
from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import InvalidInput
from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.observe import CampaignLeft
from keebai_async.sandbox import Sandbox
from tests.campaign.planning import freeze
from tests.cli.shell import ROOT, Shell
from tests.documents.commands import check

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


async def test_a_worker_tells_of_each_campaign_that_ends(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    keep = (
        "import os, sys, json; told = json.load(sys.stdin);"
        " open(os.environ['KEEBAI_CAMPAIGN'], 'w').write(json.dumps(told))"
    )
    other = shell.write("other.csv", "to,nombre,codigo\n+5491155559999,Ana,A1\n")
    ids = []
    for file in (clients, other):
        assert (await shell.call("launch", file, *LAUNCH[2:], "--detach")).code == 0
        ids.append(str((await shell.call("list", "--json")).objects[0]["campaign_id"]))

    async with await anyio.open_process(
        shell.command("work", "--on-end", f"{shlex.quote(sys.executable)} -c {shlex.quote(keep)}"),
        cwd=shell.folder,
        env=shell.environment,
    ) as worker:
        with anyio.fail_after(60.0):
            while not all((shell.folder / each).exists() for each in ids):  # noqa: ASYNC110
                await anyio.sleep(0.1)
        worker.send_signal(signal.SIGTERM)
        assert await worker.wait() == 0

    for each in ids:
        told = json.loads((shell.folder / each).read_text())
        assert (told["type"], told["campaign_id"], told["state"]) == ("report", each, "finished")


async def test_a_worker_that_is_told_to_end_tells_of_what_has_ended(
    capsys: pytest.CaptureFixture[str],
) -> None:
    journal = MemoryJournal()
    plan = await freeze(journal, 5)
    command = f"{shlex.quote(sys.executable)} -c 'print(\"told\")'"
    notices = WorkerNotices(EndNotices(command=command))

    async with Keebai("none", journal=journal, limiter="memory:") as keebai, notices.telling(keebai):
        notices.observe(CampaignLeft(campaign="another", reason="finished"))
        notices.observe(CampaignLeft(campaign=plan.campaign_id, reason="finished"))

    said = capsys.readouterr().err.splitlines()
    assert said[0].startswith("nobody was told of the end of another: ")
    assert said[1:] == ["told"]


async def test_what_a_worker_cannot_do_is_refused_before_anything_is_planned(
    shell: Shell, clients: str
) -> None:
    ended = await shell.call(*LAUNCH, "--detach", "--sandbox")
    assert ended.code == Exit.USAGE
    assert "--detach" in ended.err
    assert (await shell.call("list", "--json")).out == ""


async def test_a_manager_a_probe_and_a_collector_of_logs_hear_what_they_need(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    with tempfile.TemporaryDirectory(prefix="keebai-", dir="/tmp") as folder, notices(folder) as manager:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        environment = {**shell.environment, "NOTIFY_SOCKET": manager.getsockname()}
        left = await shell.call(*LAUNCH, "--detach")
        assert left.code == 0
        async with await anyio.open_process(
            shell.command("work", "--json", "--health", f"127.0.0.1:{port}"),
            cwd=shell.folder,
            env=environment,
        ) as worker:
            assert await anyio.to_thread.run_sync(manager.recv, 100) == b"READY=1"
            with anyio.fail_after(60.0):
                while await health_at(port) != (200, True):  # noqa: ASYNC110
                    await anyio.sleep(0.1)
                while (await shell.call("status", "--json")).objects[0]["state"] != "finished":  # noqa: ASYNC110
                    await anyio.sleep(0.1)
            worker.send_signal(signal.SIGTERM)
            assert await anyio.to_thread.run_sync(manager.recv, 100) == b"STOPPING=1"
            assert worker.stdout is not None
            printed = b"".join([piece async for piece in worker.stdout])
            assert await worker.wait() == 0
    lines = [json.loads(line) for line in printed.splitlines()]
    assert {line["type"] for line in lines} == {"log"}
    assert all({"time", "level", "event"} <= line.keys() for line in lines)
    told = [line["event"] for line in lines]
    for event in ("campaign taken up", "campaign running", "chunk accepted", "campaign finished"):
        assert event in told
    assert not re.search(rb"\+?549\d{6}", printed)


def notices(folder: str) -> socket.socket:
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.settimeout(60.0)
    manager.bind(f"{folder}/notify")
    return manager


async def health_at(port: int) -> tuple[int, bool]:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"http://127.0.0.1:{port}/", timeout=aiohttp.ClientTimeout(10)) as answered,
    ):
        return answered.status, (await answered.json())["ok"]


async def test_a_worker_is_well_as_long_as_it_looked_a_short_time_ago() -> None:
    clock = ManualClock()
    last = LastLook(clock=clock)
    assert not last.health().ok
    last.looked(2)
    assert (last.health().ok, last.health().running, last.health().looked) == (True, 2, 0.0)
    await clock.advance(WELL_FOR)
    assert not last.health().ok


def test_the_health_is_asked_for_at_a_port_or_by_a_file(tmp_path: Path) -> None:
    assert health_place("8080") == HealthPlace(port=8080)
    assert health_place("127.0.0.1:8080") == HealthPlace(host="127.0.0.1", port=8080)
    assert health_place("[::1]:8080") == HealthPlace(host="::1", port=8080)
    assert health_place("/run/keebai/8080") == HealthPlace(file=Path("/run/keebai/8080"))
    with pytest.raises(InvalidInput, match="port"):
        health_place("70000")
    place = health_place(str(tmp_path / "well"))
    touch(place)
    assert (tmp_path / "well").exists()
    touch(health_place(str(tmp_path / "no such folder" / "well")))


@pytest.mark.parametrize(
    ("name", "line"), [("keebai-async.service", r"^ExecStart=(.*)$"), ("Dockerfile", r"^CMD (\[.*\])$")]
)
def test_what_the_unit_and_the_container_run_is_a_command_that_exists(name: str, line: str) -> None:
    found = re.search(line, (ROOT / "docs" / "deploy" / name).read_text(encoding="utf-8"), re.MULTILINE)
    assert found is not None
    words = json.loads(found[1]) if found[1].startswith("[") else shlex.split(found[1])
    assert words[0].rsplit("/", 1)[-1] == "keebai-async"
    check(words[1:])
