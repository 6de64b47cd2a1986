"""All campaigns that are run, on one screen: it fits, it leaves out nothing without a word, and it ends."""

import os
import pty
import signal
from io import StringIO

import anyio
import pytest
from msgspec.structs import replace
from rich.console import Console

from keebai_async.cli.board import board
from keebai_async.cli.campaign_codes import code_of_several
from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure, share
from keebai_async.clock import ManualClock
from keebai_async.model.situation import Situation, is_going_on, situation_of
from keebai_async.model.want import Want
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_interrupts import launching, until
from tests.cli.test_cli_progress import NOW, accepted, at, running
from tests.cli.test_cli_steering import READ, patient
from tests.cli.test_cli_steering import running as running_now
from tests.cli.test_cli_text import PLAN

WHOLE_SCREEN = "\x1b[?1049h"
"""What a terminal is told so that it keeps what it shows for later."""


def campaigns(count: int) -> list[Situation]:
    """So many that are run, each with an id of its own."""
    return [
        situation_of(
            replace(
                running(accepted(1, sent=1_000, failed=20, seen=NOW), accepted(2), accepted(3)),
                plan=replace(PLAN, campaign_id=f"promo-{number:03}"),
            ),
            NOW + 10,
        )
        for number in range(count)
    ]


def drawn(count: int, *, width: int, height: int, ascii_only: bool = False) -> list[str]:
    """The lines of a board, as a terminal of that size shows them."""
    console = Console(file=StringIO(), width=width, height=height, force_terminal=True, legacy_windows=False)
    shown = board(campaigns(count), at(10), width=width, height=height, ascii_only=ascii_only)
    lines = console.render_lines(shown, pad=False)
    return ["".join(segment.text for segment in line) for line in lines]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
@pytest.mark.parametrize("height", [5, 10, 24, 60])
@pytest.mark.parametrize("count", [1, 2, 5, 40])
def test_a_board_fits_its_screen_and_every_campaign_is_shown_or_counted(
    width: int, height: int, count: int
) -> None:
    lines = drawn(count, width=width, height=height)

    assert len([line for line in lines if line.strip()]) <= height
    assert len(lines) <= height + 1  # the last line may be an empty one
    assert all(len(line) <= width for line in lines)
    shown = [line for line in lines if line.startswith("promo-")]
    more = [int(line.split()[1]) for line in lines if line.startswith("and ")]
    assert len(shown) + sum(more) == count
    assert shown


def test_a_board_says_of_each_campaign_how_far_it_is_what_is_likely_and_when_it_ends() -> None:
    lines = drawn(2, width=100, height=24)

    assert lines[0].startswith("2 campaigns; 2 running; ")
    assert lines[2].startswith("promo-000  running")
    counts = f"delivering: {figure(1_020)} of {figure(12_000)}, about {figure(1_820)} by now"
    assert lines[3].endswith(counts)
    assert "ends about " in lines[4]
    assert f"failed 20 ({share(20, 1_020)})" in lines[4]


def test_a_board_can_be_drawn_in_ascii() -> None:
    assert "\n".join(drawn(3, width=60, height=24, ascii_only=True)).isascii()


def test_a_campaign_goes_on_while_it_is_run_or_a_worker_is_to_take_it_up_now() -> None:
    run = running()
    left = replace(run, holder=None)
    due, later = (Want(campaign_id=PLAN.campaign_id, at=NOW + seconds) for seconds in (0.0, 3_600.0))
    held, for_a_person = replace(due, held=True), replace(due, waits=True)

    assert is_going_on(situation_of(run, NOW + 10))
    assert is_going_on(situation_of(left, NOW + 10, want=due))
    for nobody_takes_it in (later, held, for_a_person):
        assert not is_going_on(situation_of(left, NOW + 10, want=nobody_takes_it))
    assert not is_going_on(situation_of(left, NOW + 10))


def test_of_several_campaigns_the_code_is_that_of_the_one_that_needs_a_person_first() -> None:
    done = situation_of(running(*(accepted(number, sent=4_000, seen=NOW) for number in (1, 2, 3))), NOW + 10)
    failed = situation_of(running(accepted(1, sent=3_990, failed=10, seen=NOW)), NOW + 10)
    died = situation_of(replace(running(), holder=None), NOW + 10)

    assert code_of_several([]) == code_of_several([done]) == Exit.DONE
    assert code_of_several([done, failed]) == Exit.PARTLY
    assert code_of_several([failed, died, done]) == Exit.FAILED


async def test_where_no_campaign_is_run_there_is_nothing_to_watch(shell: Shell, clients: str) -> None:
    await shell.call("plan", clients, "--template", "promo", "--language", "es")

    watched = await shell.call("watch")

    assert (watched.code, watched.out) == (0, "")
    assert watched.err == "no campaign of this journal is run now\n"


async def read_until(ours: int, sign: str) -> str:
    """What is told on a terminal, until *sign* is in it."""
    told = b""
    with anyio.fail_after(30):
        while sign.encode() not in told:
            await anyio.wait_readable(ours)
            told += os.read(ours, 65_536)
    return told.decode()


@pytest.mark.parametrize("kind", ["xterm", "dumb"])
async def test_all_are_watched_until_nobody_runs_one_and_then_listed(
    make_shell: MakeShell, kind: str
) -> None:
    ours, theirs = pty.openpty()
    async with Sandbox(clock=ManualClock()) as sandbox:  # its delivery never ends
        shell = patient(make_shell(sandbox))
        async with launching(shell) as process:
            await until(lambda: sandbox.traffic.requests[READ] > 0)
            campaign = await running_now(shell)
            async with await anyio.open_process(
                shell.command("watch"),
                cwd=shell.folder,
                env=shell.environment | {"TERM": kind},
                stderr=theirs,
            ) as watching:
                os.close(theirs)
                told = await read_until(ours, campaign)
                process.send_signal(signal.SIGKILL)
                await process.wait()
                told += await read_until(ours, f"keebai-async resume {campaign}")
                assert watching.stdout is not None
                listed = b"".join([piece async for piece in watching.stdout]).decode()
                code = await watching.wait()
    os.close(ours)

    assert code == 1
    assert campaign in listed
    assert "died" in listed
    assert (WHOLE_SCREEN in told) == (kind == "xterm")
