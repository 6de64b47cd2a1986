"""From a file to a report, in the words that people's scripts rely on."""

import csv
import re
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from keebai_async.cli.figures import moment
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from keebai_async.sandbox.keebai.settings import Dialect
from tests.cli.conftest import PEOPLE, MakeShell
from tests.cli.shell import Ended, Shell

PROMO = ("--template", "promo", "--language", "es", "--name", "Promo marzo")
NUMBERS = ["+5491155550101", "+5491155550102", "+5215555550103"]

REPORT_FIELDS = {
    "type",
    "countries",
    "decided",
    "campaign_id",
    "name",
    "state",
    "read",
    "ready",
    "duplicates",
    "rejected",
    "suppressed",
    "accepted",
    "refused",
    "unknown",
    "abandoned",
    "unsent",
    "sent",
    "failed",
    "pending",
    "untracked",
    "chunks",
    "requests",
    "seconds",
    "on_the_way",
    "template",
    "language",
    "sender",
    "by",
    "created_at",
    "launched_at",
    "ended_at",
}


def adds_up(report: dict[str, object]) -> bool:
    def whole(*fields: str) -> int:
        return sum(int(str(report[field])) for field in fields)

    return (
        whole("read") == whole("ready", "duplicates", "rejected", "suppressed")
        and whole("ready") == whole("accepted", "refused", "unknown", "abandoned", "unsent")
        and whole("accepted") == whole("sent", "failed", "pending", "untracked")
    )


def campaign_of(ended: Ended) -> str:
    return str(ended.objects[-1]["campaign_id"])


async def test_a_launch_messages_everyone_once_and_its_last_line_is_the_report(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ended = await shell.run("launch", clients, *PROMO, "--yes", "--json")

    report = ended.objects[-1]
    assert ended.code == 0, ended.err
    assert set(report) == REPORT_FIELDS
    assert report["type"] == "report"
    assert report["state"] == "finished"
    assert (report["read"], report["ready"], report["duplicates"], report["rejected"]) == (5, 3, 1, 1)
    assert adds_up(report)
    chunks = report["chunks"]
    assert isinstance(chunks, list)
    assert {"number": 1, "recipients": 3, "state": "accepted"}.items() <= chunks[0].items()
    assert chunks[0]["broadcast_id"] == sandbox.ledger.submissions[0].broadcast_id
    requests = report["requests"]
    assert isinstance(requests, dict)
    assert set(requests) == {"submits", "polls", "other", "throttled"}
    assert requests["submits"] == 1
    assert sorted(sandbox.ledger.times_messaged()) == sorted(NUMBERS)
    assert sandbox.ledger.submissions[0].campaign_name == "Promo marzo [01/01]"


async def test_every_line_of_json_has_a_type_and_the_plan_comes_before_the_chunks(
    shell: Shell, clients: str
) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--yes", "--json")

    kinds = [line["type"] for line in ended.objects]
    assert kinds[0] == "plan"
    assert kinds.index("chunk_submitting") < kinds.index("chunk_accepted") < kinds.index("broadcast_progress")
    assert kinds[-1] == "report"


async def test_a_plan_tells_who_is_left_out_without_a_whole_number_and_submits_nothing(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ended = await shell.call("plan", clients, *PROMO, "--json")

    plan = ended.objects[-1]
    assert ended.code == 0
    assert plan["type"] == "plan"
    assert plan["chunks"] == [{"number": 1, "recipients": 3}]
    assert plan["ignored_columns"] == ["ciudad"]
    reasons = plan["reasons"]
    assert isinstance(reasons, list)
    assert {one["reason"]: one["count"] for one in reasons} == {"duplicate": 1, "bad number": 1}
    examples = {one["reason"]: one["examples"][0] for one in reasons}
    assert examples["duplicate"]["row"] == 5
    assert examples["duplicate"]["repeats_row"] == 2
    assert not any(number in ended.out + ended.err for number in (*NUMBERS, "+541155550101"))
    assert sandbox.ledger.total == 0


async def test_a_plan_is_launched_by_its_id_later_and_only_once(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    plan_id = campaign_of(await shell.call("plan", clients, *PROMO, "--json"))

    launched = await shell.call("launch", plan_id, "--yes", "--json")
    again = await shell.call("launch", plan_id, "--yes", "--json")

    assert launched.code == 0, launched.err
    assert campaign_of(launched) == plan_id
    assert again.code == 2
    assert "launched before" in again.err
    assert set(sandbox.ledger.times_messaged().values()) == {1}


async def test_a_dry_run_is_a_plan(shell: Shell, sandbox: Sandbox, clients: str) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--dry-run", "--json")

    assert ended.code == 0
    assert [line["type"] for line in ended.objects] == ["plan"]
    assert sandbox.ledger.total == 0


async def test_people_read_the_three_sums_on_stdout_and_the_talk_on_stderr(
    shell: Shell, clients: str
) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--yes")

    rows = [line.split()[:2] for line in ended.out.splitlines()]
    assert ended.code == 0
    assert ["read", "5"] in rows
    assert ["accepted", "3"] in rows
    assert ["sent", "3"] in rows
    assert "Traceback" not in ended.err


async def test_failing_people_are_code_5(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0, failing=1.0) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", "to,nombre,codigo\n+5491155550101,Ana,A1\n")

        ended = await shell.call("launch", people, *PROMO, "--yes", "--json")

    assert ended.code == 5
    assert ended.objects[-1]["failed"] == 1
    assert adds_up(ended.objects[-1])


@pytest.mark.parametrize("dialect", list(Dialect))
async def test_every_dialect_of_the_service_gives_the_same_report(
    make_shell: MakeShell, dialect: Dialect
) -> None:
    async with Sandbox(speed=100.0, dialect=dialect) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", "to,nombre,codigo\n+5491155550101,Ana,A1\n")

        ended = await shell.call("launch", people, *PROMO, "--yes", "--json")

    assert ended.code == 0, ended.err
    assert ended.objects[-1]["sent"] == sandbox.ledger.total == 1


async def test_rejects_go_to_a_private_file_with_their_rows(shell: Shell, clients: str) -> None:
    ended = await shell.call("plan", clients, *PROMO, "--rejects", "rejects.csv")

    path = shell.folder / "rejects.csv"
    assert ended.code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    rows = read_csv(path)
    assert {(row["keebai_row"], row["keebai_reason"]) for row in rows} == {
        ("5", "duplicate"),
        ("6", "bad number"),
    }


async def test_exports_in_every_form_are_planned_as_the_same_people(shell: Shell, clients: str) -> None:
    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json")
    campaign = campaign_of(launched)

    for options in (("a.csv",), ("b.xlsx",), ("c.jsonl",), ("d.csv", "--excel")):
        exported = await shell.call("export", campaign, *options, "--accepted")
        planned = await shell.call("plan", options[0], *PROMO, "--json")

        assert exported.err == f"3 rows: {options[0]}\n"
        assert planned.objects[-1]["fingerprint"] == launched.objects[0]["fingerprint"]
        assert planned.objects[-1]["ignored_columns"] == []


async def test_who_is_exported_and_could_be_sent_to_twice_is_told(shell: Shell, clients: str) -> None:
    plan = str((await shell.call("plan", clients, *PROMO, "--json")).objects[-1]["campaign_id"])

    unsent = await shell.call("export", plan, "unsent.csv", "--unsent")
    wrong = await shell.call("export", plan, "unsent.jsonl", "--unsent", "--excel")
    none = await shell.call("plan", clients, *PROMO, "--rejects", clients)

    assert "not both" in unsent.err
    assert (wrong.code, none.code) == (2, 2)
    assert "is the list itself" in none.err


async def test_a_renamed_column_and_a_limit_are_kept(shell: Shell, sandbox: Sandbox) -> None:
    rows = "\n".join(f"+54911555501{number:02},Ana,A{number}" for number in range(10))
    people = shell.write("people.csv", f"telefono,nombre,codigo\n{rows}\n")
    options = ("--column", "to=telefono", "--limit", "4")

    ended = await shell.call("launch", people, *PROMO, *options, "--yes", "--json")

    assert ended.code == 0, ended.err
    assert list(sandbox.ledger.times_messaged()) == [f"+54911555501{number:02}" for number in range(4)]


async def test_a_lost_reply_is_unknown_code_6_until_a_person_settles_it(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)

    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json")
    campaign = campaign_of(launched)
    resumed = await shell.call("resume", campaign, "--yes", "--json")
    exported = await shell.call("export", campaign, "unknown.csv", "--unknown")
    found = sandbox.ledger.submissions[0].broadcast_id or ""
    wrong = await shell.call("reconcile", campaign, "--chunk", "1", "--accepted", "66aa00112233445566778899")
    settled = await shell.call("reconcile", campaign, "--chunk", "1", "--accepted", found, "--json")
    ended = await shell.call("resume", campaign, "--yes", "--json")

    assert launched.code == resumed.code == 6
    assert launched.objects[-1]["unknown"] == 3
    assert f"keebai-async reconcile {campaign} --chunk 1" in launched.err
    assert exported.code == 0
    assert [row["to"].lstrip("'") for row in read_csv(shell.folder / "unknown.csv")] == NUMBERS
    assert wrong.code != 0
    assert settled.code == 0, settled.err
    assert ended.code == 0, ended.err
    assert adds_up(ended.objects[-1])
    assert ended.objects[-1]["sent"] == 3
    assert set(sandbox.ledger.times_messaged().values()) == {1}


async def test_the_command_says_itself_what_happens_without_bare_lines_of_the_log(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)
    ended = await shell.run("launch", clients, *PROMO, "--yes")
    assert ended.code == 6
    assert "unknown" in ended.err
    events = {"chunk unknown", "circuit opened", "campaign stopped", "request throttled"}
    assert events.isdisjoint(ended.err.splitlines())


async def test_an_unknown_chunk_is_shown_with_what_to_look_for_in_the_portal(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)
    campaign = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))

    shown = await shell.call("reconcile", campaign, "--json")
    words = await shell.call("reconcile", campaign)
    await shell.call("reconcile", campaign, "--chunk", "1", "--abandon", "--yes")
    settled = await shell.call("reconcile", campaign)

    assert (shown.code, words.code, settled.code) == (6, 6, 0)
    (line,) = shown.objects
    assert line["type"] == "unknown"
    assert (line["number"], line["recipients"]) == (1, 3)
    assert line["campaign_name"] == sandbox.ledger.submissions[0].campaign_name
    assert (line["first"], line["last"]) == ("+549…0101", "+521…0103")
    left = datetime.fromisoformat(str(line["left_at"]))
    assert abs(datetime.now(UTC) - left) < timedelta(minutes=5)
    assert moment(left) in words.out
    assert "Promo marzo [01/01]" in words.out
    assert f"keebai-async reconcile {campaign} --chunk 1 --accepted" in words.out
    assert not any(number in shown.out + words.out for number in NUMBERS)
    assert (settled.out, settled.err) == ("", "no chunk is unknown: there is nothing to settle\n")


async def test_people_of_each_fate_are_exported(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0, malformed={"+5491155550102"}) as sandbox:
        shell = make_shell(sandbox)
        rows = "".join(f"{','.join(person)}\n" for person in PEOPLE)
        people = shell.write("people.csv", f"to,nombre,codigo\n{rows}nada,Nadie,A4\n")
        ended = await shell.call("launch", people, *PROMO, "--yes", "--json", "--no-wait")
        planned = await shell.call("plan", people, *PROMO, "--json")
        fates = {"rejected": ended, "refused": ended, "unknown": ended, "unsent": planned}
        exported = {
            fate: await shell.call("export", campaign_of(campaign), f"{fate}.csv", f"--{fate}")
            for fate, campaign in fates.items()
        }

    assert ended.objects[-1]["refused"] == 1
    assert {fate: one.code for fate, one in exported.items()} == dict.fromkeys(fates, 0)
    written = {fate: [row["to"] for row in read_csv(shell.folder / f"{fate}.csv")] for fate in fates}
    assert written == {
        "rejected": ["nada"],
        "refused": ["'+5491155550102"],
        "unknown": [],
        "unsent": [f"'{number}" for number in NUMBERS],
    }
    assert all(stat.S_IMODE((shell.folder / f"{fate}.csv").stat().st_mode) == 0o600 for fate in fates)


async def test_status_lists_campaigns_newest_first_and_needs_no_token(shell: Shell, clients: str) -> None:
    first = campaign_of(await shell.call("plan", clients, *PROMO, "--json"))
    second = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))
    del shell.environment["KEEBAI_API_TOKEN"]

    listed = await shell.call("status", "--json")
    one = await shell.call("status", first, "--json")

    assert [line["campaign_id"] for line in listed.objects] == [second, first]
    assert [line["state"] for line in listed.objects] == ["finished", "planned"]
    assert all(line["type"] == "campaign" for line in listed.objects)
    assert set(listed.objects[0]) == REPORT_FIELDS
    assert one.objects[0]["campaign_id"] == first


async def test_without_waiting_the_delivery_is_followed_by_resume(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--no-wait")
    resumed = await shell.call("resume", campaign_of(launched), "--yes", "--json")

    assert launched.code == 0, launched.err
    assert launched.objects[-1]["accepted"] == 3
    assert resumed.code == 0, resumed.err
    assert resumed.objects[-1]["sent"] == 3
    assert len(sandbox.ledger) == 1


async def test_watch_ends_with_the_report_of_a_campaign_that_is_over(shell: Shell, clients: str) -> None:
    campaign = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))

    watched = await shell.call("watch", campaign, "--json")

    assert watched.code == 0
    assert watched.objects[-1]["type"] == "report"


async def test_a_launch_on_its_own_sandbox_reaches_nobody_else_and_keeps_no_campaign(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--sandbox", "--speed", "200")

    assert ended.code == 0, ended.err
    assert ended.objects[-1]["sent"] == 3
    assert "3 people messaged" in ended.err
    assert "WRONG" not in ended.err
    assert sum(sandbox.traffic.requests.values()) == 0
    assert not (shell.folder / "journal.db").exists()


async def test_on_a_sandbox_whose_time_flies_all_times_are_of_one_clock(shell: Shell, clients: str) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--sandbox", "--speed", "2000")

    submitted, seen = re.findall(r'"(?:submitted|seen)_at":"([^"]+)"', ended.out.splitlines()[-1])
    assert submitted <= seen


async def test_the_demo_goes_the_whole_way_and_the_ledger_agrees(shell: Shell) -> None:
    ended = await shell.call("demo", "--people", "3000", "--speed", "400", "--json")

    report = ended.objects[-1]
    assert ended.code == 0, ended.err
    assert report["read"] == 3_000
    assert int(str(report["duplicates"])) > 0
    assert int(str(report["rejected"])) > 0
    assert adds_up(report)
    assert "WRONG" not in ended.err


def read_csv(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
