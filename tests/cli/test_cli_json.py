"""What `--json` prints is what the page of it says, field by field; an error is an object too."""

import re
from datetime import datetime, timedelta
from typing import get_args

import msgspec
import pytest

from keebai_async.cli.json_output import PlanLine
from keebai_async.model.events import AnyEvent, Event
from keebai_async.model.report import ChunkLine, Report
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of
from tests.documents.papers import paper

PAGE = paper("docs/json.md")
OF_SITUATION = {
    "type",
    "run_by",
    "waits_for",
    "waits_until",
    "at_service",
    "gone",
    "outlook",
    "failing",
    "steps",
    "fates",
    "cost",
}


def named(cell: str) -> set[str]:
    """The words in code of a cell, without those that explain others."""
    return set(re.findall(r"`([^`]+)`", re.sub(r"\([^)]*\)", "", cell)))


def fields_of(section: str) -> set[str]:
    return {name for first, *_ in PAGE.rows(section) for name in named(first)}


def kinds_of(section: str) -> dict[str, set[str]]:
    return {first.strip("`"): named(second) for first, second in PAGE.rows(section)}


def test_every_event_stands_on_the_page_with_every_field() -> None:
    events: dict[str, set[str]] = {}
    for kind in get_args(AnyEvent):
        own = set(kind.__struct_fields__) - set(Event.__struct_fields__)
        events[str(msgspec.inspect.type_info(kind).tag)] = own  # type: ignore[attr-defined]

    assert kinds_of("Events") == events


@pytest.mark.parametrize(
    ("section", "kind", "more"),
    [
        ("Report and campaign", Report, OF_SITUATION),
        ("Chunks", ChunkLine, set[str]()),
        ("Plan", PlanLine, {"type"}),
    ],
)
def test_every_field_stands_on_the_page(section: str, kind: type[msgspec.Struct], more: set[str]) -> None:
    assert fields_of(section) == set(kind.__struct_fields__) | more


async def test_what_is_printed_in_a_whole_life_stands_on_the_page(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)
    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--unit-cost", "0.05")
    campaign = campaign_of(launched)
    planned = campaign_of(await shell.call("plan", clients, *PROMO, "--json"))
    await shell.call("text", "--to", "+5491155550101", "--text", "Hola", "--once", "order-1")
    every = [
        launched,
        await shell.call("outbox", "list", "--json"),
        await shell.call("webhooks", "show", campaign, "--json"),
        await shell.call("status", campaign, "--json"),
        await shell.call("list", "--json", "--limit", "1"),
        await shell.call("reconcile", campaign, "--json"),
        await shell.call("export", campaign, "unknown.csv", "--unknown", "--json"),
        await shell.call("reconcile", campaign, "--chunk", "1", "--abandon", "--yes", "--json"),
        await shell.call("report", campaign, "--json"),
        await shell.call("purge", campaign, "--yes", "--json"),
        await shell.call("remove", planned, "--json"),
        await shell.call("pause", campaign, "--json"),
        await shell.call("status", planned, "--json"),
        await shell.call("webhooks", "register", "http://127.0.0.1:9/hooks", "--json"),
        await shell.call("webhooks", "list", "--json"),
        await shell.call("optouts", "import", shell.write("bajas.txt", "+5491155550109"), "--json"),
        await shell.call("optouts", "add", "+5491155550108", "--json"),
        await shell.call("optouts", "list", "--json"),
        await shell.call("optouts", "remove", "+5491155550108", "--json"),
        await shell.call("launch", "nowhere.csv", *PROMO, "--json", "--yes"),
        await shell.call("list", "--jsn", "--json"),
    ]

    events, others = kinds_of("Events"), kinds_of("Others")
    account = fields_of("Report and campaign")
    known = {"report": account, "campaign": account, "plan": fields_of("Plan")}
    for ended in every:
        for line in ended.objects:
            kind = str(line["type"])
            if kind in events:
                assert set(line) == {"type", "time", "campaign_id", "id"} | events[kind], line
                assert line["campaign_id"] == campaign
                when = datetime.fromisoformat(str(line["time"]))
                assert when.utcoffset() == timedelta(0)
                continue
            allowed = known.get(kind) or others[kind] | {"type"}
            assert set(line) <= allowed, line
    seen = {str(line["type"]) for ended in every for line in ended.objects}
    assert seen >= {"plan", "report", "campaign", *others}


async def test_a_report_says_what_was_sent_by_whom_and_when(shell: Shell, clients: str) -> None:
    options = ("--yes", "--json", "--unit-cost", "0.05", "--stop-above", "0.4", "--pace", "50/1m")
    report = (await shell.call("launch", clients, *PROMO, *options)).objects[-1]

    assert (report["template"], report["language"]) == ("promo", "es")
    assert report["sender"] == {
        "phone_number_id": shell.environment["KEEBAI_PHONE_NUMBER_ID"],
        "channel_id": None,
    }
    assert report["price"] == {"unit": 0.05, "currency": "USD"}
    assert report["guards"] == {"stop_above": 0.4, "canary": None}
    assert report["pace"] == {"people": 50, "per": 60.0}
    assert "@" in str(report["by"])
    made, left, over = (
        datetime.fromisoformat(str(report[name])) for name in ("created_at", "launched_at", "ended_at")
    )
    assert made <= left <= over
    chunks = report["chunks"]
    assert isinstance(chunks, list)
    assert chunks[0]["name"] == "Promo marzo [01/01]"
    assert left <= datetime.fromisoformat(chunks[0]["submitted_at"])
    assert chunks[0]["final"] is True


async def test_an_error_is_told_in_both_ways(shell: Shell) -> None:
    ended = await shell.call("status", "nothing-1", "--json")

    assert ended.objects == [
        {
            "type": "error",
            "kind": "CampaignNotFound",
            "message": "there is no campaign nothing-1 in this journal; see: keebai-async list",
            "exit_code": 2,
            "campaign_id": "nothing-1",
        }
    ]
    assert ended.err == "error: there is no campaign nothing-1 in this journal; see: keebai-async list\n"


async def test_the_list_has_a_header_and_tells_plans_and_tests_apart(shell: Shell, clients: str) -> None:
    await shell.call("plan", clients, *PROMO)
    await shell.call("launch", clients, *PROMO, "--yes", "--test-to", "+5491155550999")

    listed = await shell.call("list")
    plans = await shell.call("list", "--state", "planned")
    newest = await shell.call("list", "--limit", "1")
    none = await shell.call("list", "--state", "died")

    head, test, plan = listed.out.splitlines()
    assert head.split() == [
        "CAMPAIGN",
        "STATE",
        "CREATED",
        "PEOPLE",
        "SENT",
        "FAILED",
        "UNSENT",
        "UNKNOWN",
        "NAME",
    ]
    assert "finished, test" in test
    assert "  planned  " in plan
    assert len(plans.out.splitlines()) == len(newest.out.splitlines()) == 2
    assert "finished, test" in newest.out
    assert none.out == ""
    assert "none of the 2 campaigns is died" in none.err
