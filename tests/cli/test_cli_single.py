"""One message, and a look at what the token can see."""

import signal
import subprocess

import anyio
from anyio.streams.text import TextReceiveStream

from keebai_async.sandbox import faults
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell

TO = "+5491155550101"


async def test_send_messages_one_person_with_variables_and_meta_data(shell: Shell, sandbox: Sandbox) -> None:
    ended = await shell.call(
        "send", "--to", TO, "--template", "order_confirmation", "--language", "es", "--var", "nombre=Lucio",
        "--meta", "order=A=17", "--json",
    )  # fmt: skip

    assert ended.code == 0, ended.err
    assert ended.objects[0]["type"] == "receipt"
    (person,) = sandbox.ledger.recipients
    assert (person.to, person.variables, person.meta_data) == (TO, {"nombre": "Lucio"}, {"order": "A=17"})


async def test_text_messages_one_person(shell: Shell, sandbox: Sandbox) -> None:
    ended = await shell.call("text", "--to", TO, "--text", "¡Hola!")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("accepted: ")
    assert sandbox.ledger.submissions[0].text == "¡Hola!"


async def test_a_message_whose_reply_was_lost_is_code_6(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.faults.on("POST /messages/text", faults.Reset(), nth=1)

    ended = await shell.call("text", "--to", TO, "--text", "Hola")

    assert ended.code == 6
    assert sandbox.ledger.total == 1


async def test_templates_and_numbers_are_listed(shell: Shell) -> None:
    templates = await shell.call("templates", "promo", "--json")
    numbers = await shell.call("numbers")

    assert [(one["name"], one["variables"]) for one in templates.objects] == [("promo", ["nombre", "codigo"])]
    assert numbers.code == 0
    assert numbers.out.splitlines()[1].startswith("100000000000001")


async def test_doctor_says_all_is_in_order(shell: Shell) -> None:
    ended = await shell.call("doctor", "--json")

    assert ended.code == 0, ended.out
    assert all(line["ok"] for line in ended.objects)


async def test_doctor_names_what_is_not_in_order(shell: Shell) -> None:
    shell.environment["KEEBAI_API_TOKEN"] = "kbai_pk_" + "9f" * 32

    ended = await shell.call("doctor", "--json")

    assert ended.code == 4
    wrong = [line["name"] for line in ended.objects if not line["ok"]]
    assert wrong == ["token", "sender", "templates", "webhooks"]


async def test_a_sandbox_of_the_command_serves_until_it_is_told_to_stop(shell: Shell) -> None:
    command = shell.command("sandbox", "--port", "0", "--speed", "50")
    async with await anyio.open_process(
        command, cwd=shell.folder, env=shell.environment, stderr=subprocess.DEVNULL
    ) as process:
        assert process.stdout is not None
        words = ""
        with anyio.fail_after(30):
            async for piece in TextReceiveStream(process.stdout):
                words += piece
                if words.count("\n") >= 3:
                    break
            for line in words.splitlines():
                name, _, value = line.removeprefix("export ").partition("=")
                shell.environment[name] = value
            numbers = await shell.call("numbers", "--json")
            process.send_signal(signal.SIGTERM)
            code = await process.wait()

    assert numbers.code == 0
    assert numbers.objects
    assert code == 0


async def test_doctor_finds_a_sender_that_cannot_send(shell: Shell) -> None:
    shell.environment["KEEBAI_PHONE_NUMBER_ID"] = "100000000000003"

    ended = await shell.call("doctor", "--json")

    (wrong,) = [line for line in ended.objects if not line["ok"]]
    assert ended.code == 2
    assert wrong["name"] == "sender"
    assert "paused" in str(wrong["detail"])
