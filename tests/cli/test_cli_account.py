"""What protects money beside the ledger: whose campaign it is, what fails, questions before what is final."""

import io
import sys
from pathlib import Path

import anyio
import pytest

from keebai_async.cli.output import answer_account
from keebai_async.model.lost import LATE_ARRIVAL
from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.catalogue import SandboxToken
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Shell, let_pass
from tests.cli.test_cli_campaign import PROMO, campaign_of
from tests.cli.test_cli_interrupts import end_of, launching

ROWS = "to,nombre,codigo\n" + "\n".join(f"+549115555{n:04},Ana,A{n}" for n in range(300))


async def test_seventy_percent_failed_is_code_9_with_the_share_the_worst_and_the_next_step(
    make_shell: MakeShell,
) -> None:
    async with Sandbox(speed=100.0, failing=0.7) as sandbox:
        shell = make_shell(sandbox)
        ended = await shell.call(
            "launch", shell.write("people.csv", ROWS), *PROMO, "--yes", "--report", "page.html"
        )
        listed = await shell.call("list")
        report = (await shell.call("report", "--json", listed.out.splitlines()[1].split()[0])).objects[0]

    failed = report["failed"]
    assert isinstance(failed, int)
    page = (shell.folder / "page.html").read_text(encoding="utf-8")
    assert ended.code == 9
    for told in (ended.out, page):
        assert f"NOT A SUCCESS: {failed / 3:.1f}% failed, {failed} of 300 people, since 20" in told
        assert f"chunk 1: {failed / 3:.1f}% failed, broadcast " in told
    assert '<p class="bad">NOT A SUCCESS' in page
    assert '<p class="bad">finished' in page
    assert "keebai-async templates promo" in ended.err
    assert f"{failed} ({failed / 3:.1f}%)" in listed.out


async def test_another_token_goes_on_with_a_campaign_only_if_told(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    launched = await shell.call("launch", clients, *PROMO, "--yes", "--json", "--no-wait")
    campaign = campaign_of(launched)
    (token,) = sandbox.settings.tokens
    sandbox.settings.tokens = (token, SandboxToken(secret="kbai_pk_" + "n" * 32))
    shell.environment["KEEBAI_API_TOKEN"] = "kbai_pk_" + "n" * 32

    refused = await shell.call("resume", campaign, "--yes")
    told = await shell.call("resume", campaign, "--yes", "--new-token")
    again = await shell.call("resume", campaign, "--yes")
    doctor = await shell.call("doctor")

    assert refused.code == 2
    assert "was launched with another token than yours" in refused.err
    assert "--new-token" in refused.err
    assert (told.code, again.code) == (0, 0)
    assert "the one that ends with ...nnnn" in doctor.out
    assert "company_id company-1" in doctor.out
    kept = b"".join(path.read_bytes() for path in shell.folder.glob("journal.db*"))
    assert token.secret.encode() not in kept
    assert b"n" * 32 not in kept


async def test_a_sender_that_the_token_does_not_have_is_refused_when_it_is_planned(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    number = await shell.call("plan", clients, *PROMO, "--phone-number-id", "1", "--json")
    del shell.environment["KEEBAI_PHONE_NUMBER_ID"]
    channel = await shell.call("plan", clients, *PROMO, "--channel-id", "c1", "--json")
    good = await shell.call("plan", clients, *PROMO, "--channel-id", sandbox.channel_id, "--json")

    assert number.code == channel.code == 2
    assert "1 is not among the senders of this token" in number.err
    assert good.code == 0, good.err
    assert good.objects[0]["sender_number"] == sandbox.settings.senders[0].phone_number


@pytest.mark.parametrize(
    "fault",
    [
        faults.Status(status=403),
        faults.Status(status=404),
        faults.Status(status=500),
        faults.Html(status=200),
    ],
)
async def test_where_the_senders_cannot_be_listed_a_plan_has_a_note(
    shell: Shell, sandbox: Sandbox, clients: str, fault: faults.AnyFault
) -> None:
    sandbox.faults.on("GET /whatsapp/numbers", fault, times=None)
    ended = await shell.call("plan", clients, *PROMO)

    assert ended.code == 0, ended.err
    assert "is not known: the list of senders cannot be read" in ended.out


async def test_sending_again_shows_the_chunk_asks_and_can_be_taken_back(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)
    campaign = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))
    resend = ("reconcile", campaign, "--chunk", "1", "--resend")

    early = await shell.answer("y\n", *resend)
    let_pass(Path(shell.environment["KEEBAI_JOURNAL"]), LATE_ARRIVAL)
    nobody = await shell.call(*resend)
    declined = await shell.answer("n\n", *resend)
    agreed = await shell.answer("y\n", *resend)
    waiting = await shell.call("status", campaign, "--json")
    back = await shell.call("reconcile", campaign, "--chunk", "1", "--take-back")
    twice = await shell.call("reconcile", campaign, "--chunk", "1", "--take-back")
    after = await shell.call("status", campaign, "--json")

    assert (nobody.code, declined.code, agreed.code, back.code, twice.code) == (2, 3, 0, 0, 2)
    assert "it is too early to send chunk 1 again: its request may still arrive; wait" in early.err
    assert "add --yes" in nobody.err
    for told in (declined.err, agreed.err):
        assert "Promo marzo [01/01]" in told
        assert "It is not in the portal: submit to its 3 people again? [y/N]" in told
        assert "--take-back takes it back" in told
    assert (waiting.code, waiting.objects[0]["stopped_by"]) == (0, "settled")
    assert (waiting.objects[0]["unsent"], waiting.objects[0]["unknown"]) == (3, 0)
    assert "there is nothing to take back" in twice.err
    assert (after.code, after.objects[0]["stopped_by"], after.objects[0]["unknown"]) == (6, "unknown", 3)
    assert sandbox.ledger.total == 3


async def test_giving_people_up_shows_the_chunk_and_asks(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)
    campaign = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))
    abandon = ("reconcile", campaign, "--chunk", "1", "--abandon")

    nobody = await shell.call(*abandon)
    declined = await shell.answer("n\n", *abandon)
    before = await shell.call("status", campaign, "--json")
    agreed = await shell.answer("y\n", *abandon)
    after = await shell.call("status", campaign, "--json")

    assert (nobody.code, declined.code, agreed.code) == (2, 3, 0)
    assert "add --yes to give it up" in nobody.err
    for told in (declined.err, agreed.err):
        assert "Promo marzo [01/01]" in told
        assert "nothing takes this back" in told
        assert "Give its 3 people up? [y/N]" in told
    assert (before.objects[0]["unknown"], before.objects[0]["abandoned"]) == (3, 0)
    assert (after.objects[0]["unknown"], after.objects[0]["abandoned"]) == (0, 3)


async def test_a_campaign_whose_last_doubt_is_settled_is_finished(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    sandbox.faults.on("POST /messages/bulk", faults.Reset(), nth=1)
    campaign = campaign_of(await shell.call("launch", clients, *PROMO, "--yes", "--json"))

    settled = await shell.call("reconcile", campaign, "--chunk", "1", "--abandon", "--yes")

    assert settled.code == 0
    assert "  finished " in settled.out
    assert "unknown (chunk" not in settled.out
    assert settled.err == ""


async def test_a_service_that_goes_silent_during_the_delivery_is_said_on_the_screen_and_by_status(
    shell: Shell, sandbox: Sandbox
) -> None:
    sandbox.faults.on("GET /messages/bulk/{broadcast_id}", faults.Reset(), times=None)
    words = "the service to say how far it is (GET /messages/bulk/"

    async with launching(shell) as process:
        with anyio.fail_after(60):
            while words not in str((looked := await shell.call("list", "--json")).objects):  # noqa: ASYNC110
                await anyio.sleep(0.1)
        campaign = str(looked.objects[0]["campaign_id"])
        status = await shell.call("status", campaign)
        sandbox.faults.clear()
        code, told = await end_of(process)
    after = await shell.call("status", campaign)

    assert f"waits for {words}" in status.out
    assert "  sent                             0" in status.out
    assert (code, told.count("chunk 1: how far it is cannot be read now")) == (0, 1), told
    assert "waits for" not in after.out
    assert "  sent                            20" in after.out


async def test_one_message_is_checked_as_a_plan_checks_a_row(shell: Shell, sandbox: Sandbox) -> None:
    send = ("send", "--to", "+5491155550101", "--template", "promo", "--language", "es")

    missing = await shell.call(*send, "--var", "nombre=Ana")
    surplus = await shell.call(*send, "--var", "nombre=Ana", "--var", "codigo=A1", "--var", "ciudad=X")
    blank = await shell.call(*send, "--var", "nombre= ", "--var", "codigo=A1")

    assert (missing.code, surplus.code, blank.code) == (2, 2, 2)
    assert "codigo is missing: the template asks for it" in missing.err
    assert "ciudad" in surplus.err
    assert "nombre" in blank.err
    assert sandbox.ledger.total == 0


async def test_the_guard_of_a_launch_is_not_forgotten_by_a_plain_resume(make_shell: MakeShell) -> None:
    async with Sandbox(speed=100.0, failing=1.0) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", ROWS)
        plan = campaign_of(await shell.call("plan", people, *PROMO, "--json", "--canary", "2"))
        await shell.call("launch", plan, "--yes", "--json", "--stop-above", "0.5")
        resumed = await shell.call("resume", plan, "--yes", "--json")
        reached = sandbox.ledger.total
        wider = await shell.call("resume", plan, "--yes", "--json", "--stop-above", "1")

    assert resumed.code == 7
    assert reached == 2
    assert resumed.objects[-1]["guards"] == {"stop_above": 0.5, "canary": 2}
    assert wider.code == 9
    assert sandbox.ledger.total == 300


async def test_a_paused_template_is_shown_with_its_status(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.set_template_status("promo", "PAUSED")

    shown = await shell.call("templates", "promo")
    nothing = await shell.call("templates", "promo", "--status", "approved")

    assert shown.code == 0, shown.err
    assert "PAUSED" in shown.out
    assert nothing.code != 0


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(("no_color", "shown"), [("", "\x1b[31mNO: all\x1b[0m"), ("1", "NO: all")])
def test_what_is_no_success_is_red_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch, no_color: str, shown: str
) -> None:
    terminal = Terminal()
    monkeypatch.setattr(sys, "stdout", terminal)
    monkeypatch.setenv("NO_COLOR", no_color)

    answer_account("sent 0\nNO: all", alarm="NO")

    assert terminal.getvalue() == f"sent 0\n{shown}\n"
