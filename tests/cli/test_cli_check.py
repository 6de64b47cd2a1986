"""A list is checked against the names of variables alone: no token, no request, no trace."""

import pytest

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell

LIST = (
    "to,nombre,codigo\n+5491155550101,Ana,A1\n+5491155550101,Ana,A1\n12,Luis,B2\n+5491155550102,,C3\n"
    "+5491155550103,Eva,D4\n"
)


@pytest.fixture
def untold(shell: Shell) -> Shell:
    """A terminal of somebody who has a list, and nothing of the service."""
    for name in ("KEEBAI_API_TOKEN", "KEEBAI_PHONE_NUMBER_ID"):
        del shell.environment[name]
    shell.write("list.csv", LIST)
    return shell


async def test_a_list_is_checked_without_a_token_and_leaves_no_trace(untold: Shell, sandbox: Sandbox) -> None:
    ended = await untold.call("plan", "list.csv", "--variables", "nombre,codigo", "--rejects", "bad.csv")

    assert ended.code == 0, ended.err
    assert ended.out.startswith("list ")
    assert "nombre=Ana, codigo=A1" in ended.out
    for counted in ("duplicate ", "bad number ", "blank variable "):
        assert counted in ended.out
    assert "nothing is kept" in ended.err
    assert "Luis" in (untold.folder / "bad.csv").read_text(encoding="utf-8-sig")
    assert sum(sandbox.traffic.requests.values()) == 0
    assert not (untold.folder / "journal.db").exists()


async def test_its_counts_are_those_of_a_plan(untold: Shell) -> None:
    ended = await untold.call("plan", "list.csv", "--variables", "nombre, codigo", "--json")

    [plan] = ended.objects
    assert (plan["read"], plan["ready"], plan["duplicates"], plan["rejected"]) == (5, 2, 1, 2)
    assert plan["template"] == ""


async def test_a_variable_without_a_column_is_told(untold: Shell) -> None:
    ended = await untold.call("plan", "list.csv", "--variables", "nombre,ciudad")

    assert ended.code == 2
    assert "the message asks for ciudad" in ended.err


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--variables", "nombre,nombre"), "nombre is there twice"),
        (("--variables", "nombre,"), "a name is empty"),
        (("--variables", "nombre", "--template", "promo"), "leave --template out"),
        (("--variables", "nombre", "--html", "p.html"), "leave --html out"),
        (("--template", "promo"), "--language is missing"),
        ((), "check the list alone with --variables"),
    ],
    ids=str,
)
async def test_what_makes_no_sense_is_one_line(untold: Shell, arguments: tuple[str, ...], words: str) -> None:
    ended = await untold.call("plan", "list.csv", *arguments)

    assert ended.code == 2
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
