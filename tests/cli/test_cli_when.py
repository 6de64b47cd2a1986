"""`--at`, `--hours`, `--zone`, `--per-hour` and `--per-day`: planned, shown, waited for, changed."""

import re
import signal
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import anyio
import pytest

from keebai_async.campaign.terms import NewTerms
from keebai_async.cli.options import given_time
from keebai_async.cli.when import new_terms
from keebai_async.errors import InvalidInput
from keebai_async.model.hours import Hours
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of
from tests.cli.test_cli_interrupts import end_of, launching

LIMA = ZoneInfo("America/Lima")


def closed_now() -> str:
    """Hours of a minute that is half a day away, by the clocks of UTC."""
    away = datetime.now(UTC) + timedelta(hours=12)
    return f"{away:%H:%M}-{away + timedelta(minutes=1):%H:%M}"


async def test_a_plan_says_when_it_would_be_submitted(shell: Shell, clients: str) -> None:
    when = ("--hours", "9:00-20:00", "--zone", "country", "--per-hour", "2", "--per-day", "4")

    shown = await shell.call("plan", clients, *PROMO, *when, "--at", "2199-12-01T09:00:00Z")
    told = await shell.call("plan", clients, *PROMO, *when, "--json")

    assert shown.code == 0, shown.err
    assert "by the clocks of the country of each number" in shown.out
    assert "not before 2199-12-01" in shown.out
    assert "up to 2 people in any hour" in shown.out
    assert "up to 4 people in any 24 hours" in shown.out
    (line,) = told.objects
    assert line["hours"] == {"opens": "9:00", "closes": "20:00", "zone": "country"}
    assert (line["per_hour"], line["per_day"]) == (2, 4)


async def test_a_launch_out_of_hours_waits_says_until_when_and_is_told_otherwise_by_a_resume(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    async with launching(shell, "--hours", closed_now(), "--zone", "UTC") as process:
        campaign = ""
        with anyio.fail_after(60):
            while not campaign:
                running = [
                    line for line in (await shell.call("list", "--json")).objects if line.get("waits_until")
                ]
                campaign = str(running[0]["campaign_id"]) if running else ""
        status = await shell.call("status", campaign)
        process.send_signal(signal.SIGKILL)
        await end_of(process)
    assert not sandbox.ledger.submissions
    still = await shell.call("resume", campaign, "--yes", "--hours", "off")

    assert re.search(r"waits for the hours \d\d:\d\d-\d\d:\d\d UTC \(until \d{4}-", status.out), status.out
    assert "by the clocks of UTC" in status.out
    assert still.code == 0, still.err
    assert set(sandbox.ledger.times_messaged().values()) == {1}


async def test_a_launch_at_a_time_is_left_to_a_worker_from_then_on(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    left = await shell.call(
        "launch", clients, *PROMO, "--yes", "--json", "--detach", "--at", "2199-12-01T09:00:00Z"
    )
    status = await shell.call("status", campaign_of(left), "--json")

    assert left.code == 0, left.err
    assert "left to a worker, from 2199-12-01" in left.err
    assert status.objects[0]["waits_for"] == "its time, at which a worker takes it up"
    assert str(status.objects[0]["waits_until"]).startswith("2199-12-01T09:00:00")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--hours", "09:00-20:00"), "hours need a zone"),
        (("--hours", "9 to 8", "--zone", "PE"), "write the hours as 09:00-20:00"),
        (("--hours", "09:00-20:00", "--zone", "Peru/Lima"), "no such time zone: 'Peru/Lima'"),
        (("--zone", "PE"), "add --hours"),
        (("--at", "2020-12-01T09:00:00Z"), "has passed"),
        (("--at", "2199-12-01T09:00:00"), "has no offset"),
        (("--at", "tomorrow"), "write the time as"),
        (("--per-hour", "0"), "a number of people, or off"),
        (("--per-day", "many"), "a number of people, or off"),
    ],
)
async def test_what_makes_no_sense_is_one_line_that_names_the_option(
    shell: Shell, sandbox: Sandbox, clients: str, options: tuple[str, ...], words: str
) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--yes", *options)

    assert ended.code == 2
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
    assert not sandbox.ledger.submissions


async def test_a_number_below_what_a_chunk_holds_is_refused_on_resume(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    plan = await shell.call("plan", clients, *PROMO, "--json")
    campaign = str(plan.objects[0]["campaign_id"])

    refused = await shell.call("launch", campaign, "--yes", "--per-day", "1")

    assert refused.code == 2
    assert "per-day is at least" in refused.err


def test_a_time_without_an_offset_is_by_the_clocks_of_a_zone_that_is_named() -> None:
    assert given_time("2026-12-01T09:00", option="--at", zone=LIMA).timestamp() == (
        given_time("2026-12-01T09:00:00-05:00", option="--at").timestamp()
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [("2026-03-08T02:30", "is left out there"), ("2026-11-01T01:30", "comes twice there")],
)
def test_a_time_that_the_clocks_do_not_show_once_is_refused(text: str, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        given_time(text, option="--at", zone=ZoneInfo("America/New_York"))


BEFORE = Hours.parse("09:00-20:00", "America/Lima")


@pytest.mark.parametrize(
    ("hours", "zone", "at", "terms"),
    [
        (None, None, None, NewTerms()),
        ("off", None, None, NewTerms(hours="off")),
        ("10:00-12:00", None, None, NewTerms(hours=Hours.parse("10:00-12:00", "America/Lima"))),
        (None, "PE", None, NewTerms(hours=Hours.parse("09:00-20:00", "PE"))),
        ("10:00-12:00", "PE", "now", NewTerms(hours=Hours.parse("10:00-12:00", "PE"), at="now")),
        (
            None,
            "America/Lima",
            "2199-12-01T09:00",
            NewTerms(at=datetime(2199, 12, 1, 9, tzinfo=LIMA)),
        ),
    ],
)
def test_a_resume_changes_what_it_names_and_nothing_else(
    hours: str | None, zone: str | None, at: str | None, terms: NewTerms
) -> None:
    assert new_terms(at, hours, zone, None, None, pace=None, before=BEFORE) == terms


def test_hours_that_are_off_have_no_zone() -> None:
    with pytest.raises(InvalidInput, match="a zone is that of hours"):
        new_terms(None, "off", "PE", None, None, pace=None, before=BEFORE)
