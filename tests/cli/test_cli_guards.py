"""What stops a campaign by itself: a canary that dies, a share that fails, a list launched before."""

import pytest

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, adds_up, campaign_of

ROWS = "to,nombre,codigo\n" + "\n".join(f"+54911555501{n:02},Ana,A{n}" for n in range(5))


async def test_a_canary_that_dies_is_code_7_and_stays_so_until_a_person_lifts_the_guard(
    make_shell: MakeShell,
) -> None:
    async with Sandbox(speed=100.0, failing=1.0) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", ROWS)
        launched = await shell.call("launch", people, *PROMO, "--yes", "--json", "--canary", "2")
        campaign = campaign_of(launched)
        reached = sandbox.ledger.total
        resumed = await shell.call("resume", campaign, "--yes", "--json")
        wider = await shell.call("resume", campaign, "--yes", "--json", "--stop-above", "0.99")
        lifted = await shell.call("resume", campaign, "--yes", "--json", "--no-guards")

    report = launched.objects[-1]
    assert (launched.code, resumed.code, wider.code) == (7, 7, 7)
    assert reached == 2
    assert (report["failed"], report["unsent"], report["stopped_by"]) == (2, 3, "guard")
    assert adds_up(report)
    assert f"keebai-async resume {campaign}" in launched.err
    assert lifted.code == 5
    assert lifted.objects[-1]["failed"] == sandbox.ledger.total == 5


async def test_a_canary_that_lives_is_followed_by_everyone_else(shell: Shell, sandbox: Sandbox) -> None:
    people = shell.write("people.csv", ROWS)

    ended = await shell.call("launch", people, *PROMO, "--yes", "--json", "--canary", "2")

    assert ended.code == 0, ended.err
    assert [submission.accepted for submission in sandbox.ledger.submissions] == [2, 3]


async def test_a_share_that_fails_is_code_7(make_shell: MakeShell) -> None:
    rows = "to,nombre,codigo\n" + "\n".join(f"+549115555{n:04},Ana,A{n}" for n in range(5_400))
    async with Sandbox(speed=100.0, failing=1.0) as sandbox:
        shell = make_shell(sandbox)
        options = ("--yes", "--json", "--stop-above", "0.3", "--canary", "300")
        ended = await shell.call("launch", shell.write("people.csv", rows), *PROMO, *options)

    assert ended.code == 7
    assert ended.objects[-1]["unsent"] == 5_100
    assert "30%" in str(ended.objects[-1]["reason"])


async def test_the_same_list_under_the_same_name_goes_out_again_only_if_told(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    first = await shell.call("launch", clients, *PROMO, "--yes", "--json")
    refused = await shell.call("launch", clients, *PROMO, "--yes", "--json")
    other = await shell.call("launch", clients, *PROMO[:-1], "Promo abril", "--yes", "--json")
    again = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--again")

    assert first.code == 0, first.err
    assert refused.code == 2
    assert campaign_of(first) in refused.err
    assert "--again" in refused.err
    assert (other.code, again.code) == (0, 0)
    assert set(sandbox.ledger.times_messaged().values()) == {3}


@pytest.mark.parametrize(
    "option", [("--canary", "2"), ("--limit", "1"), ("--column", "to=a"), ("--name", "x")]
)
async def test_a_plan_that_is_made_does_not_silently_pass_over_an_option(
    shell: Shell, sandbox: Sandbox, clients: str, option: tuple[str, str]
) -> None:
    plan = campaign_of(await shell.call("plan", clients, *PROMO, "--json"))

    ended = await shell.call("launch", plan, "--yes", *option)

    assert ended.code == 2
    assert option[0] in ended.err
    assert sandbox.ledger.total == 0


async def test_a_plan_takes_another_share_when_it_is_launched(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0, failing=1.0) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", ROWS)
        plan = campaign_of(await shell.call("plan", people, *PROMO, "--json", "--canary", "2"))
        ended = await shell.call("launch", plan, "--yes", "--json", "--stop-above", "1")

    assert ended.code == 5
    assert ended.objects[-1]["failed"] == 5
