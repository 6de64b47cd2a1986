"""A process that is asked, and dies before it answers, is not said to go on."""

import pytest

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.other_process import ask_and_wait, tell_outcome
from keebai_async.client import Keebai
from keebai_async.errors import InvalidInput
from keebai_async.model.campaign import CampaignState
from keebai_async.model.situation import Standing
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO


async def test_a_process_that_died_instead_of_an_answer_is_a_failure(
    shell: Shell, sandbox: Sandbox, clients: str, capsys: pytest.CaptureFixture[str]
) -> None:
    async with Keebai(sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id) as keebai:
        people = shell.folder / clients
        plan = await keebai.campaigns.plan(people, template=PROMO[1], language=PROMO[3])

        async def die(campaign: str) -> bool:
            await keebai.journal.set_state(campaign, CampaignState.RUNNING)
            return True

        now = await ask_and_wait(keebai, plan.campaign_id, die, Standing.PAUSED)
        code = tell_outcome(now, json=False, journal="of mine.db")

    told = capsys.readouterr().err
    assert code is Exit.FAILED
    assert "the process that ran it is gone" in told
    assert f"keebai-async resume {plan.campaign_id} --journal 'of mine.db'" in told


async def test_nobody_to_ask_is_told_with_the_state(shell: Shell, sandbox: Sandbox, clients: str) -> None:
    async with Keebai(sandbox.token, base_url=sandbox.url, phone_number_id=sandbox.phone_number_id) as keebai:
        people = shell.folder / clients
        plan = await keebai.campaigns.plan(people, template=PROMO[1], language=PROMO[3])

        with pytest.raises(InvalidInput, match="it is planned"):
            await ask_and_wait(keebai, plan.campaign_id, keebai.campaigns.stop, Standing.STOPPED)


@pytest.mark.parametrize("command", [("list",), ("status", "CAMPAIGN"), ("list", "--json")])
async def test_a_dead_process_is_not_said_to_run(
    shell: Shell, clients: str, command: tuple[str, ...]
) -> None:
    planned = await shell.call("plan", clients, *PROMO[:4], "--json")
    campaign = str(planned.objects[-1]["campaign_id"])
    async with Keebai("none", journal=shell.environment["KEEBAI_JOURNAL"], limiter="memory:") as keebai:
        await keebai.journal.set_state(campaign, CampaignState.RUNNING)

    ended = await shell.call(*(campaign if word == "CAMPAIGN" else word for word in command))

    assert "died" in ended.out
    assert "running" not in ended.out
    assert f"keebai-async resume {campaign}" in ended.err
