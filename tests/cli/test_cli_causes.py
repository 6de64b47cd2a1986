"""What somebody reads who never saw the code: what went wrong, where, and what to do about it."""

import os
import pwd

import pytest

from keebai_async.cli.connect import journal_name
from keebai_async.errors import InvalidInput, JournalUnusable
from keebai_async.journal.open import open_journal
from tests.cli.shell import Shell

PLAN = ("plan", "clients.csv", "--template", "promo", "--language", "es")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (
            ("--unit-cost", "0.5", "--max-cost", "1", "--currency", "EUR"),
            "--max-cost: it costs more than 1 EUR, which is the most that was allowed",
        ),
        (
            ("--max-recipients", "2"),
            "--max-recipients: more than 2 people are ready, which is the most that was allowed",
        ),
        (
            ("--test-to", "+5491155550101", "--test-to", "1155550102"),
            "--test-to: number 2 to test with (115\u20260102) is not in E.164: write a plus",
        ),
        (("--delimiter", ";;"), "--delimiter: it is one character, such as ; or \\t for a tab, not ';;'"),
        (
            ("--delimiter", ";"),
            "--delimiter: with ';' the header of clients.csv has one column: name ',', which stands between",
        ),
        (
            ("--delimiter", r"\t"),
            "--delimiter: with a tab the header of clients.csv has one column: name ','",
        ),
    ],
)
async def test_an_option_is_named_as_it_was_typed_with_what_it_means(
    shell: Shell, clients: str, options: tuple[str, ...], words: str
) -> None:
    assert clients == "clients.csv"

    ended = await shell.call(*PLAN, *options)

    assert ended.code == (7 if "--max" in words else 2)
    assert words in ended.err


def _nobody(_: int) -> pwd.struct_passwd:
    raise KeyError("no such user")


def test_without_a_home_directory_it_says_how_to_name_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("HOME", "XDG_DATA_HOME", "KEEBAI_JOURNAL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(pwd, "getpwuid", _nobody)
    assert os.path.expanduser("~") == "~"  # noqa: PTH111 - so it cannot be known

    with pytest.raises(JournalUnusable, match="name one with --journal or KEEBAI_JOURNAL"):
        journal_name(None)
    with pytest.raises(InvalidInput, match="write the whole path"):
        open_journal("~/journal.db")


async def test_doctor_says_once_that_there_is_no_token(shell: Shell) -> None:
    del shell.environment["KEEBAI_API_TOKEN"]

    ended = await shell.call("doctor")
    told = await shell.call("doctor", "--json")

    assert ended.code == 2
    assert ended.out.count("no token: give one, or set KEEBAI_API_TOKEN") == 1
    assert "NOT OK  network, token, sender, templates, webhooks: no token" in ended.out
    assert [each["name"] for each in told.objects if not each["ok"]] == [
        "network",
        "token",
        "sender",
        "templates",
        "webhooks",
    ]


async def test_doctor_says_once_that_the_service_cannot_be_reached(shell: Shell) -> None:
    shell.environment["KEEBAI_BASE_URL"] = "http://127.0.0.1:1"

    ended = await shell.call("doctor")

    assert ended.code == 1
    assert ended.out.count("the connection failed") == 1
    assert "NOT OK  token, sender, templates, webhooks: GET /me had no answer" in ended.out
