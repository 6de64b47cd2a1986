"""Who of a log may be sent to again: by code and by time, and nobody who has it in another row."""

import csv
from collections.abc import AsyncIterator
from datetime import UTC, datetime

from keebai_async.model.retry import RetryChoice
from keebai_async.sandbox import WhautomateSandbox
from keebai_async.whautomate import LogRow
from keebai_async.whautomate.log_retry import LogRetry
from tests.cli.shell import Shell
from tests.whautomate.test_whautomate_command import box, call, shell

__all__ = ["box", "shell"]

NOW = 1_790_000_000.0


def row(phone: str, error: str = "", *, ago: float = 600.0, status: str = "failed") -> LogRow:
    at = datetime.fromtimestamp(NOW - ago, UTC).isoformat().replace("+00:00", "Z")
    return LogRow(country_code="+54", phone=phone, status=status, error=error, updated_at=at)


async def found(*rows: LogRow, at: float = NOW) -> LogRetry:
    async def pages() -> AsyncIterator[LogRow]:
        for each in rows:
            yield each

    retry = LogRetry(at=at, now=NOW)
    await retry.read(pages())
    return retry


async def test_codes_and_times_of_a_log_say_who_may_be_sent_to_again() -> None:
    rows = (
        row("91155550101", "(#131056) pair rate limit"),
        row("91155550102", "131049: healthy ecosystem"),
        row("91155550103", "(#131050) stopped"),
        row("91155550104", "Something went wrong"),
        row("91155550105", "(#131056) once more", ago=10.0),
        row("91155550106", status="delivered"),
        row("91155550107", "(#131056) first"),
        row("91155550107", status="read"),  # and it arrived
        LogRow(country_code="+54", phone="91155550108", status="failed", error="(#131056) no time"),
    )
    now, tomorrow = await found(*rows), await found(*rows, at=NOW + 86_400)

    assert [each.phone for each in now.chosen()] == ["91155550101"]
    account = now.account("B1", "Recall")
    assert {choice: account.people(choice) for choice in RetryChoice if account.people(choice)} == {
        RetryChoice.NOW: 1,
        RetryChoice.NOT_YET: 3,
        RetryChoice.NEVER: 1,
        RetryChoice.FIX: 1,
        RetryChoice.DELIVERED: 1,
    }
    assert [each.phone[-3:] for each in tomorrow.chosen()] == ["101", "102", "105", "108"]


async def test_the_command_says_it_and_writes_them_and_sends_nothing(
    shell: Shell, box: WhautomateSandbox
) -> None:
    box.stage("B1", starts_in=-90_000)
    before = len(box.ledger.broadcasts)

    ended = await call(shell, "retry", "B1", "--csv", "again.csv")

    assert ended.code == 0, ended.err
    (told,) = ended.objects
    groups = told["groups"]
    assert isinstance(groups, list)
    with (shell.folder / "again.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    now = sum(each["people"] for each in groups if each["choice"] == "now")
    assert (told["type"], told["of"], len(written)) == ("retry", "B1", now)
    assert {each["meta_code"] for each in written} <= {"131049", "130429", "131056"}
    assert "131026: undeliverable" in ended.err
    assert len(box.ledger.broadcasts) == before
