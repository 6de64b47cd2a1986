"""`--daily-limit`: what a plan says of it, and what a launch leaves for the next day."""

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of


def rows(first: int, people: int) -> str:
    return "to,nombre,codigo\n" + "\n".join(
        f"+549115555{n:04},Ana,A{n}" for n in range(first, first + people)
    )


async def test_a_plan_says_how_many_fit_after_what_others_sent(shell: Shell, sandbox: Sandbox) -> None:
    before = await shell.call("launch", shell.write("a.csv", rows(0, 30)), *PROMO, "--yes", "--json")
    people = shell.write("b.csv", rows(100, 100))

    shown = await shell.call("plan", people, *PROMO, "--daily-limit", "50")
    (line,) = (await shell.call("plan", people, *PROMO, "--daily-limit", "50", "--json")).objects

    assert before.code == shown.code == 0, shown.err
    assert "up to 50 people in any 24 hours, of all campaigns of this journal together" in shown.out
    assert "20 of these fit at once, after 30 people in the 24 hours before" in shown.out
    assert "the other 80 from" in shown.out
    assert line["daily_limit"] == 50
    assert line["daily_room"]["used"] == 30  # type: ignore[index]
    assert line["chunks"][0] == {"number": 1, "recipients": 5}  # type: ignore[index]
    assert sandbox.ledger.total == 30


async def test_the_limit_is_of_a_profile_too_and_resume_can_end_it(shell: Shell, sandbox: Sandbox) -> None:
    people = shell.write("a.csv", rows(0, 5))
    shell.environment["KEEBAI_DAILY_LIMIT"] = "50"

    planned = await shell.call("plan", people, *PROMO, "--json")
    launched = await shell.call("launch", campaign_of(planned), "--yes", "--json")
    wrong = await shell.call("plan", people, *PROMO, "--daily-limit", "0")

    assert planned.objects[-1]["daily_limit"] == 50
    assert launched.objects[-1]["daily_limit"] == 50
    assert sandbox.ledger.total == 5
    assert wrong.code == 2
    assert "--daily-limit" in wrong.err


async def test_the_limit_of_a_profile_lowers_that_of_a_plan_and_never_raises_it(
    shell: Shell, sandbox: Sandbox
) -> None:
    """A plan with a smaller limit of its own, as it was approved, was sent at that of the profile."""
    launched = []
    for first, own, usual in ((0, "20", "50"), (10, "20", "off"), (20, "100", "50"), (30, "20", "")):
        people = shell.write(f"{first}.csv", rows(first, 2))
        planned = await shell.call("plan", people, *PROMO, "--name", people, "--daily-limit", own, "--json")
        shell.environment["KEEBAI_DAILY_LIMIT"] = usual
        launched.append(await shell.call("launch", campaign_of(planned), "--yes", "--json"))
    people = shell.write("more.csv", rows(40, 2))
    planned = await shell.call("plan", people, *PROMO, "--daily-limit", "20", "--json")
    said = await shell.call("launch", campaign_of(planned), "--yes", "--json", "--daily-limit", "60")

    assert [each.code for each in (*launched, said)] == [0] * 5, launched[0].err
    assert [each.objects[-1].get("daily_limit") for each in (*launched, said)] == [20, 20, 50, 20, 60]
