"""`send --once`, `text --once` and `outbox`: what a person types, and what is printed."""

from keebai_async.cli.exit_codes import Exit
from keebai_async.sandbox import Sandbox, faults
from tests.cli.shell import Shell

TO = "+5491155550101"
TEXT = ("text", "--to", TO, "--text", "Hola", "--once", "order-A-17")
ROUTE = "POST /messages/text"


async def test_a_text_that_is_typed_twice_with_one_key_is_sent_once(shell: Shell, sandbox: Sandbox) -> None:
    first, again = await shell.call(*TEXT), await shell.call(*TEXT)
    assert (first.code, again.code) == (0, 0)
    assert first.out == again.out
    assert len(sandbox.ledger.submissions) == 1


async def test_a_template_has_a_key_too(shell: Shell, sandbox: Sandbox) -> None:
    words = ("send", "--to", TO, "--template", "promo", "--language", "es", "--once", "order-A-17")
    variables = ("--var", "nombre=Ana", "--var", "codigo=A1")
    for _ in range(2):
        ended = await shell.call(*words, *variables)
        assert ended.code == 0, ended.err
    assert len(sandbox.ledger.submissions) == 1


async def test_an_unknown_message_is_shown_and_settled_by_what_was_printed(
    shell: Shell, sandbox: Sandbox
) -> None:
    sandbox.faults.on(ROUTE, faults.Reset())
    lost = await shell.call(*TEXT)
    assert lost.code == Exit.UNKNOWN
    assert "order-A-17" in lost.err

    listed = await shell.call("outbox", "list")
    assert "order-A-17" in listed.out
    assert "unknown" in listed.out
    assert TO not in listed.out

    shown = await shell.call("outbox", "show", "order-A-17")
    assert shown.code == Exit.UNKNOWN
    assert "keebai-async outbox settle order-A-17 --accepted ID" in shown.err

    settled = await shell.call("outbox", "settle", "order-A-17", "--accepted", "b-77")
    assert settled.code == 0
    assert "b-77" in (await shell.call(*TEXT)).out
    assert len(sandbox.ledger.submissions) == 1


async def test_too_early_and_wrong_words_end_in_one_line(shell: Shell, sandbox: Sandbox) -> None:
    sandbox.faults.on(ROUTE, faults.Reset())
    await shell.call(*TEXT)
    early = await shell.call("outbox", "settle", "order-A-17", "--resend")
    assert early.code == Exit.FAILED
    assert "too early" in early.err
    nothing = await shell.call("outbox", "settle", "order-A-17")
    assert nothing.code == Exit.USAGE
    assert "--accepted, --resend, --abandon and --take-back" in nothing.err
    nobody = await shell.call("outbox", "show", "order-A-18")
    assert nobody.code == Exit.USAGE
    assert nobody.err.count("\n") == 1


async def test_with_json_a_message_is_an_object(shell: Shell, sandbox: Sandbox) -> None:
    await shell.call(*TEXT)
    (message,) = (await shell.call("outbox", "list", "--json")).objects
    assert (message["type"], message["key"], message["state"]) == ("message", "order-A-17", "accepted")
    assert TO not in str(message)
    assert (await shell.call("outbox", "show", "order-A-17", "--json")).objects == [message]
    assert len(sandbox.ledger.submissions) == 1


async def test_forgotten_keys_are_new(shell: Shell, sandbox: Sandbox) -> None:
    await shell.call(*TEXT)
    ended = await shell.call("outbox", "purge", "--older-than", "0")
    assert ended.err == "forgotten: 1; their keys are new\n"
    await shell.call(*TEXT)
    assert len(sandbox.ledger.submissions) == 2
