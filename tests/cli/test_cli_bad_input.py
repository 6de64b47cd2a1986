"""What cannot be used ends in one clear line and its exit code, and nothing is submitted."""

import pytest

from keebai_async.sandbox.keebai.catalogue import SandboxToken
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.conftest import MakeShell
from tests.cli.shell import Ended, Shell

ROW = "+5491155550101,Lucía,A1"
LAUNCH = ("--template", "promo", "--language", "es", "--yes")

FILES = {
    "an empty file": (b"", "empty"),
    "a header and nobody": (b"to,nombre,codigo\n", "nobody"),
    "no column for the number": (b"phone,nombre,codigo\n" + ROW.encode(), "to"),
    "no column for a variable": (b"to,nombre\n+5491155550101,Ana\n", "codigo"),
    "a binary file": (b"PK\x03\x04" + bytes(range(256)) * 20, ""),
    "another encoding": ("to,nombre,codigo\n" + ROW).encode("latin-1"),
    "an encoding without its mark": (
        ("to,nombre,codigo\n" + ROW).encode("utf-16-le"),
        "--encoding utf-16-le",
    ),
    "nobody who can be messaged": (b"to,nombre,codigo\nnada,Ana,A1\n,Ana,A1\n", "nobody"),
}


def one_line(ended: Ended) -> str:
    lines = [line for line in ended.err.splitlines() if line]
    assert len(lines) == 1, ended.err
    assert lines[0].startswith("error: ")
    assert "Traceback" not in ended.err
    return lines[0]


@pytest.mark.parametrize("kind", FILES)
async def test_a_file_that_cannot_be_used_is_one_line_and_nothing_is_submitted(
    shell: Shell, sandbox: Sandbox, kind: str
) -> None:
    given = FILES[kind]
    content, word = given if isinstance(given, tuple) else (given, "UTF-8")

    ended = await shell.call("launch", shell.write("people.csv", content), *LAUNCH)

    assert word in one_line(ended)
    assert ended.code == 2
    assert sandbox.ledger.total == 0


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--template", "nothing", "--language", "es"), "nothing"),
        (("--template", "promo", "--language", "fr"), "es"),
        (("--template", "promo_pausada", "--language", "es"), "PAUSED"),
    ],
    ids=["unknown", "in another language", "not approved"],
)
async def test_a_template_that_cannot_be_used_says_why(
    shell: Shell, sandbox: Sandbox, clients: str, arguments: tuple[str, ...], word: str
) -> None:
    ended = await shell.call("launch", clients, *arguments, "--yes")

    assert word in one_line(ended)
    assert ended.code == 2
    assert sandbox.ledger.total == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ("launch", "nowhere.csv", *LAUNCH),
        ("plan", "nowhere.csv", "--template", "promo", "--language", "es"),
        ("launch", "no-such-plan", "--yes"),
        ("launch", "clients.csv", "--template", "promo", "--yes"),
        ("launch", "clients.csv", "--language", "es", "--yes"),
        ("launch", "clients.csv", *LAUNCH, "--column", "to"),
        ("launch", "clients.csv", *LAUNCH, "--limit", "0"),
        ("launch", "clients.csv", *LAUNCH, "--no-such-option"),
        ("launch", "clients.csv", *LAUNCH, "--phone-number-id", "1", "--channel-id", "2"),
        ("launch", "clients.csv", *LAUNCH, "--rejects", "no/such/folder/rejects.csv"),
        ("launch",),
        ("no-such-command",),
        ("status", "no-such-campaign"),
        ("resume", "no-such-campaign", "--yes"),
        ("reconcile", "no-such-campaign", "--chunk", "1"),
        ("reconcile", "no-such-campaign", "--chunk", "1", "--resend"),
        ("reconcile", "no-such-campaign", "--resend"),
        ("reconcile", "no-such-campaign"),
        ("export", "no-such-campaign", "out.csv", "--rejected"),
        ("export", "no-such-campaign", "out.csv"),
        ("send", "--to", "12", "--template", "promo", "--language", "es"),
        ("send", "--to", "+5491155550101", "--template", "promo", "--language", "es", "--var", "nombre"),
        ("text", "--to", "+5491155550101", "--text", ""),
        ("templates", "nothing"),
    ],
    ids=" ".join,
)
async def test_a_wrong_command_line_is_one_line(
    shell: Shell, sandbox: Sandbox, clients: str, arguments: tuple[str, ...]
) -> None:
    ended = await shell.call(*arguments)

    one_line(ended)
    assert ended.code == 2
    assert ended.out == ""
    assert sandbox.ledger.total == 0


async def test_without_a_terminal_and_without_yes_it_names_the_option(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    ended = await shell.call("launch", clients, "--template", "promo", "--language", "es")

    assert "--yes" in one_line(ended)
    assert ended.code == 2
    assert sum(sandbox.traffic.requests.values()) == 0


async def test_without_a_token_it_names_the_variable(shell: Shell, clients: str) -> None:
    del shell.environment["KEEBAI_API_TOKEN"]

    ended = await shell.call("launch", clients, *LAUNCH)

    assert "KEEBAI_API_TOKEN" in one_line(ended)
    assert ended.code == 2


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("plan", "nowhere.csv", "--template", "promo", "--language", "es"), "there is no file nowhere.csv"),
        (("launch", "nowhere.csv", *LAUNCH), "there is no file nowhere.csv"),
        (("launch", "nowhere", "--yes"), "there is no file nowhere, and no plan"),
        (("resume", "nowhere", "--yes"), "there is no campaign nowhere"),
    ],
    ids=" ".join,
)
async def test_what_is_not_there_is_told_before_a_token_is_asked_for(
    shell: Shell, arguments: tuple[str, ...], words: str
) -> None:
    del shell.environment["KEEBAI_API_TOKEN"]

    ended = await shell.call(*arguments)

    assert words in one_line(ended)
    assert ended.code == 2


@pytest.mark.parametrize("command", ["launch", "plan", "numbers", "templates", "send", "text"])
async def test_a_token_that_is_not_valid_is_code_4_and_is_not_printed(
    shell: Shell, sandbox: Sandbox, clients: str, command: str
) -> None:
    shell.environment["KEEBAI_API_TOKEN"] = "kbai_pk_" + "9f" * 32
    arguments = {
        "launch": (clients, *LAUNCH),
        "plan": (clients, *LAUNCH[:-1]),
        "send": ("--to", "+5491155550101", *LAUNCH[:-1]),
        "text": ("--to", "+5491155550101", "--text", "Hola"),
    }.get(command, ())

    ended = await shell.call(command, *arguments)

    one_line(ended)
    assert ended.code == 4
    assert "9f9f9f" not in ended.out + ended.err
    assert sandbox.ledger.total == 0


async def test_a_missing_scope_is_code_4_and_named(make_shell: MakeShell) -> None:
    reader = SandboxToken(secret="kbai_pk_" + "0b" * 32, scopes=("templates:read",))
    async with Sandbox(speed=100.0, tokens=(reader,)) as sandbox:
        shell = make_shell(sandbox)
        people = shell.write("people.csv", f"to,nombre,codigo\n{ROW}\n")

        ended = await shell.call("launch", people, *LAUNCH)

    assert ended.code == 4
    assert "messages:bulk" in ended.out + ended.err
    assert sandbox.ledger.total == 0


async def test_a_service_that_is_not_there_is_one_line(shell: Shell) -> None:
    shell.environment["KEEBAI_BASE_URL"] = "http://127.0.0.1:9/v1"

    ended = await shell.call("numbers")

    one_line(ended)
    assert ended.code == 1
