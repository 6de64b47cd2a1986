"""`--sender`, several times: the command deals one list, and its one id means all parts."""

import re
import signal
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress

import anyio
import pytest
from msgspec.structs import replace

from keebai_async.journal.open import open_journal
from keebai_async.sandbox.keebai.catalogue import SandboxSender, SandboxToken
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Ended, Shell
from tests.cli.test_cli_retry import tell

NUMBERS = tuple(
    SandboxSender(
        phone_number_id=f"100000000000{number:03}",
        channel_id=f"66cc00112233445566779{number:03}",
        phone_number=f"+54911500009{number:02}",
        name=f"Ventas {number}",
    )
    for number in range(1, 6)
)
SENDERS = [word for each in NUMBERS for word in ("--sender", each.phone_number_id)]
OWN, SOUTH = (SandboxToken(secret=f"kbai_pk_{each * 64}") for each in "cd")
PROMO = ("--template", "promo", "--language", "es", "--name", "Promo marzo")


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=100.0, senders=NUMBERS, tokens=(OWN, SOUTH)) as sandbox:
        yield sandbox


def a_list(shell: Shell, people: int) -> str:
    rows = [f"+549{1_100_000_000 + number},Ana {number},M-7" for number in range(people)]
    return shell.write("clients.csv", "\n".join(["to,nombre,codigo", *rows]) + "\n")


def last(ended: Ended) -> dict[str, object]:
    return ended.objects[-1]


def parts_of(line: dict[str, object]) -> list[dict[str, object]]:
    parts = line["parts"]
    assert isinstance(parts, list)
    return parts


async def test_a_list_is_planned_and_launched_over_five_senders_under_one_id(
    shell: Shell, sandbox: Sandbox
) -> None:
    file = a_list(shell, 500)
    planned = await shell.call("plan", file, *PROMO, *SENDERS, "--json")
    plan = last(planned)
    whole = str(plan["campaign_id"])
    shown = await shell.call("plan", file, *PROMO, *SENDERS)
    refused = await shell.call("launch", whole, "--sender", NUMBERS[0].phone_number_id, "--yes")
    launched = await shell.call("launch", whole, "--yes", "--json")
    report = last(launched)

    assert [(part["sender"], part["sender_number"]) for part in parts_of(plan)] == [
        ({"phone_number_id": each.phone_number_id, "channel_id": None}, each.phone_number) for each in NUMBERS
    ]
    assert "sender" not in plan
    assert sum(int(str(part["ready"])) for part in parts_of(plan)) == plan["ready"] == 500
    assert "from 5 senders" in shown.out
    assert all(f"{each.phone_number_id}  {each.phone_number}" in shown.out for each in NUMBERS)
    assert (refused.code, launched.code) == (2, 0)
    assert (report["type"], report["campaign_id"], report["sent"], report["chunks"]) == (
        *("report", whole, 500),
        [],
    )
    assert [part["state"] for part in parts_of(report)] == ["finished"] * 5
    assert all(part["chunks"] for part in parts_of(report))
    assert sandbox.ledger.total == 500
    assert sandbox.ledger.repeated() == {}


@pytest.mark.parametrize("words", ["Promo marzo", "last", "promo-marzo"])
async def test_the_whole_is_meant_by_its_name_and_the_beginning_of_its_id(words: str, shell: Shell) -> None:
    planned = last(await shell.call("plan", a_list(shell, 40), *PROMO, *SENDERS, "--json"))

    found = last(await shell.call("status", words, "--json"))
    part = last(await shell.call("status", f"{planned['campaign_id']}-2", "--json"))
    by_name = last(await shell.call("status", "Promo marzo 2/5", "--json"))

    assert found["campaign_id"] == planned["campaign_id"]
    assert part["campaign_id"] == by_name["campaign_id"] == f"{planned['campaign_id']}-2"
    assert len(parts_of(found)) == 5
    assert "parts" not in part


async def test_one_row_of_the_list_stands_for_the_whole_and_the_report_has_one_for_each_sender(
    shell: Shell,
) -> None:
    await shell.call("launch", a_list(shell, 100), *PROMO, *SENDERS, "--yes")

    listed = await shell.call("list")
    report = await shell.call("report", "last", "--html", "promo.html")
    page = (shell.folder / "promo.html").read_text(encoding="utf-8")
    told = await shell.call("report", "last")

    assert len(listed.out.splitlines()) == 2
    assert report.code == told.code == 0
    rows = [line.split() for line in told.out.splitlines()]
    assert [row[:2] for row in rows if row and row[0].startswith("100000000000")] == [
        [each.phone_number_id, "finished"] for each in NUMBERS
    ]
    assert "By sender" in page
    assert all(each.phone_number_id in page for each in NUMBERS)


async def test_another_token_is_that_of_a_profile_also_when_it_is_launched_and_resumed_later(
    shell: Shell, sandbox: Sandbox
) -> None:
    shell.environment |= {"XDG_CONFIG_HOME": str(shell.folder), "WHERE_IT_IS": SOUTH.secret}
    (shell.folder / "keebai-async").mkdir()
    shell.write(
        "keebai-async/config.toml",
        '[profiles.away]\ntoken_env = "NOT_SET"\n[profiles.south]\ntoken_env = "WHERE_IT_IS"\n',
    )
    senders = [*SENDERS[:2], "--sender", f"{NUMBERS[4].phone_number_id}@SOUTH"]
    unknown = await shell.call("plan", a_list(shell, 9), *PROMO, "--sender", "1@NORTH")
    unset = await shell.call("plan", a_list(shell, 9), *PROMO, "--sender", "1@away")

    planned = last(await shell.call("plan", a_list(shell, 40), *PROMO, *senders, "--json"))
    launched = await shell.call("launch", str(planned["campaign_id"]), "--yes", "--json")
    retried = await shell.call("resume", str(planned["campaign_id"]), "--yes", "--json")

    assert unknown.err == (
        "error: --sender: no token for 1@NORTH: set KEEBAI_API_TOKEN_NORTH, or make a profile NORTH\n"
    )
    assert unset.err.count("\n") == 1
    assert "profile away: NOT_SET is not set" in unset.err
    assert (launched.code, retried.code) == (0, 0), launched.err
    assert last(launched)["sent"] == last(retried)["sent"] == 40
    assert sandbox.ledger.total == 40
    used = {one.token for one in sandbox.ledger.submissions if one.sender == NUMBERS[4].phone_number_id}
    assert used == {SOUTH.secret}


async def test_a_token_that_is_revoked_stops_its_part_alone_and_resume_finds_it_in_the_environment(
    shell: Shell, sandbox: Sandbox
) -> None:
    shell.environment["KEEBAI_API_TOKEN_SOUTH"] = SOUTH.secret
    senders = [*SENDERS[:6], "--sender", f"{NUMBERS[4].phone_number_id}@SOUTH"]
    planned = last(await shell.call("plan", a_list(shell, 400), *PROMO, *senders, "--json"))
    sandbox.settings.tokens = (OWN, replace(SOUTH, revoked=True))
    stopped = await shell.call("launch", str(planned["campaign_id"]), "--yes")
    sandbox.settings.tokens = (OWN, SOUTH)
    unset = shell.environment.pop("KEEBAI_API_TOKEN_SOUTH")
    without = await shell.call("resume", "last", "--yes")
    shell.environment["KEEBAI_API_TOKEN_SOUTH"] = unset
    resumed = await shell.call("resume", "last", "--yes", "--json")

    assert stopped.code == without.code == 4
    assert "part 4/4, from 100000000000005, is stopped: GET /templates: 401" in stopped.out
    assert f"keebai-async resume {planned['campaign_id']}-4 --new-token" in stopped.err
    assert "is the part of another token" in without.out
    assert (resumed.code, last(resumed)["sent"]) == (0, 400)
    assert sandbox.ledger.total == 400
    assert {one.token for one in sandbox.ledger.submissions if one.sender == NUMBERS[4].phone_number_id} == {
        SOUTH.secret
    }


async def test_a_retry_of_a_part_whose_token_is_not_in_the_environment_says_where_to_put_it(
    shell: Shell, sandbox: Sandbox
) -> None:
    shell.environment["KEEBAI_API_TOKEN_SOUTH"] = SOUTH.secret
    senders = [*SENDERS[:2], "--sender", f"{NUMBERS[4].phone_number_id}@SOUTH"]
    launched = await shell.call("launch", a_list(shell, 40), *PROMO, *senders, "--yes", "--json")
    whole = str(last(launched)["campaign_id"])
    for part in (1, 2):
        await tell(shell, f"{whole}-{part}", {0: 131056}, ago=600.0)
    del shell.environment["KEEBAI_API_TOKEN_SOUTH"]

    refused = await shell.call("retry", whole, "--yes")
    listed = await shell.call("list")
    shell.environment["KEEBAI_API_TOKEN_SOUTH"] = SOUTH.secret
    retried = await shell.call("retry", whole, "--yes", "--json")

    assert (refused.code, refused.out) == (2, "")
    assert refused.err.splitlines()[-1] == (
        f"error: part 2/2 of campaign {whole}, from sender {NUMBERS[4].phone_number_id}, was sent with"
        " another token, which no client here has: put it into KEEBAI_API_TOKEN_NAME"
    )
    assert len(listed.out.splitlines()) == 2  # its head, and the one that was launched
    assert (retried.code, last(retried)["sent"]) == (0, 2)
    assert {(one.sender, one.token) for one in sandbox.ledger.submissions} == {
        (NUMBERS[0].phone_number_id, OWN.secret),
        (NUMBERS[4].phone_number_id, SOUTH.secret),
    }


async def test_a_yes_to_a_list_of_which_a_part_was_purged_is_none_to_a_repetition_that_it_did_not_show(
    shell: Shell, sandbox: Sandbox
) -> None:
    senders = SENDERS[:4]
    planned = last(await shell.call("plan", a_list(shell, 40), *PROMO, *senders, "--json"))
    whole, there = str(planned["campaign_id"]), int(str(parts_of(planned)[1]["ready"]))
    journal = open_journal(str(shell.folder / "journal.db"))
    items = (await journal.items(f"{whole}-2", 1)).decode()
    await journal.aclose()
    got = re.findall(r'"to":"([^"]+)"', items)[: there * 3 // 5]
    file = shell.write(
        "before.csv", "\n".join(["to,nombre,codigo", *[f"{each},Ana,M" for each in got]]) + "\n"
    )
    await shell.call("launch", file, *PROMO[:4], "--sender", NUMBERS[0].phone_number_id, "--yes")
    await shell.call("purge", f"{whole}-1", "--unfinished", "--yes")

    refused = await shell.answer("y\n", "launch", whole)

    assert refused.code == 2
    assert f"{len(got)} of these {there} people got the template" in refused.err
    assert "--again" in refused.err
    assert sandbox.ledger.total == len(got)


async def test_what_cannot_be_a_sender_is_said_before_anything_is_made(shell: Shell) -> None:
    file = a_list(shell, 4)
    nameless = await shell.call("plan", file, *PROMO, "--sender", "100000000000001@")
    unknown = await shell.call("plan", file, *PROMO, "--sender", "100000000000001@NORTH")
    twice = await shell.call("plan", file, *PROMO, *SENDERS[:2], *SENDERS[:2])

    assert [each.code for each in (nameless, unknown, twice)] == [2, 2, 2]
    assert "set KEEBAI_API_TOKEN_NORTH" in unknown.err
    assert (await shell.call("list")).out == ""


async def test_killed_again_and_again_and_resumed_by_the_one_id_it_reaches_everybody_and_nobody_twice(
    make_shell: MakeShell,
) -> None:
    """SIGKILL wherever it stands. What was on its way is unknown, and a person settles it by what the service
    has: a chunk whose intent alone was written did not arrive, and is given up here.
    """
    async with Sandbox(speed=20.0, senders=NUMBERS, tokens=(OWN,)) as sandbox:
        shell = make_shell(sandbox)
        shell.environment["KEEBAI_QUOTA"] = "100000/60s"
        sandbox.settings.windows = ()
        file = a_list(shell, 6_000)
        planned = last(await shell.call("plan", file, *PROMO, *SENDERS, "--json", "--pace", "500/1s"))
        whole = str(planned["campaign_id"])
        commands = [("launch", whole, "--yes"), *[("resume", whole, "--yes")] * 3]
        for kill, command in enumerate(commands, start=1):
            async with await anyio.open_process(
                shell.command(*command), cwd=shell.folder, env=shell.environment, stdout=None, stderr=None
            ) as process:
                with anyio.fail_after(120):
                    while sandbox.ledger.total < kill * 1_200 and process.returncode is None:  # noqa: ASYNC110
                        await anyio.sleep(0.01)
                if process.returncode is None:
                    process.send_signal(signal.SIGKILL)
                await process.wait()
            await settle(shell, sandbox, whole)
        ended = await shell.run("resume", whole, "--yes", "--json")
        report = last(ended)

    assert sandbox.ledger.repeated() == {}
    assert report["state"] == "finished"
    assert report["accepted"] == report["sent"] == sandbox.ledger.total
    assert int(str(report["accepted"])) + int(str(report["abandoned"])) == 6_000


async def test_killed_while_it_reads_the_list_it_leaves_no_part_of_a_plan(shell: Shell) -> None:
    rows = [f"+549{1_100_000_000 + number},Ana {number},M-7" for number in range(30_000)]
    read = "\n".join(["to,nombre,codigo", *rows]) + "\n"
    command = shell.command("plan", "-", *PROMO, *SENDERS)
    async with await anyio.open_process(command, cwd=shell.folder, env=shell.environment) as process:
        assert process.stdin is not None
        await process.stdin.send(read.encode())  # and more is to come
        with anyio.fail_after(120):
            while _chunks_kept(shell) < 3:  # noqa: ASYNC110 - by another process
                await anyio.sleep(0.05)
        process.send_signal(signal.SIGKILL)
        await process.wait()

    assert (await shell.call("list")).out == ""
    planned = await shell.call("plan", a_list(shell, 40), *PROMO, *SENDERS, "--json")
    assert planned.code == 0
    assert [line["campaign_id"] for line in (await shell.call("list", "--json")).objects] == [
        last(planned)["campaign_id"]
    ]


def _chunks_kept(shell: Shell) -> int:
    path = shell.folder / "journal.db"
    if not path.exists():
        return 0
    with closing(sqlite3.connect(path)) as journal, suppress(sqlite3.OperationalError):
        found: tuple[int] = journal.execute("SELECT count(*) FROM chunks").fetchone()
        return found[0]
    return 0


async def settle(shell: Shell, sandbox: Sandbox, whole: str) -> None:
    """What a person does with what is unknown: look for it at the service."""
    for line in (await shell.call("reconcile", whole, "--json")).objects:
        arrived = [one for one in sandbox.ledger.submissions if one.campaign_name == line["campaign_name"]]
        word = ("--accepted", str(arrived[0].broadcast_id)) if arrived else ("--abandon",)
        settled = await shell.call(
            "reconcile", str(line["campaign_id"]), "--chunk", str(line["number"]), *word, "--yes"
        )
        assert settled.code == 0, settled.err
