"""`--sql QUERY --from URL`: the people of a plan or a launch are the rows of a query."""

import sqlite3
from contextlib import closing

import pytest

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import PROMO, campaign_of
from tests.postgres_server import PostgresServer

QUERY = 'SELECT telefono AS "to", nombre, codigo FROM clientes ORDER BY codigo'
MAKE = "CREATE TABLE clientes (telefono text, nombre text, codigo text)"
ROWS = "INSERT INTO clientes VALUES ('+5491155550101', 'Ana', 'A1'), ('+5491155550102', 'Bea', 'A2')"


@pytest.fixture
def customers(shell: Shell) -> str:
    path = shell.folder / "shop.db"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(MAKE)
        connection.execute(ROWS)
    return "sqlite:shop.db"


async def test_a_launch_sends_to_the_rows_of_a_query(shell: Shell, sandbox: Sandbox, customers: str) -> None:
    ended = await shell.call("launch", "--sql", QUERY, "--from", customers, *PROMO, "--yes", "--json")

    assert ended.code == 0, ended.err
    assert sandbox.ledger.times_messaged() == {"+5491155550101": 1, "+5491155550102": 1}
    plan = next(line for line in ended.objects if line["type"] == "plan")
    assert (plan["source"], plan["ready"]) == ("the query", 2)
    assert campaign_of(ended)


async def test_a_plan_from_postgresql_never_shows_a_password(
    shell: Shell, sandbox: Sandbox, postgres: PostgresServer
) -> None:
    postgres.do("DROP TABLE IF EXISTS clientes", MAKE, ROWS)
    secret = "cl%40ve-secreta"
    url = postgres.address.replace("keebai@", f"keebai:{secret}@")

    planned = await shell.call("plan", "--sql", QUERY, "--from", url, *PROMO)
    wrong = await shell.call("plan", "--sql", "SELECT * FROM nadie", "--from", url, *PROMO, "--json")
    nobody = url.replace("keebai:", "nobody:").replace("/postgres", "/nowhere")
    away = await shell.call("plan", "--sql", QUERY, "--from", nobody, *PROMO)

    assert planned.code == 0, planned.err
    assert "the query, rows 1 to 2" in planned.out
    assert (wrong.code, away.code) == (2, 2)
    assert 'relation "nadie" does not exist' in wrong.err
    assert len(away.err.splitlines()) == 1
    for ended in (planned, wrong, away):
        assert secret not in ended.out + ended.err
        assert "cl@ve-secreta" not in ended.out + ended.err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ((), "a FILE, or --sql QUERY --from URL"),
        (("--sql", QUERY), "say which database --sql asks: --from URL"),
        (("--from", "sqlite:shop.db"), "say what is asked of the database: --sql QUERY"),
        (("clients.csv", "--sql", QUERY, "--from", "sqlite:shop.db"), "leave one out"),
        (("--sql", QUERY, "--from", "sqlite:nowhere.db"), "nowhere.db: unable to open database file"),
        (("--sql", "SELECT 1; SELECT 2", "--from", "sqlite:shop.db"), "one statement at a time"),
        (
            ("--sql", "SELECT nombre FROM clientes", "--from", "sqlite:shop.db"),
            "nobody of the 2 in the query",
        ),
    ],
)
async def test_what_cannot_be_asked_is_one_line_and_exit_code_2(
    shell: Shell, clients: str, customers: str, options: tuple[str, ...], words: str
) -> None:
    ended = await shell.call("plan", *options, *PROMO)

    assert ended.code == 2
    assert words in ended.err
    assert len(ended.err.splitlines()) == 1
