"""Who planned, approved, launched and settled a campaign; and a profile by which these are two people."""

import getpass
import socket
import sqlite3
from contextlib import aclosing, closing
from datetime import UTC, datetime

import pytest

from keebai_async.cli.config.files import of_project
from keebai_async.cli.config.profile import read_config
from keebai_async.cli.decided_text import decided_lines, two_people_demanded, who_words
from keebai_async.cli.exit_codes import Exit
from keebai_async.errors import InvalidInput
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.decided import DecidedLine, Decider, nameless_beside
from keebai_async.model.lifecycle import Submit
from tests.cli.shell import Ended, Shell
from tests.cli.test_cli_campaign import PROMO

LOGIN = f"{getpass.getuser()}@{socket.gethostname()}"


async def planned(shell: Shell, clients: str, *more: str, by: str = "ana") -> str:
    done = await shell.call("--as", by, "plan", clients, *PROMO, "--json", *more)
    assert done.code == 0, done.err
    (plan,) = done.objects
    assert plan["planned_by"] == {"name": by, "login": LOGIN}
    return str(plan["campaign_id"])


def decided(ended: Ended) -> list[tuple[str, str]]:
    said = ended.objects[-1]["decided"]
    assert isinstance(said, list)
    return [(each["act"], each.get("by", "")) for each in said]


async def test_who_plans_and_who_launches_is_in_the_text_the_json_and_the_page(
    shell: Shell, clients: str
) -> None:
    plan = await planned(shell, clients, "--html", "plan.html")

    launched = await shell.call("--as", "Luis <b>", "launch", plan, "--yes", "--report", "report.html")
    status = await shell.call("status", plan)
    report = await shell.call("report", plan, "--json")

    assert launched.code == 0, launched.err
    for told in (launched, status):
        assert f"  by ana (as {LOGIN})\n" in told.out
        assert f"  by Luis <b> (as {LOGIN})\n" in told.out
    assert decided(report) == [("planned", "ana"), ("launched", "Luis <b>")]
    shown = (shell.folder / "report.html").read_text(encoding="utf-8")
    assert f"launched by Luis &lt;b&gt; (as {LOGIN})</p>" in shown
    assert "Luis <b>" not in shown
    assert f"planned by ana (as {LOGIN})</p>" in (shell.folder / "plan.html").read_text(encoding="utf-8")


async def test_who_leaves_it_to_a_worker_approved_it(shell: Shell, clients: str) -> None:
    shell.environment["KEEBAI_USER"] = "ana"
    plan = await planned(shell, clients)
    left = await shell.call("--as", "luis", "launch", plan, "--yes", "--detach")
    report = await shell.call("report", plan, "--json")

    assert left.code == 0, left.err
    assert decided(report) == [("planned", "ana"), ("approved", "luis")]


async def test_two_people_are_demanded_whatever_is_said_to_questions(shell: Shell, clients: str) -> None:
    shell.environment |= {"XDG_CONFIG_HOME": str(shell.folder), "KEEBAI_USER": "ana"}
    (shell.folder / "keebai-async").mkdir()
    shell.write("keebai-async/config.toml", 'profile = "x"\n[profiles.x]\ntwo_people = true\n')
    plan = await planned(shell, clients)

    alone = [
        await shell.call("launch", plan, "--yes"),
        await shell.call("--as", " ANA ", "launch", plan, "--yes"),
        await shell.call("launch", plan, "--yes", "--detach"),
        await shell.call("resume", plan, "--yes"),
        await shell.call("launch", clients, *PROMO, "--yes"),
        await shell.call("--as", "luis", "launch", clients, *PROMO, "--yes"),
    ]
    test = await shell.call("launch", clients, *PROMO, "--yes", "--test-to", "+5491155550101")
    together = await shell.call("--as", "luis", "launch", plan, "--yes", "--json")

    assert [each.code for each in alone] == [Exit.GUARD] * 6
    assert {each.err.count("\n") for each in alone} == {1}
    for each in alone[:4]:
        assert f"campaign {plan} was planned by ana, and two people are demanded" in each.err
        assert "keebai-async --as NAME says who you are" in each.err
    assert "plan it, and let somebody else launch the plan by its id" in alone[4].err
    assert test.code == 0, test.err
    assert together.code == 0, together.err
    assert decided(together) == [("planned", "ana"), ("launched", "luis")]


async def test_a_plan_of_whom_nobody_knows_who_made_it_is_not_launched_by_two(
    shell: Shell, clients: str
) -> None:
    """As those that an older version made."""
    plan = await planned(shell, clients)
    with closing(sqlite3.connect(shell.folder / "journal.db")) as hand, hand:
        (kept,) = hand.execute("SELECT plan FROM campaigns").fetchone()
        older = kept.replace(f'"planned_by":{{"name":"ana","login":"{LOGIN}"}}'.encode(), b'"x":0')
        assert older != kept
        hand.execute("UPDATE campaigns SET plan = ?", (older,))
    shell.environment["KEEBAI_TWO_PEOPLE"] = "1"

    done = await shell.call("--as", "luis", "launch", plan, "--yes")

    assert done.code == Exit.GUARD
    assert "who planned campaign" in done.err


async def test_who_forgets_to_say_their_name_is_not_taken_for_a_second_person(
    shell: Shell, clients: str
) -> None:
    shell.environment["KEEBAI_TWO_PEOPLE"] = "1"
    named = await planned(shell, clients)
    nameless = await planned(shell, clients, "--name", "second", by=getpass.getuser())

    alone = [
        await shell.call("launch", named, "--yes"),
        await shell.call("launch", named, "--yes", "--detach"),
        await shell.call("--as", "ana", "launch", nameless, "--yes"),
        await shell.call("--as", "ana", "resume", nameless, "--yes"),
    ]

    assert [each.code for each in alone] == [Exit.GUARD] * 4
    assert all("may be the same person, as one of the two gave no name" in each.err for each in alone)
    assert {each.err.count("\n") for each in alone} == {1}


async def test_a_campaign_that_was_killed_after_it_was_launched_is_resumed_by_who_planned_it(
    shell: Shell, clients: str
) -> None:
    """Its run had not come to write down yet that it was launched, and who planned it was refused."""
    plan = await planned(shell, clients)
    async with aclosing(SqliteJournal(shell.folder / "journal.db")) as journal, journal.lease(plan):
        await journal.record(plan, Submit(number=1, step=1, at=1.0))
    shell.environment["KEEBAI_TWO_PEOPLE"] = "1"

    resumed = await shell.call("--as", "ana", "resume", plan, "--yes")

    assert resumed.code == Exit.UNKNOWN, resumed.err


@pytest.mark.parametrize("name", ["", "  ", "x" * 101, "a\nb\x1b[31m"])
async def test_a_name_that_is_none_is_one_line(shell: Shell, clients: str, name: str) -> None:
    done = await shell.call("--as", name, "plan", clients, *PROMO)
    shell.environment["KEEBAI_USER"] = name if name.strip() else "\x07"
    named = await shell.call("plan", clients, *PROMO)

    assert done.code == named.code == Exit.USAGE
    (line,) = done.err.splitlines()
    assert line.startswith("error: --as: ")
    assert named.err.startswith("error: KEEBAI_USER: ")
    assert named.err.count("\n") == 1


def test_two_people_is_yes_or_no() -> None:
    assert two_people_demanded({"KEEBAI_TWO_PEOPLE": "TRUE"})
    assert not two_people_demanded({"KEEBAI_TWO_PEOPLE": "false"})
    assert not two_people_demanded({})
    with pytest.raises(InvalidInput, match="KEEBAI_TWO_PEOPLE is true or false, not maybe"):
        two_people_demanded({"KEEBAI_TWO_PEOPLE": "maybe"})


def test_a_file_of_a_project_says_neither_who_you_are_nor_that_one_person_is_enough() -> None:
    doubt = of_project()
    for text, words in (("user = 'ana'", "who you are"), ("two_people = false", "that nobody else has to")):
        with pytest.raises(InvalidInput, match=words):
            read_config(f"[profiles.a]\n{text}", "f.toml", doubt=doubt)

    stricter = read_config("[profiles.a]\ntwo_people = true", "f.toml", doubt=doubt)
    assert stricter.profiles["a"].values == {"two_people": "true"}
    with pytest.raises(InvalidInput, match="journal is a text or a number"):
        read_config("[profiles.a]\njournal = true", "f.toml")


def test_a_login_stands_beside_a_name_that_is_another() -> None:
    assert who_words("ana", "ana@vm") == "ana@vm"
    assert who_words("ana", "ops@vm") == "ana (as ops@vm)"
    assert who_words("", "ops@vm") == "ops@vm"
    assert who_words("ana", "") == "ana"
    assert "\x1b" not in who_words("a\x1b[2J", "")


def test_of_many_decisions_a_terminal_shows_the_first_and_the_last() -> None:
    at = datetime(2026, 11, 26, tzinfo=UTC)
    every = [DecidedLine(act="launched", at=at, by="ana"), *[DecidedLine(act="resumed", at=at)] * 30]

    lines = list(decided_lines(every))

    assert len(lines) == 13
    assert lines[0].startswith("launched ")
    assert lines[6] == "(19 decisions more: report --json)"
    assert all(line.startswith("resumed ") for line in (*lines[1:6], *lines[7:]))


def test_two_are_told_apart_by_their_names_or_by_their_logins() -> None:
    ana = Decider(name="ana", login="ops@vm")
    ops = Decider(name="OPS", login="ops@vm")

    assert nameless_beside(ana, ops)
    assert nameless_beside(ops, ana)
    assert not nameless_beside(ana, Decider(name="luis", login="ops@vm"))
    assert not nameless_beside(ana, Decider(name="ops", login="ops@other"))
    assert not nameless_beside(Decider(name="ana"), Decider(name="luis"))
