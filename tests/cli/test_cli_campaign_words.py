"""A campaign is named as people name it, in every command that takes one."""

import pytest

from keebai_async.cli.exit_codes import Exit
from tests.cli.shell import Shell

PLAN = ("plan", "clients.csv", "--template", "promo", "--language", "es")
LAUNCH = ("launch", "clients.csv", "--template", "promo", "--language", "es", "--yes")


@pytest.mark.parametrize("words", ["last", "Promo marzo", "promo-marzo"])
async def test_every_command_takes_the_last_one_a_name_and_the_beginning_of_an_id(
    shell: Shell, clients: str, words: str
) -> None:
    assert (await shell.call(*LAUNCH, "--name", "Promo marzo")).code in {0, 5}
    (known,) = (await shell.call("status", words, "--json")).objects
    campaign = str(known["campaign_id"])

    for command in (
        ("report", words),
        ("watch", words),
        ("resume", words, "--yes"),
        ("reconcile", words),
        ("webhooks", "show", words),
        ("export", words, "--rejected", "rejected.csv"),
    ):
        ended = await shell.call(*command)
        assert ended.code in {Exit.DONE, Exit.PARTLY}, (command, ended.err)
    assert (await shell.call("purge", words, "--yes", "--json")).objects[0]["campaign_id"] == campaign


@pytest.mark.parametrize("words", ["last", "Promo marzo", "promo-marzo"])
async def test_a_plan_is_launched_by_what_people_call_it(shell: Shell, clients: str, words: str) -> None:
    planned = await shell.call(*PLAN, "--name", "Promo marzo", "--json")

    launched = await shell.call("launch", words, "--yes", "--json")

    assert launched.code in {Exit.DONE, Exit.PARTLY}, launched.err
    assert launched.objects[-1]["campaign_id"] == planned.objects[0]["campaign_id"]


async def test_what_may_be_two_campaigns_is_refused(shell: Shell, clients: str) -> None:
    await shell.call(*PLAN, "--name", "Promo marzo")
    await shell.call(*PLAN, "--name", "Promo mayo")
    ended = await shell.call("remove", "promo-ma")
    assert ended.code == Exit.USAGE
    assert "may be any of 2 campaigns" in ended.err
    assert len((await shell.call("list", "--json")).objects) == 2


async def test_the_name_means_what_was_launched_and_not_the_plans_before_it(
    shell: Shell, clients: str
) -> None:
    """As the first campaign of the manual goes: plan, plan again, launch, and then look by the name."""
    for command in (PLAN, PLAN):
        await shell.call(*command, "--name", "Promo marzo")
    ended = await shell.call(*LAUNCH, "--name", "Promo marzo")
    launched = ended.out.partition("[")[2].partition("]")[0]

    (known,) = (await shell.call("status", "Promo marzo", "--json")).objects
    removed = await shell.call("remove", "Promo marzo")

    assert known["campaign_id"] == launched
    assert (known["state"], removed.code) == ("finished", Exit.USAGE)
    assert "may be any of 3 campaigns" in removed.err


async def test_a_near_miss_is_named(shell: Shell, clients: str) -> None:
    await shell.call(*PLAN, "--name", "Promo marzo")
    ended = await shell.call("status", "promo-marso")
    assert ended.code == Exit.USAGE
    assert "did you mean promo-marzo-" in ended.err
