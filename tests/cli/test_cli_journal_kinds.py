"""Another database is its tables and an entry of JOURNALS: all that takes a journal's name follows."""

import pytest

from keebai_async.errors import InvalidInput
from keebai_async.journal.open import JOURNALS, JournalKind, journal_path, open_journal, shown_journal
from tests.cli.shell import Shell
from tests.journal.json_tables import JsonJournal, JsonServer

URL = "json://user:hidden-word@db.example/campaigns?sslkey=hidden-word"
KINDS = r"use memory:, sqlite:PATH, postgresql://HOST/DATABASE, json://HOST/NAME or a path"
SHOWN = "json://…@db.example/campaigns?…"


@pytest.fixture(autouse=True)
def third_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the entry in `open.py` would say."""
    server = JsonServer()
    entry = JournalKind("json://HOST/NAME", lambda name, lease: JsonJournal(server))
    monkeypatch.setitem(JOURNALS, "json", entry)


def test_it_is_opened_and_shown_by_its_name() -> None:
    assert isinstance(open_journal(URL), JsonJournal)
    assert journal_path(URL) is None
    assert shown_journal(URL) == SHOWN


@pytest.mark.parametrize("name", ["/data/k.db", "sqlite:/data/k.db", "memory:", "C:\\k.db"])
def test_a_name_without_a_secret_is_shown_as_it_is(name: str) -> None:
    assert shown_journal(name) == name


@pytest.mark.parametrize("name", ["mysql://me:hidden-word@db/x", "postgres+async://hidden-word@db", ""])
def test_a_name_that_leads_nowhere_says_every_kind_there_is_and_no_secret(name: str) -> None:
    with pytest.raises(InvalidInput, match=KINDS) as raised:
        open_journal(name)
    assert "hidden-word" not in str(raised.value)


async def test_the_command_works_with_it_and_prints_no_password(shell: Shell, clients: str) -> None:
    shell.environment |= {"KEEBAI_JOURNAL": URL, "XDG_DATA_HOME": str(shell.folder / "own")}

    launched = await shell.call("launch", clients, "--template", "promo", "--language", "es", "--yes")
    status = await shell.call("status")
    doctor = await shell.call("doctor")

    assert (launched.code, status.code, doctor.code) == (0, 0, 0), launched.err + status.err + doctor.out
    assert f"journal: {SHOWN}, campaigns in it: 1" in doctor.out
    assert not any("hidden-word" in each.out + each.err for each in (launched, status, doctor))


async def test_its_spending_is_shared_by_the_commands_of_this_machine(shell: Shell) -> None:
    """A journal in no file has no folder for the spending: it must not be forgotten for that."""
    shell.environment |= {"KEEBAI_JOURNAL": URL, "XDG_DATA_HOME": str(shell.folder / "own")}

    await shell.call("templates")
    status = await shell.call("status")
    doctor = await shell.call("doctor")

    assert "quota: 1 of 60 a minute" in status.err
    assert f"kept in sqlite:{shell.folder}/state/keebai-async/quota.db" in doctor.out
    assert (shell.folder / "state" / "keebai-async" / "quota.db").exists()
