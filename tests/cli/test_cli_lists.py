"""What can be said of a list: local numbers, people to spare, limits, a test, another shape of file."""

import gzip
import json

import anyio
import pytest

from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Shell
from tests.cli.test_cli_campaign import NUMBERS, PROMO


def reasons(plan: dict[str, object]) -> dict[str, int]:
    found = plan["reasons"]
    assert isinstance(found, list)
    return {each["reason"]: each["count"] for each in found}


async def test_people_in_the_lists_to_suppress_are_not_messaged(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    lines = shell.write("stop.txt", "+541155550101\n")  # without the 9: the same person
    table = shell.write("stop.csv", "nombre,to\nXimena,+5215555550103\n")
    options = ("--suppress", lines, "--suppress", table)

    ended = await shell.call("launch", clients, *PROMO, *options, "--yes", "--json")

    assert ended.code == 0, ended.err
    assert list(sandbox.ledger.times_messaged()) == [NUMBERS[1]]
    assert ended.objects[-1]["suppressed"] == 3


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--max-recipients", "2"), "more than 2 people"),
        (("--max-cost", "0.25", "--unit-cost", "0.1"), "more than 2 people"),
    ],
    ids=["people", "cost"],
)
async def test_a_list_larger_than_allowed_is_code_7_and_nothing_is_submitted(
    shell: Shell, sandbox: Sandbox, clients: str, options: tuple[str, ...], words: str
) -> None:
    ended = await shell.call("launch", clients, *PROMO, *options, "--yes", "--json")

    assert ended.code == 7
    assert words in ended.err
    assert ended.err.count("\n") == 1
    assert sandbox.ledger.total == 0


async def test_a_cost_without_a_price_is_a_mistake(shell: Shell, clients: str) -> None:
    ended = await shell.call("plan", clients, *PROMO, "--max-cost", "10")

    assert ended.code == 2
    assert "unit" in ended.err


async def test_a_plan_shows_the_first_message_the_price_and_what_guards_it(
    shell: Shell, clients: str
) -> None:
    options = ("--unit-cost", "0.0618", "--currency", "EUR", "--canary", "2", "--stop-above", "0.1")

    shown = await shell.call("plan", clients, *PROMO, *options)
    line = (await shell.call("plan", clients, *PROMO, *options, "--json")).objects[-1]

    assert shown.code == 0, shown.err
    assert "0.19 EUR (0.0618 each)" in shown.out
    assert "Lucía" in shown.out
    assert "canary" in shown.out
    assert "10%" in shown.out
    assert (line["price"], line["currency"]) == (0.1854, "EUR")
    assert "Lucía" in str(line["preview"])
    assert line["chunks"] == [{"number": 1, "recipients": 2}, {"number": 2, "recipients": 1}]
    assert {"requests", "submitting", "delivering"} <= line.keys()


async def test_a_test_goes_to_the_given_numbers_with_the_first_rows_variables(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    to = ("--test-to", "+5491155559901", "--test-to", "+5491155559902")

    ended = await shell.call("launch", clients, *PROMO, *to, "--yes", "--json")

    assert ended.code == 0, ended.err
    assert list(sandbox.ledger.times_messaged()) == [to[1], to[3]]


async def test_local_numbers_are_read_with_a_region(shell: Shell, sandbox: Sandbox) -> None:
    people = shell.write("people.csv", "to,nombre,codigo\n011 15-5555-1111,Ana,A1\n")

    ended = await shell.call("launch", people, *PROMO, "--default-region", "AR", "--yes", "--json")

    assert ended.code == 0, ended.err
    assert list(sandbox.ledger.times_messaged()) == ["+5491155551111"]


async def test_variables_are_fixed_only_when_told(shell: Shell) -> None:
    person = {"to": NUMBERS[0], "variables": {"nombre": "Ana\nMaría", "codigo": "A1", "otra": "x"}}
    people = shell.write("people.jsonl", json.dumps(person))

    strict = await shell.call("plan", people, *PROMO, "--fix-whitespace", "--json")
    lenient = await shell.call(
        "plan", people, *PROMO, "--fix-whitespace", "--extra-variables", "drop", "--json"
    )

    assert strict.code == 2
    assert (lenient.code, lenient.objects[-1]["ready"]) == (0, 1)


async def test_a_compressed_table_with_another_delimiter_is_read(shell: Shell) -> None:
    rows = f"to|nombre|codigo\n{NUMBERS[0]}|Ana; María|A1\n"
    people = shell.write("people.csv.gz", gzip.compress(rows.encode()))

    ended = await shell.call("plan", people, *PROMO, "--delimiter", "|", "--json")

    assert ended.code == 0, ended.err
    assert ended.objects[-1]["ready"] == 1


async def test_a_list_comes_from_a_pipe(shell: Shell, sandbox: Sandbox) -> None:
    rows = f"to,nombre,codigo\n{NUMBERS[0]},Ana,A1\n"
    with anyio.fail_after(30):
        done = await anyio.run_process(
            shell.command("launch", "-", *PROMO, "--yes", "--json"),
            input=rows.encode(),
            cwd=shell.folder,
            env=shell.environment,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert list(sandbox.ledger.times_messaged()) == [NUMBERS[0]]


async def test_who_was_sent_a_campaign_lately_is_left_out_also_after_a_purge(
    shell: Shell, sandbox: Sandbox, clients: str
) -> None:
    first = await shell.call("launch", clients, *PROMO, "--limit", "2", "--yes", "--json")
    again = (*PROMO[:-1], "Otra", "--not-within", "3d")

    shown = await shell.call("plan", clients, *again)
    purged = await shell.call("purge", "--yes")
    after = (await shell.call("plan", clients, *again, "--json")).objects[-1]
    forgotten = await shell.call("purge", "--yes", "--no-hashes")
    nobody = (await shell.call("plan", clients, *again, "--json")).objects[-1]
    wrong = await shell.call("plan", clients, *PROMO, "--not-within", "3 weeks")

    assert first.code == shown.code == purged.code == forgotten.code == 0, shown.err
    assert "sent to lately" in shown.out
    assert (after["ready"], after["suppressed"]) == (1, 3)  # one of them comes twice
    assert after["not_within"] == 259_200.0
    assert nobody["ready"] == 3
    assert any("left no hash" in note for note in nobody["notes"])  # type: ignore[attr-defined]
    assert wrong.code == 2
    assert "--not-within" in wrong.err
    assert sandbox.ledger.total == 2
