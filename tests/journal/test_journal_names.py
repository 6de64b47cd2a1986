"""One journal has one name, for its owner's eyes, whatever links lead to it."""

# ruff: noqa: ASYNC240 - these tests look at files, and nothing else runs in their loop

import os
import stat
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from keebai_async.errors import JournalUnusable
from keebai_async.journal.open import journal_path
from keebai_async.journal.sqlite_tables import SqliteJournal
from keebai_async.model.lifecycle import Submit
from keebai_async.storage import sqlite_file
from tests.journal.journal_kit import keep, plan_of

PROJECT = Path(__file__).parents[2]
SUBMIT = Submit(number=1, step=1, at=1.0)


def modes(path: Path) -> dict[str, int]:
    files = path.parent.glob(path.name + "*")
    return {file.name.removeprefix(path.name): stat.S_IMODE(file.stat().st_mode) for file in files}


async def made(path: Path) -> None:
    journal = SqliteJournal(path)
    await keep(journal, plan_of())
    await journal.aclose()


# Who may read it


@pytest.mark.parametrize("mode", [0o644, 0o660, 0o606, 0o666])
async def test_an_old_journal_that_others_could_read_is_closed_to_them(path: Path, mode: int) -> None:
    await made(path)
    path.chmod(mode)

    journal = SqliteJournal(path)
    await journal.record("promo", SUBMIT)

    assert modes(path) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    await journal.aclose()


async def test_so_are_the_files_beside_it_that_a_killed_process_left(path: Path) -> None:
    killed = SqliteJournal(path)
    await keep(killed, plan_of())
    for file in path.parent.glob(path.name + "*"):
        file.chmod(0o644)

    journal = SqliteJournal(path)
    await journal.record("promo", SUBMIT)

    assert modes(path) == {"": 0o600, "-wal": 0o600, "-shm": 0o600}
    await journal.aclose()
    await killed.aclose()


STRANGER = """
import os, sys, anyio
from keebai_async.errors import JournalUnusable
from keebai_async.journal.sqlite_tables import SqliteJournal
async def main():
    await SqliteJournal(sys.argv[2]).campaigns()  # all is imported while this process may read it
    os.setuid(65534)
    try:
        await SqliteJournal(sys.argv[1]).campaigns()
    except JournalUnusable as error:
        print(error)
anyio.run(main)
"""


@pytest.fixture
def common() -> Iterator[Path]:
    """A folder into which everybody may come, as that of the test is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o777)
        yield Path(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can be somebody else")
async def test_who_may_not_close_it_to_others_is_told(common: Path) -> None:
    path = common / "journal.db"
    await made(path)
    path.chmod(0o666)

    command = [sys.executable, "-c", STRANGER, str(path), str(common / "own.db")]
    done = await anyio.run_process(command, cwd=PROJECT)

    (line,) = done.stdout.decode().splitlines()
    assert line.startswith(f"the journal {path} can be read by others than its owner")
    assert "chmod 600" in line


# Its name


async def test_a_journal_behind_a_link_is_the_journal(tmp_path: Path, path: Path) -> None:
    """It was once called damaged: the log beside the file was looked for beside the link."""
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "journal.db"
    link.symlink_to(path)
    by_file, by_link = SqliteJournal(path), SqliteJournal(link)

    await keep(by_file, plan_of("one"))
    await keep(by_link, plan_of("two"))

    for journal in (by_file, by_link):
        assert {each.plan.campaign_id for each in await journal.campaigns()} == {"one", "two"}
        await journal.aclose()
    assert list(link.parent.iterdir()) == [link]
    assert modes(path) == {"": 0o600}


async def test_a_link_to_a_journal_that_is_not_there_yet_makes_it_where_it_leads(
    tmp_path: Path, path: Path
) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    before = os.umask(0)
    try:
        await made(link)
    finally:
        os.umask(before)
    assert link.is_symlink()
    assert modes(path) == {"": 0o600}


async def test_a_link_that_leads_elsewhere_meanwhile_is_noticed(tmp_path: Path, path: Path) -> None:
    link = tmp_path / "link.db"
    link.symlink_to(path)
    journal = SqliteJournal(link)
    await keep(journal, plan_of())
    await made(tmp_path / "other.db")

    link.unlink()
    link.symlink_to(tmp_path / "other.db")

    with pytest.raises(JournalUnusable, match="removed or replaced"):
        await journal.record("promo", SUBMIT)
    await journal.aclose()


async def test_a_link_that_leads_in_a_circle_is_no_journal(tmp_path: Path) -> None:
    link = tmp_path / "circle.db"
    link.symlink_to(link)
    journal = SqliteJournal(link)
    with pytest.raises(JournalUnusable, match=str(link)):
        await journal.campaigns()
    await journal.aclose()


def test_the_quota_lies_beside_the_journal_whichever_link_leads_there(tmp_path: Path, path: Path) -> None:
    (tmp_path / "links").mkdir()
    link = tmp_path / "links" / "journal.db"
    link.symlink_to(path)
    assert journal_path(str(link)) == journal_path(f"sqlite:{path}") == path.resolve()
    assert journal_path("memory:") is None


async def test_a_journal_with_two_names_is_refused_under_both(tmp_path: Path, path: Path) -> None:
    """Each name has a log of its own: what one writes the other does not see, and sends it again."""
    await made(path)
    second = tmp_path / "second.db"
    second.hardlink_to(path)

    for name in (path, second):
        journal = SqliteJournal(name)
        with pytest.raises(JournalUnusable, match="second name") as told:
            await journal.campaigns()
        assert str(name) in str(told.value)
        assert "\n" not in str(told.value)
        await journal.aclose()

    second.unlink()
    journal = SqliteJournal(path)
    assert [each.plan.campaign_id for each in await journal.campaigns()] == ["promo"]
    await journal.aclose()


async def test_a_journal_that_is_mounted_without_its_folder_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its log would stay in the container, or be another one than that of who uses it outside."""
    path = tmp_path / "the journal.db"
    await made(path)
    mounts = tmp_path / "mountinfo"
    mounts.write_text(
        f"36 25 8:1 / {tmp_path} rw - ext4 /dev/sda1 rw\n"
        f"37 36 8:1 /j.db {str(path).replace(' ', chr(92) + '040')} rw - ext4 /dev/sda1 rw\n"
    )
    monkeypatch.setattr(sqlite_file, "_MOUNTS", mounts)

    journal = SqliteJournal(path)
    with pytest.raises(JournalUnusable, match=r"is mounted by itself, .*: mount its folder"):
        await journal.campaigns()
    await made(tmp_path / "another.db")
    await journal.aclose()
