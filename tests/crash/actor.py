"""Whole processes that run a campaign as users do, for the storm: the command, and a program of somebody's.

As in `child`, one process imports everything once and forks each of them.
"""

import asyncio
import logging
import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path

import anyio
import msgspec

from keebai_async import __main__ as command
from keebai_async.campaign import freshness
from keebai_async.client import Keebai
from keebai_async.clock import ScaledClock
from keebai_async.errors import KeebaiError
from keebai_async.planning.plan import PlanOptions
from keebai_async.quota.window import Quota
from keebai_async.transport.request import Timeouts
from tests.crash.child import Said, say, serve
from tests.crash.people import NAME, everybody


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """Go on with *campaign*, or plan one if it is None: as the command, or as a program.

    A program may do something to itself *after* so many seconds: `close` its client, `cancel` its task, or
    `leave` the run by an error.
    """

    journal: str
    url: str
    token: str
    sender: str
    speed: float
    people: int
    size: int
    output: str
    campaign: str | None = None
    as_command: bool = False
    does: str = ""
    after: float = 0.0
    patience: float = 30.0
    """Seconds of real time for the answer to a submit of a program."""
    longest_intent: float = freshness.LONGEST_INTENT


class LeftByAnError(Exception):
    pass


def run(role: Role) -> int:
    logging.getLogger("keebai_async").addHandler(logging.NullHandler())
    setattr(freshness, "LONGEST_INTENT", role.longest_intent)  # noqa: B010 - it is a constant
    if role.as_command:
        return run_command(role)
    try:
        anyio.run(run_program, role)
    except (KeebaiError, asyncio.CancelledError, LeftByAnError) as error:
        say(Said(error=f"{type(error).__name__}: {error}"))
        return 0 if role.does or isinstance(error, asyncio.CancelledError) else 1
    except BaseException:
        with Path(role.output).open("a", encoding="utf-8") as out:
            traceback.print_exc(file=out)
        return 2
    return 0


def run_command(role: Role) -> int:
    assert role.campaign is not None
    with Path(os.devnull).open("rb") as nothing, Path(role.output).open("ab") as out:
        os.dup2(nothing.fileno(), 0)
        os.dup2(out.fileno(), 1)
        os.dup2(out.fileno(), 2)
    os.environ |= {
        "KEEBAI_API_TOKEN": role.token,
        "KEEBAI_BASE_URL": role.url,
        "KEEBAI_PHONE_NUMBER_ID": role.sender,
        "KEEBAI_JOURNAL": role.journal,
        "KEEBAI_QUOTA": "10000/1s",
        "KEEBAI_POLL_FLOOR": "0.01",
    }
    sys.argv = ["keebai-async", "resume", role.campaign, "--yes", "--json"]
    return command.main()


async def run_program(role: Role) -> None:
    task, loop = asyncio.current_task(), asyncio.get_running_loop()
    assert task is not None
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, task.cancel)  # what web servers and job runners make of it
    if role.does == "cancel":
        loop.call_later(role.after, task.cancel)
    keebai = Keebai(
        role.token,
        base_url=role.url,
        phone_number_id=role.sender,
        clock=ScaledClock(role.speed),
        quotas=[Quota(10_000, 1.0)],
        journal=role.journal,
        poll_floor=2.0,
        timeout=Timeouts(connect=30.0, read=30.0, submit=role.patience),
    )
    closing = None
    if role.does == "close":
        closing = asyncio.create_task(close_later(keebai, role.after))
    try:
        async with keebai:
            await run_campaign(keebai, role)
    finally:
        if closing is not None:
            with suppress(asyncio.CancelledError):
                await closing


async def close_later(keebai: Keebai, seconds: float) -> None:
    await asyncio.sleep(seconds)
    await keebai.aclose()


async def run_campaign(keebai: Keebai, role: Role) -> None:
    campaign = role.campaign
    if campaign is None:
        plan = await keebai.campaigns.plan(
            everybody(role.people),
            template="promo",
            language="es",
            name=NAME,
            options=PlanOptions(chunk_size=role.size),
        )
        campaign = plan.campaign_id
    async with keebai.campaigns.resume(campaign) as run:
        say(Said(began=campaign))
        if role.does == "leave":
            with anyio.move_on_after(role.after):
                await run.report()
                return
            raise LeftByAnError
        report = await run.report()
    say(Said(ended=report.state, stopped_by=report.stopped_by))


if __name__ == "__main__":
    serve(Role, run, "keebai_async.cli.app", "keebai_async.transport.wire")
