"""Every command that is printed as a next step is typed, in every situation, and does what it promises."""

import re
import shlex
import shutil
import signal
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import anyio
import pytest
from msgspec.structs import replace

from keebai_async.cli.other_process import ask_and_wait
from keebai_async.client import Keebai
from keebai_async.clock import ManualClock
from keebai_async.errors import CampaignBusy
from keebai_async.model.campaign import CampaignState
from keebai_async.model.chunk import ChunkState
from keebai_async.model.events import ChunkAccepted
from keebai_async.model.plan import Guards, Pace
from keebai_async.model.situation import Situation, Standing
from keebai_async.model.stop import Cause
from keebai_async.planning.options import PlanOptions
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.catalogue import SandboxToken
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Ended, Shell, let_pass
from tests.cli.test_cli_interrupts import end_of, launching, until

BULK, READ = "POST /messages/bulk", "GET /messages/bulk/{broadcast_id}"
SLOW: Final = Pace(people=2, per=3_600.0)


class Day:
    """A campaign on a sandbox, and what somebody has to put right before it can go on."""

    def __init__(self, shell: Shell, sandbox: Sandbox) -> None:
        self.shell = shell
        self.sandbox = sandbox
        self.campaign = ""

    @asynccontextmanager
    async def client(self) -> AsyncIterator[Keebai]:
        async with Keebai(
            self.sandbox.token,
            base_url=self.sandbox.url,
            phone_number_id=self.shell.environment["KEEBAI_PHONE_NUMBER_ID"],
            journal=self.journal,
            clock=self.sandbox.clock,
            limiter="memory:",
        ) as keebai:
            yield keebai

    @property
    def journal(self) -> Path:
        return Path(self.shell.environment["KEEBAI_JOURNAL"])

    async def plan(self, people: int = 6, *, size: int = 2, guards: Guards | None = None) -> None:
        rows = [
            {"to": f"+5491155{number:06}", "nombre": "Ana", "codigo": f"A{number}"}
            for number in range(people)
        ]
        options = PlanOptions(chunk_size=size, guards=guards or Guards())
        async with self.client() as keebai:
            plan = await keebai.campaigns.plan(
                rows, template="promo", language="es", name="Promo", options=options
            )
        self.campaign = plan.campaign_id

    async def run(self, *, accepted: int | None = None, track: bool = True, pace: Pace | None = None) -> None:
        """Run it to its end, or until so many chunks are accepted."""
        async with (
            self.client() as keebai,
            keebai.campaigns.start(self.campaign, pace=pace, track=track) as run,
        ):
            taken = 0
            async for event in run.events():
                taken += isinstance(event, ChunkAccepted)
                if accepted is not None and taken >= accepted:
                    run.stop("enough")
            await run.report()

    async def situation(self) -> Situation:
        async with Keebai("none", journal=self.journal, limiter="memory:") as keebai:
            return await keebai.campaigns.situation(self.campaign)

    async def cure(self) -> None:
        """What the words of a step ask for before its command."""
        self.sandbox.faults.clear()
        self.sandbox.set_template_status("promo", "APPROVED")
        self.sandbox.settings.failing = 0.0

    def found(self, chunk: int) -> str:
        name = f"[{chunk:02}/"
        for submission in self.sandbox.ledger.submissions:
            if name in (submission.campaign_name or ""):
                return submission.broadcast_id or ""
        raise AssertionError(f"chunk {chunk} is not in the portal")


async def planned(day: Day) -> None:
    await day.plan()


async def stopped_with_people_left(day: Day) -> None:
    await day.plan()
    await day.run(accepted=1, pace=SLOW)


async def stopped_with_all_at_the_service(day: Day) -> None:
    await day.plan()
    await day.run(accepted=3)


async def died(day: Day) -> None:
    await stopped_with_people_left(day)
    async with day.client() as keebai:
        await keebai.journal.set_state(day.campaign, CampaignState.RUNNING)


async def not_followed(day: Day) -> None:
    await day.plan()
    await day.run(track=False)


async def an_answer_lost(day: Day) -> None:
    await day.plan()
    day.sandbox.faults.on(BULK, faults.Reset(), nth=1)
    await day.run()
    let_pass(day.journal, 3_600.0)


async def an_answer_lost_and_people_left(day: Day) -> None:
    await day.plan(guards=Guards(canary=2))
    day.sandbox.faults.on(BULK, faults.Reset(), nth=1)
    await day.run()
    let_pass(day.journal, 3_600.0)


async def to_be_sent_again(day: Day) -> None:
    await an_answer_lost(day)
    async with day.client() as keebai:
        (unknown,) = await keebai.campaigns.unknown(day.campaign)
        await keebai.campaigns.reconcile(day.campaign, unknown.number, resend=True)


async def too_many_failed(day: Day) -> None:
    day.sandbox.settings.failing = 1.0
    await day.plan(250, size=210, guards=Guards(stop_above=0.3))
    await day.run(pace=Pace(people=210, per=3_600.0))


async def the_canary_failed(day: Day) -> None:
    day.sandbox.settings.failing = 1.0
    await day.plan(guards=Guards(canary=2))
    await day.run()


async def the_token_was_revoked(day: Day) -> None:
    await stopped_with_people_left(day)
    (token,) = day.sandbox.settings.tokens
    day.sandbox.settings.tokens = (replace(token, revoked=True), SandboxToken(secret="kbai_pk_" + "n" * 32))
    await day.run()
    day.sandbox.settings.tokens = day.sandbox.settings.tokens[1:]
    day.shell.environment["KEEBAI_API_TOKEN"] = day.sandbox.token


async def the_sender_is_gone(day: Day) -> None:
    await day.plan()
    senders = day.sandbox.settings.senders
    day.sandbox.settings.senders = senders[1:]
    await day.run()
    day.sandbox.settings.senders = senders


async def the_template_was_paused(day: Day) -> None:
    await day.plan()
    day.sandbox.set_template_status("promo", "PAUSED")
    await day.run()


async def the_broadcasts_are_gone(day: Day) -> None:
    await day.plan()
    day.sandbox.faults.on(READ, faults.Status(status=404), times=None)
    await day.run()


async def purged(day: Day) -> None:
    await stopped_with_people_left(day)
    async with day.client() as keebai:
        await keebai.campaigns.purge(day.campaign, unfinished=True)


async def a_purged_plan(day: Day) -> None:
    await day.plan()
    async with day.client() as keebai:
        await keebai.campaigns.purge(day.campaign, unfinished=True)


async def finished(day: Day) -> None:
    await day.plan()
    await day.run()


async def most_of_it_failed(day: Day) -> None:
    day.sandbox.settings.failing = 0.7
    await day.plan(300, size=150)
    await day.run()


async def killed_on_its_way(day: Day) -> None:
    day.sandbox.faults.on(BULK, faults.Hang(), nth=1)
    async with launching(day.shell) as process:
        await until(lambda: len(day.sandbox.ledger) == 1)
        process.send_signal(signal.SIGKILL)
        await process.wait()
    async with Keebai("none", journal=day.journal, limiter="memory:") as keebai:
        (situation,) = await keebai.campaigns.situations()
    day.campaign = situation.campaign_id


Make = Callable[[Day], Awaitable[None]]

SITUATIONS: Final[dict[Make, tuple[Standing, Cause | None, list[str]]]] = {
    planned: (Standing.PLANNED, None, ["launch", "remove"]),
    stopped_with_people_left: (Standing.STOPPED, Cause.INTERRUPTED, ["resume"]),
    stopped_with_all_at_the_service: (Standing.STOPPED, Cause.INTERRUPTED, ["resume"]),
    died: (Standing.DIED, None, ["resume"]),
    not_followed: (Standing.STOPPED, Cause.NOT_TRACKED, ["resume"]),
    an_answer_lost: (
        Standing.STOPPED,
        Cause.UNKNOWN,
        ["reconcile", "reconcile --accepted", "reconcile --resend", "reconcile --abandon"],
    ),
    an_answer_lost_and_people_left: (
        Standing.STOPPED,
        Cause.GUARD,
        [
            "reconcile",
            "reconcile --accepted",
            "reconcile --resend",
            "reconcile --abandon",
            "templates",
            "resume --no-guards",
        ],
    ),
    to_be_sent_again: (Standing.STOPPED, Cause.SETTLED, ["reconcile --take-back", "resume"]),
    too_many_failed: (
        Standing.STOPPED,
        Cause.GUARD,
        ["templates", "resume --stop-above", "resume --no-guards"],
    ),
    the_canary_failed: (
        Standing.STOPPED,
        Cause.GUARD,
        ["templates", "resume --stop-above", "resume --no-guards"],
    ),
    the_token_was_revoked: (Standing.STOPPED, Cause.TOKEN, ["doctor", "resume --new-token"]),
    the_sender_is_gone: (Standing.STOPPED, Cause.NOT_FOUND, ["numbers", "resume", "export"]),
    the_template_was_paused: (Standing.STOPPED, Cause.TEMPLATE, ["templates", "resume", "export"]),
    the_broadcasts_are_gone: (Standing.STOPPED, Cause.NOT_TRACKED, []),
    purged: (Standing.PURGED, None, []),
    a_purged_plan: (Standing.PURGED, None, ["remove"]),
    finished: (Standing.FINISHED, None, []),
    most_of_it_failed: (Standing.FINISHED, None, ["templates"]),
    killed_on_its_way: (
        Standing.DIED,
        None,
        ["reconcile", "reconcile --accepted", "reconcile --abandon"],
    ),
}


def kind_of(command: str) -> str:
    """`reconcile --resend`: the word and the option that say what it does."""
    words = [word for word in shlex.split(command)[1:] if word not in {"--chunk", "--unsent"}]
    return " ".join(word for place, word in enumerate(words) if place == 0 or word.startswith("--"))


@pytest.mark.parametrize("make", SITUATIONS, ids=lambda make: make.__name__)
async def test_what_is_printed_does_what_it_promises(shell: Shell, sandbox: Sandbox, make: Make) -> None:
    day = Day(shell, sandbox)
    await make(day)
    standing, cause, kinds = SITUATIONS[make]
    before = await day.situation()
    kept = shell.folder / "kept"
    kept.mkdir()
    for file in shell.folder.glob("journal.db*"):
        shutil.copy(file, kept)

    assert (before.standing, before.cause) == (standing, cause)
    assert [kind_of(step.command) for step in before.steps if step.command] == kinds
    await day.cure()
    for step in before.steps:
        if step.command:
            for file in kept.iterdir():
                shutil.copy(file, shell.folder)
            await type_it(day, step.command, before)


async def type_it(day: Day, command: str, before: Situation) -> None:
    words = shlex.split(command)[1:]
    kind = kind_of(command)
    chunk = int(words[words.index("--chunk") + 1]) if "--chunk" in words else 0
    words = [day.found(chunk) if word == "BROADCAST-ID" else word for word in words]
    if kind.split()[0] in {"launch", "resume"} or kind in {"reconcile --resend", "reconcile --abandon"}:
        words.append("--yes")
    if before.report.pace is not None and words[0] == "resume":
        words += ["--pace", "off"]  # it would keep its promise, an hour later

    ended = await day.shell.call(*words)
    told = f"{command}: {ended.code}\n{ended.out}{ended.err}"
    await KEPT[kind](day, ended, before, chunk, told)


Kept = Callable[[Day, Ended, Situation, int, str], Awaitable[None]]


async def goes_on(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    assert ended.code in {0, 5, 6, 9}, told
    after = await day.situation()
    assert after.report.unsent == after.report.pending == 0, told
    assert after.report.accepted > before.report.accepted or before.report.pending, told


async def settles(state: ChunkState, day: Day, ended: Ended, chunk: int, told: str) -> None:
    assert ended.code == 0, told
    (line,) = [each for each in (await day.situation()).report.chunks if each.number == chunk]
    assert line.state is state, told
    assert line.resent is (state is ChunkState.PLANNED), told


async def shows(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    assert ended.code in {0, 6}, told
    assert ended.out, told


async def shows_what_is_unknown(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    assert ended.code == 6, told
    assert len(re.findall("campaign name", ended.out)) == 1, told


async def is_gone(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    assert ended.code == 0, told
    assert (await day.shell.call("status", day.campaign)).code == 2


async def writes_the_rest(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    assert ended.code == 0, told
    lines = (day.shell.folder / "rest.csv").read_text(encoding="utf-8").splitlines()
    assert len(lines) - 1 == before.report.unsent, told
    (day.shell.folder / "rest.csv").unlink()


async def accepted(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    await settles(ChunkState.ACCEPTED, day, ended, chunk, told)


async def again(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    await settles(ChunkState.PLANNED, day, ended, chunk, told)


async def given_up(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    await settles(ChunkState.ABANDONED, day, ended, chunk, told)


async def doubted(day: Day, ended: Ended, before: Situation, chunk: int, told: str) -> None:
    await settles(ChunkState.UNKNOWN, day, ended, chunk, told)


KEPT: Final[dict[str, Kept]] = {
    "launch": goes_on,
    "resume": goes_on,
    "resume --no-guards": goes_on,
    "resume --stop-above": goes_on,
    "resume --new-token": goes_on,
    "reconcile": shows_what_is_unknown,
    "reconcile --accepted": accepted,
    "reconcile --resend": again,
    "reconcile --abandon": given_up,
    "reconcile --take-back": doubted,
    "remove": is_gone,
    "export": writes_the_rest,
    "doctor": shows,
    "numbers": shows,
    "templates": shows,
}


async def test_what_is_printed_of_a_campaign_that_runs_works_from_another_terminal(
    shell: Shell, sandbox: Sandbox
) -> None:
    async with launching(shell, "--pace", "10/1h") as process:
        await until(lambda: len(sandbox.ledger) == 1)
        day = Day(shell, sandbox)
        day.campaign = str((await shell.call("list", "--json")).objects[0]["campaign_id"])
        running = [kind_of(step.command) for step in (await day.situation()).steps]
        paused = await shell.call("pause", day.campaign)
        while_paused = await day.situation()
        resumed = await shell.call("resume", day.campaign, "--yes")
        stopped = await shell.call("stop", day.campaign, "--json")
        await end_of(process)
        watched = await shell.call("watch", day.campaign)

    assert running == ["pause", "stop", "watch"]
    assert (while_paused.standing, while_paused.report.unsent) == (Standing.PAUSED, 10)
    assert [kind_of(step.command) for step in while_paused.steps] == ["resume", "stop", "watch"]
    assert (paused.code, resumed.code, stopped.code, watched.code) == (0, 0, 0, 130)
    assert (stopped.objects[0]["state"], stopped.objects[0]["unsent"]) == ("stopped", 10)


async def test_when_all_is_with_the_service_a_pause_and_a_stop_say_who_gets_it_all_the_same(
    make_shell: MakeShell,
) -> None:
    async with Sandbox(clock=ManualClock()) as sandbox:  # its delivery never ends
        shell = make_shell(sandbox)
        shell.environment["KEEBAI_POLL_FLOOR"] = "0.5"
        async with launching(shell) as process:
            await until(lambda: sandbox.traffic.requests[READ] > 0)
            campaign = str((await shell.call("list", "--json")).objects[0]["campaign_id"])
            paused = await shell.call("pause", campaign, "--json")
            with anyio.fail_after(30):
                while "submits 1" not in (status := await shell.call("status", campaign)).out:
                    pass  # the process tells every two seconds what it has spent
            stopped = await shell.call("stop", campaign)
            code, words = await end_of(process)

    broadcast = sandbox.ledger.submissions[0].broadcast_id
    assert (paused.code, stopped.code, code) == (2, 0, 130)
    assert (
        "there is nothing to pause: of the 20 people nobody is unsent; 20 are with the service" in paused.err
    )
    assert paused.objects[0]["type"] == "error"
    assert "after 0 s" not in status.out
    assert "waits for the service to deliver to 20 people" in status.out
    for told in (stopped.err, words):
        assert "all 20 people left are with the service already" in told
        assert "cannot call them back" in told
        assert f"{broadcast}, 20 people pending" in told


async def test_what_a_frozen_process_was_asked_does_not_happen_when_it_wakes(
    shell: Shell, sandbox: Sandbox
) -> None:
    async with launching(shell, "--pace", "10/1h") as process:
        await until(lambda: len(sandbox.ledger) == 1)
        campaign = str((await shell.call("list", "--json")).objects[0]["campaign_id"])
        process.send_signal(signal.SIGSTOP)
        async with Keebai("none", journal=shell.environment["KEEBAI_JOURNAL"], limiter="memory:") as keebai:
            with pytest.raises(CampaignBusy, match="taken back, so it will not happen later"):
                await ask_and_wait(keebai, campaign, keebai.campaigns.pause, Standing.PAUSED, within=0.5)
            process.send_signal(signal.SIGCONT)
            assert not await keebai.campaigns.take_wish_back(campaign)
            assert (await keebai.campaigns.situation(campaign)).standing is Standing.RUNNING
        process.send_signal(signal.SIGINT)
        await end_of(process)


def test_the_table_has_every_kind_of_step() -> None:
    printed = {kind for _, _, kinds in SITUATIONS.values() for kind in kinds}

    assert printed == set(KEPT)
