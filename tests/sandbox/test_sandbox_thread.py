"""A sandbox on a thread of its own: for tests and programs without an event loop, or with another one."""

import asyncio
import http.client
import threading
import time
from contextlib import closing

import aiohttp
import anyio
import anyio.to_thread
import pytest

from keebai_async.sandbox import Sandbox, WhautomateSandbox, faults
from keebai_async.sandbox.local_server import LocalServer
from keebai_async.testing import SandboxFactory
from tests.sandbox.caller import Caller, people

BULK = "POST /messages/bulk"


def ask(sandbox: Sandbox, path: str) -> int:
    """The status of a GET, without an event loop."""
    connection = http.client.HTTPConnection("127.0.0.1", port_of(sandbox))
    with closing(connection):
        connection.request("GET", f"/v1{path}", headers={"Authorization": f"Bearer {sandbox.token}"})
        return connection.getresponse().status


def threads() -> set[str]:
    return {thread.name for thread in threading.enumerate()}


def test_a_program_without_an_event_loop_has_a_sandbox() -> None:
    before = threads()
    with Sandbox(speed=100.0) as sandbox:
        assert ask(sandbox, "/me") == 200
        assert sandbox.traffic.requests == {"GET /me": 1}

    assert threads() == before
    with pytest.raises(ConnectionRefusedError):
        ask(sandbox, "/me")


def test_closed_and_opened_again_it_is_the_same_one() -> None:
    sandbox = Sandbox()
    with sandbox:
        url = sandbox.url
        ask(sandbox, "/me")
    with sandbox:
        ask(sandbox, "/me")

        assert sandbox.url == url
        assert sandbox.traffic.requests == {"GET /me": 2}


@pytest.mark.parametrize("kind", [Sandbox, WhautomateSandbox])
def test_a_port_that_is_taken_is_an_error_of_who_opens_it(kind: type[Sandbox | WhautomateSandbox]) -> None:
    with Sandbox() as first:
        before = threads()
        with pytest.raises(OSError, match="in use"), kind(port=port_of(first)):
            pass

        assert threads() == before


def port_of(server: LocalServer) -> int:
    return int(server.url.split(":")[2].split("/")[0])


async def test_it_closes_at_once_while_requests_hang(caller: Caller) -> None:
    async def bulk() -> None:
        with pytest.raises(aiohttp.ClientError):
            await caller.bulk(sandbox, people(5))

    async with anyio.create_task_group() as tasks:
        with Sandbox() as sandbox:
            sandbox.faults.on("*", faults.Hang(), times=None)
            for _ in range(5):
                tasks.start_soon(bulk)
            with anyio.fail_after(10.0):
                while len(sandbox.ledger) < 5:  # noqa: ASYNC110 - the ledger tells nobody
                    await anyio.sleep(0.001)
            before = time.monotonic()
        assert time.monotonic() - before < 5.0  # the server's own patience would be a minute


async def test_what_it_saw_is_read_while_requests_come_in(
    keebai_sandbox_factory: SandboxFactory, caller: Caller
) -> None:
    sandbox = keebai_sandbox_factory(windows=(), order="shared")
    broadcast_id = str((await caller.bulk(sandbox, people(400))).json["broadcast_id"])
    done = threading.Event()

    def read() -> int:
        reads = sent = 0
        while not done.is_set():
            counters = sandbox.counters(broadcast_id)
            assert sent <= counters.sent <= counters.total
            sent, reads = counters.sent, reads + 1
            accepted = len(sandbox.ledger)
            assert accepted <= sandbox.traffic.requests[BULK]
            assert sandbox.ledger.total <= sandbox.ledger.times_messaged().total()
            assert sandbox.traffic.throttled == {}
            time.sleep(0.0005)  # lets the other threads in
        return reads

    async def write(worker: int) -> None:
        for number in range(25):
            await caller.bulk(sandbox, people(3, first=10_000 + 1_000 * worker + 3 * number))
            await caller.get(sandbox, f"/messages/bulk/{broadcast_id}", token=None if number % 2 else "bad")

    async def write_all() -> None:
        async with anyio.create_task_group() as writers:
            for worker in range(4):
                writers.start_soon(write, worker)
        done.set()

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(write_all)
        assert await anyio.to_thread.run_sync(read) > 0

    assert len(sandbox.ledger) == 101
    assert sandbox.ledger.repeated() == {}


def test_a_program_that_forgets_to_close_it_can_end() -> None:
    sandbox = Sandbox()
    sandbox.__enter__()
    (thread,) = [one for one in threading.enumerate() if one.name.startswith("Sandbox")]

    assert thread.daemon
    sandbox.__exit__()


async def test_an_async_test_may_open_it_either_way(caller: Caller) -> None:
    sandbox = Sandbox()
    with sandbox:
        assert (await caller.get(sandbox, "/me")).status == 200
    async with sandbox:
        assert (await caller.get(sandbox, "/me")).status == 200
        assert len(asyncio.all_tasks()) > 1  # this loop serves it

    assert sandbox.traffic.requests == {"GET /me": 2}
