"""`retry` as a user sees it: who gets it again, who does not and why, and a question before it."""

import re
import time
from datetime import UTC, datetime

import pytest

from keebai_async.journal.open import open_journal
from keebai_async.model.fates import Fate, PersonNews
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of

SOON, CAPPED, STOPPED, UNPAID = 131056, 131049, 131050, 131042


def list_of(shell: Shell, count: int) -> str:
    rows = [f"+54911555502{number:02},Ana {number},C{number}" for number in range(count)]
    return shell.write("people.csv", "\n".join(["to,nombre,codigo", *rows]) + "\n")


async def failed(shell: Shell, fates: dict[int, int | Fate], *, count: int = 6, ago: float = 600.0) -> str:
    """A campaign that was sent, of which webhooks told so much some time ago."""
    campaign = campaign_of(await shell.call("launch", list_of(shell, count), *PROMO, "--yes", "--json"))
    await tell(shell, campaign, fates, ago=ago)
    return campaign


async def tell(shell: Shell, campaign: str, fates: dict[int, int | Fate], *, ago: float = 0.0) -> None:
    journal = open_journal(str(shell.folder / "journal.db"))
    await journal.tell(
        [
            PersonNews(
                campaign_id=campaign,
                chunk=1,
                place=place,
                fate=fate if isinstance(fate, Fate) else Fate.FAILED,
                code=0 if isinstance(fate, Fate) else fate,
                at=time.time() - ago,
            )
            for place, fate in fates.items()
        ]
    )
    await journal.aclose()


async def test_a_retry_is_shown_with_reasons_asked_about_and_sent(shell: Shell, sandbox: Sandbox) -> None:
    campaign = await failed(shell, {0: SOON, 1: SOON, 2: CAPPED, 3: STOPPED, 4: UNPAID, 5: Fate.READ})

    declined = await shell.answer("n\r", "retry", campaign)
    assert declined.code == 3
    for words in (
        r"sent to again +2  131056: too many messages to one person",
        r"not due yet +1  131049: .*: due 20",
        r"never again +1  131050: the person stopped .*: never send marketing",
        r"after a fix +1  131042: a payment problem: settle the payment method",
        rf"a retry of 'Promo marzo' \[{campaign}\], by what webhooks told of it",
    ):
        assert re.search(words, declined.out), words
    assert "Send to 2 people?" in declined.err
    assert "(--again)" not in declined.err
    assert sandbox.ledger.repeated() == {}

    ended = await shell.call("retry", campaign, "--yes", "--json", "--not-within", "3d")

    plan, report = ended.objects[0], ended.objects[-1]
    assert (ended.code, report["accepted"], report["unsent"]) == (0, 2, 0), ended.err
    assert sandbox.ledger.repeated().keys() == {"+541155550200", "+541155550201"}
    retry = plan["retry"]
    assert isinstance(retry, dict)
    assert [(each["choice"], each["code"], each["people"]) for each in retry["groups"]] == [
        ("now", SOON, 2),
        ("not yet", CAPPED, 1),
        ("never", STOPPED, 1),
        ("fix", UNPAID, 1),
    ]


async def test_a_plan_of_a_retry_that_waited_is_looked_at_again_when_it_is_launched(
    shell: Shell, sandbox: Sandbox
) -> None:
    campaign = await failed(shell, {0: SOON, 1: SOON})
    planned = await shell.call("retry", campaign, "--dry-run", "--json")
    plan_id = str(planned.objects[-1]["campaign_id"])
    assert f"keebai-async launch {plan_id}" in planned.err
    await tell(shell, campaign, {1: Fate.DELIVERED})

    ended = await shell.call("launch", plan_id, "--yes", "--json")

    report = ended.objects[-1]
    assert (ended.code, report["accepted"], report["refused"]) == (5, 1, 1), ended.err
    assert len(sandbox.ledger.repeated()) == 1
    assert (
        "1 delivered" in (await shell.call("report", campaign_id := str(report["campaign_id"]), "--json")).out
    )
    assert (await shell.call("export", campaign_id, "out.csv", "--refused")).code == 0
    assert "1 delivered" in (shell.folder / "out.csv").read_text()


async def test_with_a_time_it_is_planned_for_then_and_not_sent_before(shell: Shell, sandbox: Sandbox) -> None:
    campaign = await failed(shell, {0: CAPPED, 1: SOON})
    then = datetime.fromtimestamp(int(time.time()) + 90_000, UTC).isoformat()

    planned = await shell.call("retry", campaign, "--at", then, "--json")
    plan = planned.objects[-1]
    early = await shell.call("launch", str(plan["campaign_id"]), "--yes")

    assert (planned.code, plan["ready"], plan["not_before"]) == (0, 2, then.replace("+00:00", "Z"))
    assert f"to send it from {then[:10]}" in planned.err
    assert (early.code, "is not to be sent before" in early.err, "--again" in early.err) == (2, True, False)
    assert sandbox.ledger.repeated() == {}


@pytest.mark.parametrize("json", [False, True])
async def test_where_nobody_may_get_it_again_that_is_said_with_reasons(shell: Shell, json: bool) -> None:
    campaign = await failed(shell, {0: CAPPED, 1: STOPPED})

    ended = await shell.call("retry", campaign, "--yes", *(["--json"] if json else []))

    assert ended.code == 2
    assert "nobody may be sent to again: nothing was planned" in ended.err
    if json:
        assert (ended.objects[0]["type"], ended.objects[0]["of"]) == ("retry", campaign)
    else:
        (at,) = re.findall(r"or now with --at (\S+)", ended.out)
        assert (await shell.call("retry", campaign, "--at", at)).code == 0
    listed = (await shell.call("list", "--json")).objects
    assert len(listed) == (1 if json else 2)


async def test_what_is_missing_or_gone_is_one_line(shell: Shell) -> None:
    campaign = await failed(shell, {0: SOON})
    assert (
        "131056"
        in (await shell.call("export", campaign, "failed.csv", "--failed")).out
        + (shell.folder / "failed.csv").read_text()
    )
    assert (await shell.call("purge", campaign, "--yes")).code == 0

    for arguments, words in (
        ((campaign, "--yes"), "were purged, so nobody can say to whom to send again"),
        (("nobody-12", "--yes"), "there is no campaign nobody-12"),
        ((campaign, "--at", "tomorrow"), "write the time as"),
        ((campaign,), "no terminal to ask on"),
    ):
        ended = await shell.call("retry", *arguments)
        assert (ended.code, ended.err.count("\n")) == (2, 1), ended.err
        assert words in ended.err


async def test_a_second_retry_says_who_had_one(shell: Shell, sandbox: Sandbox) -> None:
    campaign = await failed(shell, {0: SOON, 1: SOON})
    first = await shell.call("retry", campaign, "--yes", "--json")
    await tell(shell, str(first.objects[-1]["campaign_id"]), {0: SOON, 1: Fate.READ}, ago=600.0)

    again = await shell.call("retry", campaign, "--yes")
    assert (again.code, "retried already" in again.out, "add --again" in again.out) == (2, True, True)
    assert re.search(r"have it by now +1 ", again.out)

    ended = await shell.call("retry", campaign, "--yes", "--again")
    assert ended.code == 0, ended.err
    assert max(sandbox.ledger.repeated().values()) == 3
