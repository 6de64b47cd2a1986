"""One command after another spends from one quota, and says how much of it is left."""

import stat

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO

GONE = "redis://user:hidden-word@127.0.0.1:9/0"


async def test_successive_commands_spend_from_one_quota(shell: Shell, sandbox: Sandbox, clients: str) -> None:
    shell.environment["KEEBAI_QUOTA"] = "50/60s,900/3600s"
    await shell.call("templates")
    await shell.call("plan", clients, *PROMO)
    await shell.call("numbers")

    spent = sum(sandbox.traffic.requests.values())
    status = await shell.call("status")
    checks = {line["name"]: line for line in (await shell.call("doctor", "--json")).objects}

    assert spent >= 3
    assert f"quota: {spent} of 50 a minute, {spent} of 900 an hour spent" in status.err
    assert str(checks["quota"]["detail"]).startswith(f"{spent} of 50 a minute")
    assert stat.S_IMODE((shell.folder / "state" / "keebai-async" / "quota.db").stat().st_mode) == 0o600


async def test_another_token_has_spent_nothing(shell: Shell) -> None:
    await shell.call("templates")
    shell.environment["KEEBAI_API_TOKEN"] = "kbai_pk_" + "0c" * 32

    status = await shell.call("status")

    assert "quota: 0 of 60 a minute" in status.err


async def test_a_sandbox_of_its_own_leaves_no_spending_behind(shell: Shell, clients: str) -> None:
    ended = await shell.call("launch", clients, *PROMO, "--yes", "--sandbox", "--speed", "200")

    assert ended.code == 0, ended.err
    assert not (shell.folder / "state" / "keebai-async" / "quota.db").exists()


async def test_the_store_can_be_named(shell: Shell) -> None:
    shell.environment["KEEBAI_QUOTA_STORE"] = "sqlite:shared.db"
    await shell.call("templates")
    del shell.environment["KEEBAI_QUOTA_STORE"]

    there = await shell.call("status", "--quota-store", "sqlite:shared.db")
    elsewhere = await shell.call("status")

    assert "quota: 1 of 60 a minute" in there.err
    assert "quota: 0 of 60 a minute" in elsewhere.err


async def test_a_redis_that_is_not_there_is_one_line_without_its_password(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    shell.environment["KEEBAI_QUOTA_STORE"] = GONE

    ended = await shell.call("launch", clients, *PROMO, "--yes")
    status = await shell.call("status")
    checks = await shell.call("doctor")

    assert (ended.code, ended.err.count("\n")) == (1, 1)
    assert "KEEBAI_QUOTA_STORE" in ended.err
    assert sum(sandbox.traffic.requests.values()) == 0
    assert status.code == 0
    assert "KEEBAI_QUOTA_STORE" in status.err
    assert "NOT OK  quota" in checks.out
    assert not any("hidden-word" in one.out + one.err for one in (ended, status, checks))


async def test_a_store_of_no_known_kind_is_a_mistake(shell: Shell) -> None:
    ended = await shell.call("templates", "--json")
    shell.environment["KEEBAI_QUOTA_STORE"] = "mysql://elsewhere"
    wrong = await shell.call("templates")

    assert ended.code == 0
    assert wrong.code == 2
    assert "redis://" in wrong.err


async def test_a_wait_for_the_quota_is_told_with_the_window_that_binds(shell: Shell, clients: str) -> None:
    shell.environment["KEEBAI_QUOTA"] = "2/6s"  # spent by this look and by the plan; the submit has to wait
    await shell.call("templates")
    ended = await shell.call("launch", clients, *PROMO, "--yes", "--json")
    waits = [line for line in ended.objects if line["type"] == "waiting"]

    assert ended.code == 0, ended.err
    assert waits[0]["why"] == "the quota of 2/6s is spent"
    assert "s: the quota of 2/6s is spent" in ended.err


async def test_a_single_command_tells_that_it_waits(shell: Shell) -> None:
    shell.environment["KEEBAI_QUOTA"] = "1/5s"
    first = await shell.call("templates")
    second = await shell.call("templates")

    assert (first.code, second.code) == (0, 0)
    assert first.err == ""
    assert "waiting" in second.err
    assert "the quota of 1/5s is spent" in second.err


async def test_a_larger_quota_is_held_to_the_smaller_one_until_doctor_changes_it(shell: Shell) -> None:
    await shell.call("templates")
    shell.environment["KEEBAI_QUOTA"] = "120/60s,5000/3600s"
    told = await shell.call("templates")
    shown = await shell.call("doctor")
    changed = await shell.call("doctor", "--set-quota", "120/60s,5000/3600s")
    del shell.environment["KEEBAI_QUOTA"]
    afterwards = await shell.call("status")

    line = "the quota 60/60s,1000/3600s holds, not 120/60s,5000/3600s"
    assert told.err.count(line) == 1
    assert line.removeprefix("the quota ") in shown.out
    assert "keebai-async doctor --set-quota 120/60s,5000/3600s" in shown.out
    assert "of 120 a minute" in changed.out
    assert " of 120 a minute" in afterwards.err
    assert (told.code, shown.code, changed.code, afterwards.code) == (0, 0, 0, 0)


async def test_a_quota_that_cannot_be_read_or_belongs_to_nobody_changes_nothing(shell: Shell) -> None:
    unreadable = await shell.call("doctor", "--set-quota", "many")
    del shell.environment["KEEBAI_API_TOKEN"]
    nobodys = await shell.call("doctor", "--set-quota", "60/60s")

    assert (unreadable.code, nobodys.code) == (2, 2)
    assert "write it as 60/60s,1000/3600s" in unreadable.err
    assert "KEEBAI_API_TOKEN" in nobodys.err
