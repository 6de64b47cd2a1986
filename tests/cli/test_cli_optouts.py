"""Opt-outs as a user keeps them: heard from replies, imported, listed, left out, ignored in so many words."""

import csv
import json
import signal
import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import anyio
import pytest
from anyio.streams.text import TextReceiveStream

from keebai_async.model.identity import identity
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.keebai.webhook_switches import WebhookSwitches
from tests.cli.conftest import PEOPLE, MakeShell
from tests.cli.shell import Ended, Shell
from tests.cli.test_cli_webhooks import until, until_true

ANA = PEOPLE[0][0]
XIMENA_TODAY = "+525555550103"
PROMO = ("--template", "promo", "--language", "es")
PEOPLE_IN_ALL = 400


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("add", "+5491155555555", "12"), "number 2: not a number in E.164, such as +5491155555555: fix it"),
        (("remove", "12"), "number 1: not a number in E.164, such as +5491155555555: fix it"),
        (
            ("import", "bajas.csv"),
            (
                "bajas.csv, line 3: not a number in E.164, such as +5491155555555: fix it, or say what"
                " numbers without a plus are, --default-region or --numbers international"
            ),
        ),
    ],
)
async def test_a_number_that_cannot_be_read_is_told_where_it_is_and_changes_nothing(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    shell.write("bajas.csv", "telefono\n+5491155555555\n12345678\n")

    ended = await shell.call("optouts", *arguments)
    listed = await shell.call("optouts", "list")

    assert ended.err == f"error: {words}; nothing was changed\n"
    assert (ended.code, listed.out) == (2, "")


async def opted_out(shell: Shell) -> list[dict[str, object]]:
    return (await shell.call("optouts", "list", "--json")).objects


async def test_people_are_added_listed_and_removed_in_any_spelling(shell: Shell) -> None:
    added = await shell.call("optouts", "add", ANA, XIMENA_TODAY)
    again = await shell.call("optouts", "add", "+541155550101", "--json")
    listed = await shell.call("optouts", "list")

    assert (added.code, added.err) == (0, "2 added\n")
    assert (again.objects, again.err) == (
        [{"type": "opt_outs_added", "people": 0}],
        "0 added: all were there already\n",
    )
    assert sorted(line.split()[0] for line in listed.out.splitlines()) == ["+525…0103", "+549…0101"]
    assert "by hand" in listed.out
    assert ANA not in listed.out + listed.err
    assert (await shell.call("optouts", "remove", "+5215555550103")).code == 0
    assert [one["number"] for one in await opted_out(shell)] == ["+549…0101"]
    wrong = await shell.call("optouts", "remove", XIMENA_TODAY)
    assert (wrong.code, "nothing was changed" in wrong.err) == (2, True)


async def test_a_file_is_read_as_suppress_reads_it_and_an_export_is_read_again(shell: Shell) -> None:
    shell.write(
        "bajas.csv",
        f"nombre;telefono;desde\nAna;{ANA};03/02/2026\nXimena;+5215555550103;\nRui;+5511998765432;\n",
    )
    shell.write("typo.csv", f"telefono\n{ANA}\n54911555\n")

    refused = await shell.call("optouts", "import", "typo.csv")
    assert (refused.code, "line 3" in refused.err, await opted_out(shell)) == (2, True, [])
    imported = await shell.call("optouts", "import", "bajas.csv", "--json")
    assert imported.objects[-1] | {"file": ""} == {
        "type": "opt_outs_imported",
        "file": "",
        "people": 3,
        "new": 3,
    }
    assert (await shell.call("optouts", "export", "all.csv")).code == 0

    file = shell.folder / "all.csv"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    rows = list(csv.DictReader(file.read_text().splitlines()))
    assert {row["number"] for row in rows} == {ANA, "+525555550103", "+5511998765432"}
    assert {row["source"] for row in rows} == {"file"}
    shell.environment["KEEBAI_JOURNAL"] = "another.db"
    there = await shell.call("optouts", "import", "all.csv", "--json")
    assert (there.objects[-1]["people"], there.objects[-1]["new"]) == (3, 3)
    assert len(await opted_out(shell)) == 3


async def test_a_plan_leaves_them_out_and_says_how_it_is_known(
    shell: Shell, clients: str, sandbox: Sandbox
) -> None:
    await shell.call("optouts", "add", XIMENA_TODAY)

    planned = await shell.call("plan", clients, *PROMO, "--rejects", "out.csv")
    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--report", "page.html")

    assert "opted out, and left out: 1: 1 by hand (since " in planned.out
    assert "opted out: see keebai-async optouts list" in (shell.folder / "out.csv").read_text()
    report = launched.objects[-1]
    assert (report["suppressed"], report["accepted"]) == (1, 2)
    assert [(one["source"], one["people"]) for one in report["opted_out"]] == [("hand", 1)]  # type: ignore[attr-defined]
    assert set(sandbox.ledger.times_messaged()) == {ANA, PEOPLE[1][0]}
    assert "opted out, and left out: 1: 1 by hand" in (shell.folder / "page.html").read_text()


async def test_it_is_turned_off_in_so_many_words_and_said_everywhere(
    shell: Shell, clients: str, sandbox: Sandbox
) -> None:
    await shell.call("optouts", "add", ANA)

    launched = await shell.answer(
        "y\n", "launch", clients, *PROMO, "--ignore-opt-outs", "--report", "page.html"
    )

    assert launched.code == 0, launched.err
    assert "1 of them opted out and gets it all the same. Send to 3 people?" in launched.err
    said = "OPT-OUTS ARE IGNORED (--ignore-opt-outs)"
    assert launched.out.count(said) == 2  # of the plan, and of the report
    assert said in (shell.folder / "page.html").read_text()
    assert sandbox.ledger.times_messaged()[ANA] == 1


async def test_who_opts_out_after_the_plan_was_made_is_left_out_of_its_launch(
    shell: Shell, clients: str, sandbox: Sandbox
) -> None:
    planned = (await shell.call("plan", clients, *PROMO, "--json")).objects[-1]
    await shell.call("optouts", "add", PEOPLE[1][0])

    launched = await shell.answer("y\n", "launch", str(planned["campaign_id"]))

    assert "1 of them opted out since it was planned and is left out. Send to 3 people?" in launched.err
    assert "opted out after the plan was made, and not submitted: 1" in launched.out
    assert "chunk 1: 1 person is left out: opted out after the plan was made" in launched.err
    assert set(sandbox.ledger.times_messaged()) == {ANA, PEOPLE[2][0]}
    await shell.call("export", str(planned["campaign_id"]), "refused.csv", "--refused")
    assert "opted out after the plan was made" in (shell.folder / "refused.csv").read_text()


async def test_a_single_template_is_refused_and_sent_when_it_is_said(shell: Shell, sandbox: Sandbox) -> None:
    await shell.call("optouts", "add", ANA)
    send = (
        "send",
        "--to",
        "+541155550101",
        "--template",
        "order_confirmation",
        "--language",
        "es",
        "--var",
        "nombre=Ana",
    )

    refused = await shell.call(*send, "--json")
    assert (refused.code, sandbox.ledger.total) == (2, 0)
    assert refused.objects[-1]["kind"] == "OptedOut"
    assert "(--ignore-opt-outs)" in refused.err
    assert "55550101" not in refused.err
    assert (await shell.call(*send, "--ignore-opt-outs")).code == 0
    assert sandbox.ledger.total == 1


async def test_a_purge_forgets_nobody_who_opted_out(shell: Shell, clients: str) -> None:
    await shell.call("optouts", "add", ANA)
    await shell.call("launch", clients, *PROMO, "--yes")

    assert (await shell.call("purge", "--yes")).code == 0

    assert [one["number"] for one in await opted_out(shell)] == ["+549…0101"]
    again = await shell.call("plan", clients, *PROMO, "--json")
    assert again.objects[-1]["opted_out"][0]["people"] == 1  # type: ignore[index]


async def test_an_import_that_was_killed_is_whole_when_it_is_made_again(shell: Shell) -> None:
    numbers = [f"+54911{number:08d}" for number in range(12_000)]
    shell.write("many.txt", "\n".join(numbers))
    journal = shell.folder / "journal.db"
    async with await anyio.open_process(
        shell.command("optouts", "import", "many.txt"), cwd=shell.folder, env=shell.environment
    ) as process:
        await until(lambda: pages_in(journal) > 50 or process.returncode is not None)
        process.kill()

    again = await shell.call("optouts", "import", "many.txt", "--json")
    assert again.objects[-1]["people"] == 12_000
    assert (await shell.call("optouts", "import", "many.txt", "--json")).objects[-1]["new"] == 0
    assert len(await opted_out(shell)) == 12_000


def pages_in(journal: Path) -> int:
    if not journal.exists():
        return 0
    with closing(sqlite3.connect(f"file:{journal}?mode=ro", uri=True)) as file:
        try:
            found: tuple[int] = file.execute("SELECT count(*) FROM opt_outs").fetchone()
        except sqlite3.OperationalError:  # it is being made
            return 0
        return found[0]


async def launch(shell: Shell, name: str) -> Ended:
    return await shell.call("launch", "people.csv", *PROMO, "--name", name, "--yes", "--json", "--again")


@pytest.mark.parametrize("dialect", ["docs", "skills"])
async def test_who_answers_stop_to_the_first_campaign_is_left_out_of_the_second(
    make_shell: MakeShell, dialect: str
) -> None:
    switches = WebhookSwitches(
        dialect=dialect,  # type: ignore[arg-type]
        replying=0.2,
        reply_text=" ¡Baja! 🙏",
        tapping=0.1,
        stopped=0.5,
        duplicates=0.3,
        disorder=20.0,
        without_number=0.0,
    )
    async with Sandbox(speed=100.0, failing=0.2, webhooks=switches) as sandbox:
        shell = make_shell(sandbox)
        rows = [f"+549115{number:07d},Ana,{number}" for number in range(PEOPLE_IN_ALL)]
        shell.write("people.csv", "\n".join(["to,nombre,codigo", *rows]) + "\n")
        shell.environment["KEEBAI_WEBHOOK_SECRET"] = "whsec_of_somebody_else"
        async with await anyio.open_process(
            shell.command("webhooks", "serve", "--port", "0"), cwd=shell.folder, env=shell.environment
        ) as serve:
            assert serve.stderr is not None
            said = await TextReceiveStream(serve.stderr).receive()
            url = next(word for word in said.split() if word.startswith("http://")).rstrip(";")
            await shell.call("webhooks", "register", url)
            first = await launch(shell, "One")
            await until(lambda: not sandbox.webhooks.waiting)
            truth = {
                number for number, one in sandbox.webhooks.truth.items() if one.replies or one.code == 131050
            }

            async def everybody_heard() -> bool:
                return len(await opted_out(shell)) == len(truth)

            await until_true(everybody_heard)
            serve.send_signal(signal.SIGTERM)
            assert await serve.wait() == 0
        before = sandbox.ledger.times_messaged()
        second = await launch(shell, "Two")
        after = sandbox.ledger.times_messaged()

    assert first.objects[-1]["ready"] == PEOPLE_IN_ALL
    assert len(truth) > 50
    reached = {number for number, times in after.items() if times > before[number]}
    assert {identity(number) for number in reached}.isdisjoint(map(identity, truth))
    report = second.objects[-1]
    assert report["suppressed"] == len(truth)
    assert len(reached) == PEOPLE_IN_ALL - len(truth)
    assert {one["source"] for one in report["opted_out"]} == {"word", "button", "code"}  # type: ignore[attr-defined]
    assert json.dumps(report).count("+549") == 0
