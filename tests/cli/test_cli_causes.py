"""What somebody reads who never saw the code: what went wrong, where, and what to do about it."""

import json
import os
import pwd
import re
import sqlite3
import sys
import tempfile
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import closing
from pathlib import Path

import anyio
import pytest

from keebai_async.cli.places import journal_name
from keebai_async.errors import InvalidInput, JournalUnusable
from keebai_async.journal.open import open_journal
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Ended, Shell

PLAN = ("plan", "clients.csv", "--template", "promo", "--language", "es")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--unit-cost", "0.5", "--max-cost", "1", "--currency", "EUR"),
            "--max-cost: it costs more than 1 EUR, which is the most that was allowed",
        ),
        (
            ("--max-recipients", "2"),
            "--max-recipients: more than 2 people are ready, which is the most that was allowed",
        ),
        (
            ("--test-to", "+5491155550101", "--test-to", "1155550102"),
            "--test-to: number 2 to test with (115\u20260102) is not in E.164: write a plus",
        ),
        (("--delimiter", ";;"), "--delimiter: it is one character, such as ; or \\t for a tab, not ';;'"),
        (
            ("--delimiter", ";"),
            "--delimiter: with ';' the header of clients.csv has one column: name ',', which stands between",
        ),
        (
            ("--delimiter", r"\t"),
            "--delimiter: with a tab the header of clients.csv has one column: name ','",
        ),
    ],
)
async def test_an_option_is_named_as_it_was_typed_with_what_it_means(
    shell: Shell, clients: str, options: tuple[str, ...], words: str
) -> None:
    assert clients == "clients.csv"

    ended = await shell.call(*PLAN, *options)

    assert ended.code == (7 if "--max" in words else 2)
    assert words in ended.err


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (
            (*PLAN, "--unit-cost", "abc"),
            "error: --unit-cost: must be a valid number, not 'abc'; see: keebai-async plan --help",
        ),
        (
            (*PLAN, "--stop-above=70"),
            "error: --stop-above: write a share of all as 0.15 or 15%, from 0 to 1, not '70'",
        ),
        (
            (*PLAN, "--max-cost", "5"),
            "error: --max-cost needs prices, or --unit-cost, which is what one message costs",
        ),
        (
            ("send", "--to", "1155", "--template", "promo", "--language", "es"),
            "error: --to: write it in E.164, with a plus and the country code: +5491155555555",
        ),
        (("text", "--to", "+5491155550101", "--text", ""), "error: --text: text is empty"),
        (
            ("resume", "x"),
            "error: no terminal to ask on, nothing was submitted: add --yes to send without a question",
        ),
        (
            ("launch", "x", "--yes"),
            (
                "error: there is no file x, and no plan of that id in the journal: check the path;"
                " see: keebai-async list"
            ),
        ),
    ],
)
async def test_a_word_that_cannot_be_used_is_named_with_what_can(
    shell: Shell, clients: str, words: tuple[str, ...], line: str
) -> None:
    assert clients == "clients.csv"

    ended = await shell.call(*words)
    told = await shell.call(*words, "--json")

    assert (ended.code, told.code) == (2, 2)
    assert ended.err.splitlines()[-1] == line
    assert told.objects[-1]["message"] == line.removeprefix("error: ")


async def test_a_purge_that_is_refused_names_what_would_remove_them(shell: Shell, clients: str) -> None:
    planned = await shell.call(*PLAN, "--json")
    plan = str(planned.objects[-1]["campaign_id"])
    assert clients == "clients.csv"

    ended = await shell.call("purge", plan, "--yes")
    removed = await shell.call("remove", plan)

    assert (ended.code, removed.code) == (2, 0)
    assert ended.err.rstrip().endswith(f"(keebai-async remove {plan} removes the plan)")


Reader = Callable[..., Awaitable[Ended]]

READER = """
import json, os, sys
import keebai_async.campaigns  # all is imported while this process may read it
from keebai_async.cli import app, command_table
app.program(*command_table.COMMANDS, *command_table.GROUPS)
app.run(["list", "--limit", "9", "--journal", sys.argv[1]])
if os.geteuid() == 0:
    os.setuid(65534)
sys.exit(max(app.run([*words, "--journal", sys.argv[2]]) for words in json.loads(sys.argv[3])))
"""


@pytest.fixture
def kept() -> Iterator[Path]:
    """A folder into which everybody may come, as that of a test is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


@pytest.fixture
def reader(shell: Shell, kept: Path) -> Reader:
    """What commands say of a journal that its owner put out of the reach of writers."""
    journal = kept / "shut" / "journal.db"
    journal.parent.mkdir()
    out = kept / "out"
    out.mkdir()
    out.chmod(0o777)

    async def read(*commands: Sequence[str]) -> Ended:
        if os.geteuid() == 0:
            os.chown(journal, 65534, 65534)
        journal.chmod(0o400)
        journal.parent.chmod(0o555)
        own = str(shell.folder / "own.db")
        words = (sys.executable, "-c", READER, own, str(journal), json.dumps(commands))
        with anyio.fail_after(60):
            done = await anyio.run_process(words, cwd=out, env=shell.environment, check=False)
        journal.parent.chmod(0o755)
        return Ended(done.returncode, done.stdout.decode(), done.stderr.decode())

    return read


async def test_a_journal_that_may_only_be_read_can_be_read(
    shell: Shell, clients: str, kept: Path, reader: Reader
) -> None:
    journal = kept / "shut" / "journal.db"
    words = ("--name", "Uno", "--yes", "--json", "--journal", str(journal))
    launched = await shell.call("launch", clients, *PLAN[2:], *words)
    assert launched.code == 0, launched.err
    campaign = str(launched.objects[-1]["campaign_id"])

    read = await reader(
        ["list"], ["status", campaign], ["report", campaign], ["export", campaign, "who.csv", "--accepted"]
    )
    refused = await reader(["purge", campaign, "--yes"])

    assert read.code == 0, read.err
    assert read.out.count("Uno") == 3
    assert "+5215555550103" in (kept / "out" / "who.csv").read_text(encoding="utf-8")
    assert refused.code == 1
    assert f"the journal {journal}: it may not be written: change its permissions" in refused.err


def _copied_in_use(journal: Path, folder: Path) -> Path:
    """*journal* in *folder*, with the log that it has while it is in use, and without the index of that."""
    with closing(sqlite3.connect(journal)) as database:
        database.execute("UPDATE campaigns SET name = name")
        database.commit()
        for end in ("", "-wal"):
            copy = folder / f"{journal.name}{end}"
            copy.write_bytes(Path(f"{journal}{end}").read_bytes())
            os.chown(copy, 65534 if os.geteuid() == 0 else -1, -1)
            copy.chmod(0o400)
    return folder / journal.name


async def test_a_journal_that_was_copied_in_use_says_how_it_can_be_read(
    shell: Shell, clients: str, kept: Path, reader: Reader
) -> None:
    await shell.call("launch", clients, *PLAN[2:], "--name", "Uno", "--yes")
    shut = _copied_in_use(Path(shell.environment["KEEBAI_JOURNAL"]), kept / "shut")

    ended = await reader(["list"])

    assert ended.code == 1
    assert f"the journal {shut}: it was copied while it was in use" in ended.err
    assert "copy it and the -wal file beside it into a folder of yours" in ended.err


def _nobody(_: int) -> pwd.struct_passwd:
    raise KeyError("no such user")


def test_without_a_home_directory_it_says_how_to_name_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "KEEBAI_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", _nobody)
    assert os.path.expanduser("~") == "~"  # noqa: PTH111 - so it cannot be known

    with pytest.raises(JournalUnusable, match="name one with --journal or KEEBAI_JOURNAL"):
        journal_name(None)
    with pytest.raises(InvalidInput, match="write the whole path"):
        open_journal("~/journal.db")


async def test_doctor_says_once_that_there_is_no_token(shell: Shell) -> None:
    del shell.environment["KEEBAI_API_TOKEN"]

    ended = await shell.call("doctor")
    told = await shell.call("doctor", "--json")

    assert ended.code == 2
    assert ended.out.count("no token: give one, or set KEEBAI_API_TOKEN") == 1
    assert "NOT OK  network, token, sender, templates, webhooks: no token" in ended.out
    assert [each["name"] for each in told.objects if not each["ok"]] == [
        "network",
        "token",
        "sender",
        "templates",
        "webhooks",
    ]


async def test_doctor_says_once_that_the_service_cannot_be_reached(shell: Shell) -> None:
    shell.environment["KEEBAI_BASE_URL"] = "http://127.0.0.1:1"

    ended = await shell.call("doctor")

    assert ended.code == 1
    assert ended.out.count("the connection failed") == 1
    assert "NOT OK  token, sender, templates, webhooks: GET /me had no answer" in ended.out


async def test_a_command_inside_an_error_works_with_the_journal_that_was_named(
    shell: Shell, clients: str
) -> None:
    journal = ("--journal", str(shell.folder / "a b.db"))
    named = f" --journal '{shell.folder}/a b.db'"
    none = await shell.call("list", *journal)
    launched = await shell.call("launch", clients, *PLAN[2:], "--name", "Uno", "--yes", "--json", *journal)
    campaign = str(launched.objects[-1]["campaign_id"])

    again = await shell.call("launch", campaign, "--yes", *journal)
    paused = await shell.call("pause", campaign, f"--journal={journal[1]}")
    elsewhere = await shell.call("reconcile", campaign, "--accepted", "66aa")

    assert none.err.splitlines()[0].endswith(f"--language es{named}")
    assert f"keebai-async status {campaign}{named}, or keebai-async resume {campaign}{named}" in again.err
    assert paused.err.rstrip().endswith(f"see: keebai-async status {campaign}{named}")
    assert elsewhere.err.rstrip().endswith(f"see: keebai-async reconcile {campaign}")


async def test_one_and_many_are_said_as_people_say_them(shell: Shell, clients: str) -> None:
    assert clients == "clients.csv"
    shell.write("one.csv", "to\n+5491155550101\n")
    shell.write("nobody.csv", "to\n+5491155550999\n")
    shell.write("two.csv", "to\n+5491155550101\n+5491155550102\n")
    lists = ("--suppress", "one.csv", "--suppress", "nobody.csv", "--suppress", "two.csv")
    local = "to,nombre,codigo\n+541155550101,Ana,A1\n+5491155550103,NULL,A3\n"
    shell.write("local.csv", local)

    many = await shell.call(*PLAN, *lists)
    one = await shell.call("plan", "local.csv", *PLAN[2:], "--default-region", "AR")

    assert "one.csv holds 1 number of somebody who is not to be messaged, it is in the list" in many.out
    assert (
        "nobody.csv holds 1 number of somebody who is not to be messaged, it is not in the list" in many.out
    )
    assert "two.csv holds 2 numbers of people who are not to be messaged" in many.out
    assert "1 value is a word that programs write for nothing" in one.out
    assert not re.search(r"\b1 (numbers|values|rows)\b", many.out + one.out)


async def test_the_numbers_of_a_note_and_of_an_error_are_the_locales_own_and_those_of_json_are_not(
    shell: Shell, clients: str
) -> None:
    shell.environment |= {"LC_ALL": "es_AR.UTF-8", "KEEBAI_LANG": "es"}
    shell.write("many.csv", "to\n" + "".join(f"+549115556{n:04}\n" for n in range(1_234)))
    large = ("text", "--to", "+5491155550101", "--text", "a" * 5_000)

    noted = await shell.call(*PLAN, "--suppress", "many.csv")
    told = await shell.call(*PLAN, "--suppress", "many.csv", "--json")
    refused = await shell.call(*large)
    refusal = await shell.call(*large, "--json")

    assert clients == "clients.csv"
    assert "many.csv tiene 1.234 números" in noted.out
    assert "many.csv holds 1,234 numbers" in told.out
    assert "text has 5.000 characters" in refused.err
    assert "text has 5,000 characters" in refusal.out


async def test_what_the_log_warns_of_is_a_line_of_ours_and_no_bare_one(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)

    ended = await shell.run("launch", clients, *PLAN[2:], "--name", "Uno", "--yes")

    assert ended.code == 6
    assert "chunk 1: what became of 3 people is not known" in ended.err
    assert not {"submit unknown", "chunk unknown"}.intersection(ended.err.splitlines()), ended.err
