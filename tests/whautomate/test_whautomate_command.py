"""`keebai-async whautomate ...`, beside a Whautomate on this machine."""

import csv
import signal
import stat
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import anyio
import pytest
from anyio.abc import Process

from keebai_async import Quota, RateLimiter, Token
from keebai_async.cli.exit_codes import Exit
from keebai_async.quota.gate import Lane
from keebai_async.quota.stores import open_store
from keebai_async.sandbox import Sandbox, WhautomateSandbox, faults
from keebai_async.sandbox.whautomate import SandboxContact
from tests.cli.shell import Ended, Shell
from tests.cli.test_cli_interrupts import end_of, press_twice, until

FILE = """{"name":"Spring recall","type":"contact","location":{"id":"LOC0000001"},
"segments":[{"id":"SEG0000000"}],"template":{"name":"recall_v1","language":"en"},
"bodyTextParameters":["Spring","20 May"]}"""

PAST = "--at: 2020-10-01T09:00:00-03:00 is in the past: leave it out to send at once, or add --allow-past"

EVIL = SandboxContact(
    id="CON1", name='=HYPERLINK("http://evil")', country_code="+54", phone="91155550101", tags=()
)


@pytest.fixture
async def box() -> AsyncIterator[WhautomateSandbox]:
    async with WhautomateSandbox(speed=200.0, contacts=(EVIL,), crowds={"everyone": 400}, any_id=True) as box:
        yield box


@pytest.fixture
def shell(tmp_path: Path, box: WhautomateSandbox) -> Shell:
    shell = Shell(tmp_path, Sandbox())
    shell.environment |= {
        "WHAUTOMATE_API_KEY": box.key,
        "WHAUTOMATE_API_HOST": box.url,
        "WHAUTOMATE_POLL_FLOOR": "0.05",
    }
    return shell


async def call(shell: Shell, *arguments: str) -> Ended:
    return await shell.call("whautomate", *arguments)


async def test_the_whole_life_from_a_file_to_a_spreadsheet(shell: Shell, box: WhautomateSandbox) -> None:
    shell.write("broadcast.json", FILE)
    made = await call(shell, "create", "--yes", "--file", "broadcast.json", "--name", "Autumn recall")
    assert made.code == Exit.DONE, made.err
    broadcast_id = str(made.objects[0]["id"])
    assert box.ledger.broadcasts[0].body["name"] == "Autumn recall"
    assert box.ledger.broadcasts[0].body["bodyTextParameters"] == ["Spring", "20 May"]

    listed = await call(shell, "list", "--search", "Autumn")
    assert [one["id"] for one in listed.objects] == [broadcast_id]

    watched = await shell.run("whautomate", "watch", broadcast_id)
    assert watched.code == Exit.PARTLY
    last = watched.objects[-1]
    assert (last["type"], last["final"], last["total"], last["failed"]) == ("progress", True, 393, 8)

    logged = await call(shell, "logs", broadcast_id, "--csv", "log.csv")
    assert logged.code == Exit.DONE
    assert logged.objects[0]["rows"] == 393
    assert "131026" in logged.err
    path = shell.folder / "log.csv"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 393
    assert rows[0]["name"] == '\'=HYPERLINK("http://evil")'
    assert rows[0]["country_code"] == "'+54"
    assert {row["meta_code"] for row in rows if row["status"] == "failed"} >= {"131026", "131049"}
    assert all(row["advice"] for row in rows if row["status"] == "failed")


async def test_what_get_prints_is_taken_by_replace(shell: Shell, box: WhautomateSandbox) -> None:
    box.stage("B1", starts_in=360_000)
    got = await call(shell, "get", "B1")
    shell.write("b1.json", got.out.replace("Staged", "Staged again"))

    replaced = await call(
        shell, "replace", "B1", "--yes", "--file", "b1.json", "--at", "2099-01-01T09:00:00-03:00"
    )
    assert replaced.code == Exit.DONE, replaced.err
    assert replaced.objects[0]["name"] == "Staged again"
    assert replaced.objects[0]["scheduleDateTime"] == "2099-01-01T12:00:00.000Z"

    deleted = await call(shell, "delete", "B1", "--yes")
    assert deleted.objects == [{"id": "B1", "deleted": True}]
    gone = await call(shell, "get", "B1")
    assert (gone.code, gone.out) == (Exit.FAILED, "")
    assert "Broadcast not found" in gone.err


async def test_rows_are_json_lines_with_metas_code_beside_the_text(
    shell: Shell, box: WhautomateSandbox
) -> None:
    box.stage("B1", starts_in=-3_600)
    logged = await call(shell, "logs", "B1")
    failed = [row for row in logged.objects if row["status"] == "failed"]
    assert len(logged.objects) == 393
    assert failed[0]["error"] == "(#131026) Message undeliverable"
    assert failed[0]["metaCode"] == 131026
    assert logged.objects[5]["recepientName"]


async def test_a_lost_answer_is_6_and_tells_how_to_look_for_it(shell: Shell, box: WhautomateSandbox) -> None:
    shell.write("broadcast.json", FILE)
    box.faults.on("POST /broadcasts", faults.Reset())
    lost = await call(shell, "create", "--yes", "--file", "broadcast.json", "--mark")
    name = box.ledger.broadcasts[0].name

    assert (lost.code, lost.out) == (Exit.UNKNOWN, "")
    assert name.startswith("Spring recall ")
    assert f"keebai-async whautomate list --search '{name}'" in lost.err
    assert len(box.ledger.broadcasts) == 1
    found = await call(shell, "list", "--search", name)
    assert [one["id"] for one in found.objects] == [box.ledger.broadcasts[0].id]


async def test_commands_that_follow_one_another_spend_one_quota(shell: Shell, box: WhautomateSandbox) -> None:
    box.stage("B1", starts_in=-3_600)
    for _ in range(3):
        assert (await call(shell, "get", "B1")).code == Exit.DONE
    spent = open_store(
        f"sqlite:{shell.folder / 'state' / 'keebai-async' / 'quota.db'}", key=Token(box.key).key(box.url)
    )
    limiter = RateLimiter((Quota(4, 3_600.0), Quota(3, 1_800.0)), store=spent)
    try:
        wait = await limiter.forecast(Lane.INTERACTIVE)
    finally:
        await limiter.aclose()
    assert wait is not None
    assert wait.quota == Quota(3, 1_800.0)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("create", "--yes", "--file", "nowhere.json"), "cannot read nowhere.json"),
        (("create", "--yes", "--file", "list.json"), "is not a JSON object"),
        (("create", "--yes", "--file", "typo.json"), "no field 'nmae'"),
        (("create", "--yes", "--name", "x"), "type is empty"),
        (("create", "--yes", "--file", "good.json", "--body", " "), "is blank"),
        (("create", "--yes", "--file", "good.json", "--at", "tomorrow"), "write the time as"),
        (
            ("create", "--yes", "--file", "good.json", "--at", "2026-10-01T09:00:00"),
            "--at: 2026-10-01T09:00:00 has no offset",
        ),
        (
            ("create", "--yes", "--file", "local.json"),
            "scheduleDateTime '2099-10-01T09:00:00' is no ISO-8601 time with an offset",
        ),
        (("list", "--from", "2026-10-01T09:00:00"), "--from: 2026-10-01T09:00:00 has no offset"),
        (
            ("create", "--yes", "--file", "past.json"),
            "scheduleDateTime: 2020-10-01T12:00:00.000Z is in the past",
        ),
        (("create", "--yes", "--file", "good.json", "--at", "2020-10-01T09:00:00-03:00"), PAST),
        (("replace", "B1", "--yes", "--at", "2020-10-01T09:00:00-03:00"), PAST),
        (("replace", "B1"), "nothing to change"),
        (("list", "--from", "yesterday"), "write the time as"),
        (("logs", "B1", "--csv", "no/such/folder/x.csv"), "cannot write"),
        (("get",), "Missing argument"),
    ],
)
async def test_what_cannot_be_right_is_2_in_one_line_and_creates_nothing(
    shell: Shell, box: WhautomateSandbox, arguments: tuple[str, ...], words: str
) -> None:
    shell.write("good.json", FILE)
    shell.write("list.json", "[]")
    shell.write("typo.json", '{"nmae":"x"}')
    for name, time in (("local", "2099-10-01T09:00:00"), ("past", "2020-10-01T09:00:00-03:00")):
        shell.write(f"{name}.json", FILE.replace("{", f'{{"scheduleDateTime":"{time}",', 1))
    box.stage("B1", starts_in=3_600)
    ended = await call(shell, *arguments)

    assert (ended.code, ended.out) == (Exit.USAGE, "")
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
    assert box.ledger.created == []


async def test_a_wrong_key_is_4_and_names_the_variable_of_this_service(shell: Shell) -> None:
    shell.environment["WHAUTOMATE_API_KEY"] = "another-key-entirely"
    ended = await call(shell, "get", "B1")
    assert ended.code == Exit.TOKEN
    assert "WHAUTOMATE_API_KEY" in ended.err
    assert "global or india" in ended.err
    assert "another-key" not in ended.err


async def test_nobody_at_home_is_1_and_names_the_host_variable(shell: Shell, box: WhautomateSandbox) -> None:
    await box.__aexit__()
    ended = await call(shell, "delete", "B1", "--yes")
    assert ended.code == Exit.FAILED
    assert "WHAUTOMATE_API_HOST" in ended.err


@pytest.mark.parametrize(
    "arguments",
    [
        ("list",),
        ("get", "B1"),
        ("create", "--yes", "--file", "good.json"),
        ("replace", "B1", "--name", "new"),
        ("delete", "B1", "--yes"),
        ("logs", "B1", "--csv", "log.csv"),
    ],
)
async def test_every_command_works_on_a_sandbox_of_its_own_without_a_key(
    shell: Shell, box: WhautomateSandbox, arguments: tuple[str, ...]
) -> None:
    del shell.environment["WHAUTOMATE_API_KEY"]
    shell.write("good.json", FILE)
    ended = await call(shell, *arguments, "--sandbox", "--json")
    assert ended.code == Exit.DONE, ended.err
    assert len(ended.objects) == 1
    assert box.traffic.requests.total() == 0


async def test_a_quota_store_out_of_reach_names_the_variable_of_this_service(shell: Shell) -> None:
    shell.environment["WHAUTOMATE_QUOTA_STORE"] = "redis://127.0.0.1:9/0"
    ended = await call(shell, "list")
    assert ended.code == Exit.FAILED
    assert "WHAUTOMATE_QUOTA_STORE" in ended.err
    assert "KEEBAI_QUOTA_STORE" not in ended.err


async def test_without_a_key_nothing_is_asked(shell: Shell) -> None:
    del shell.environment["WHAUTOMATE_API_KEY"]
    ended = await call(shell, "list")
    assert ended.code == Exit.USAGE
    assert "WHAUTOMATE_API_KEY" in ended.err


CREATE = ("whautomate", "create", "--file", "broadcast.json", "--yes")


@asynccontextmanager
async def creating(shell: Shell, box: WhautomateSandbox) -> AsyncIterator[Process]:
    """A create that has arrived, and has no answer yet."""
    shell.write("broadcast.json", FILE)
    async with await anyio.open_process(
        shell.command(*CREATE), cwd=shell.folder, env=shell.environment, stderr=subprocess.STDOUT
    ) as process:
        await until(lambda: bool(box.faults.given))
        yield process


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
async def test_a_create_on_its_way_is_waited_for_and_told(
    shell: Shell, box: WhautomateSandbox, sent: signal.Signals
) -> None:
    box.faults.on("POST /broadcasts", faults.Late(seconds=200.0), nth=1)
    async with creating(shell, box) as process:
        process.send_signal(sent)
        code, words = await end_of(process)

    assert code == Exit.DONE
    assert "stopping: waiting" in words
    assert box.ledger.broadcasts[0].id in words


async def test_a_create_that_is_left_on_its_way_is_code_6_and_says_how_to_look_for_it(
    shell: Shell, box: WhautomateSandbox
) -> None:
    box.faults.on("POST /broadcasts", faults.Hang(), nth=1)
    async with creating(shell, box) as process:
        await press_twice(process)
        code, words = await end_of(process)

    assert code == Exit.UNKNOWN
    assert "it may have been accepted or not" in words
    assert "whautomate list --search 'Spring recall'" in words


@pytest.mark.parametrize(("typed", "code"), [("y", 3), ("", 3), ("spring recall", 3), ("Spring recall", 0)])
async def test_where_nobody_can_say_how_many_people_it_is_the_name_is_the_yes(
    shell: Shell, box: WhautomateSandbox, typed: str, code: int
) -> None:
    shell.write("broadcast.json", FILE)

    ended = await shell.answer(f"{typed}\n", "whautomate", "create", "--file", "broadcast.json")

    assert ended.code == code, ended.err
    assert len(box.ledger.broadcasts) == (0 if code else 1)
    assert "does not say to how many people it goes. If so, type its name (Spring recall): " in ended.err
    assert '"segments":["SEG0000000"]' in ended.err


@pytest.mark.parametrize(("typed", "code"), [("y", 3), ("", 3), ("B1", 0)])
async def test_a_broadcast_is_changed_only_by_its_name_and_after_it_was_shown(
    shell: Shell, box: WhautomateSandbox, typed: str, code: int
) -> None:
    box.stage("B1", starts_in=3_600_000)
    before = (await call(shell, "get", "B1")).objects[0]["name"]
    answer = before if typed == "B1" else typed

    ended = await shell.answer(f"{answer}\n", "whautomate", "replace", "B1", "--name", "Autumn recall")
    refused = await call(shell, "replace", "B1", "--name", "Winter recall")

    assert ended.code == code, ended.err
    assert f"does not say to how many people it goes. If so, type its name ({before}): " in ended.err
    assert '"changes":{"name":"Autumn recall"}' in ended.err
    assert (refused.code, "add --yes" in refused.err) == (Exit.USAGE, True)
    after = (await call(shell, "get", "B1")).objects[0]["name"]
    assert after == (before if code else "Autumn recall")


@pytest.mark.parametrize(("people", "typed", "code"), [(400, "y", 0), (1_200, "y", 3), (1_200, "1200", 0)])
async def test_a_broadcast_of_a_thousand_is_deleted_by_its_number(
    tmp_path: Path, people: int, typed: str, code: int
) -> None:
    async with WhautomateSandbox(speed=200.0, crowds={"everyone": people}, any_id=True) as box:
        shell = Shell(tmp_path, Sandbox())
        shell.environment |= {"WHAUTOMATE_API_KEY": box.key, "WHAUTOMATE_API_HOST": box.url}
        box.stage("B1", starts_in=-3_600)
        total = (await call(shell, "get", "B1")).objects[0]["processedStats"]
        assert isinstance(total, dict)
        number = str(total["totalCount"]) if typed != "y" else typed

        ended = await shell.answer(f"{number}\n", "whautomate", "delete", "B1")

    assert ended.code == code, ended.err
    assert box.ledger.deleted == ([] if code else ["B1"])
