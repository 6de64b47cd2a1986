"""A file with people in it is its owner's alone, whole or absent, and runs nothing in a spreadsheet."""

import csv
import os
import stat
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from keebai_async.cli.csv_files import inert, private_csv
from keebai_async.cli.options import pairs
from keebai_async.cli.people_files import check_people_file, check_rejects_file, write_people, write_rejects
from keebai_async.errors import InvalidInput, JournalUnusable
from keebai_async.model.chunk import Chunk, ChunkState
from keebai_async.model.recipient import Reason, Rejection


async def rejections() -> AsyncIterator[Rejection]:
    yield Rejection(row=2, reason=Reason.BAD_NUMBER, detail="is no number", columns={"to": "=HYPERLINK(1)"})
    yield Rejection(
        row=5,
        reason=Reason.DUPLICATE,
        detail="repeats row 3",
        to="+5491155550101",
        repeats_row=3,
        columns={"to": "+5491155550101", "nombre": "@Ana\nMaría"},
    )


async def test_every_rejected_row_is_written_with_its_reason_and_its_own_columns(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"

    assert await write_rejects(path, rejections) == 2

    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["keebai_row"] for row in rows] == ["2", "5"]
    assert rows[0]["to"] == "'=HYPERLINK(1)"
    assert rows[1]["keebai_repeats_row"] == "3"
    assert rows[1]["nombre"] == "'@Ana\nMaría"


async def test_only_the_owner_can_read_it_even_in_place_of_a_file_that_all_could(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("old")
    path.chmod(0o644)

    await write_rejects(path, rejections)

    assert stat.S_IMODE(path.stat().st_mode) == 0o600


async def test_a_file_that_could_not_be_finished_leaves_the_earlier_one_and_no_rest(tmp_path: Path) -> None:
    path = tmp_path / "rejects.csv"
    path.write_text("old")

    async def broken() -> AsyncIterator[Rejection]:
        yield Rejection(row=2, reason=Reason.BAD_NUMBER, detail="is no number")
        raise JournalUnusable("the disk is gone")

    with pytest.raises(JournalUnusable):
        await write_rejects(path, broken)

    assert path.read_text() == "old"
    assert os.listdir(tmp_path) == ["rejects.csv"]  # noqa: PTH208 - no pathlib in a coroutine


def test_a_place_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="cannot write"), private_csv(tmp_path / "no" / "rejects.csv"):
        pass


def test_what_is_no_file_is_not_replaced_by_one(tmp_path: Path) -> None:
    pipe, folder = tmp_path / "pipe.csv", tmp_path / "folder.csv"
    os.mkfifo(pipe)
    folder.mkdir()

    with pytest.raises(InvalidInput, match=r"it is no file, such as a device or a pipe"), private_csv(pipe):
        pass
    with pytest.raises(InvalidInput, match=r"it is a folder"), private_csv(folder):
        pass

    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["folder.csv", "pipe.csv"]


def test_what_a_link_leads_to_is_looked_at(tmp_path: Path) -> None:
    link = tmp_path / "rejects.csv"
    link.symlink_to(os.devnull)

    with pytest.raises(InvalidInput, match="it is no file"), private_csv(link):
        pass

    assert link.is_symlink()


@pytest.mark.parametrize("cell", ["=1+1", "+54", "-1", "@x", "\tx", "\rx"])
def test_a_cell_that_a_spreadsheet_could_run_is_made_inert(cell: str) -> None:
    assert inert(cell) == f"'{cell}"


async def test_the_people_of_chunks_are_written_with_what_they_would_have_got(tmp_path: Path) -> None:
    async def chunks() -> AsyncIterator[tuple[Chunk, bytes]]:
        chunk = Chunk(number=2, recipients=2, state=ChunkState.UNKNOWN, reason="timed out")
        yield chunk, b'[{"to":"5491155550101","variables":{"nombre":"Ana"}},{"to":"x","meta_data":{"n":1}}]'

    path = tmp_path / "unknown.csv"

    assert await write_people(path, chunks) == 2

    with path.open(encoding="utf-8", newline="") as file:
        assert list(csv.reader(file)) == [
            ["to", "nombre", "meta_n", "keebai_chunk", "keebai_reason", "keebai_detail"],
            ["5491155550101", "Ana", "", "2", "unknown", "timed out"],
            ["x", "", "1", "2", "unknown", "timed out"],
        ]


def test_rejects_never_take_the_place_of_the_list_itself(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_text("to,nombre\n")

    with pytest.raises(InvalidInput, match="is the list itself"):
        check_rejects_file(tmp_path / "list.csv", source=str(tmp_path / ".." / tmp_path.name / "list.csv"))


@pytest.mark.parametrize("name", ["people.xls", "people.pdf", "people.csv.gz"])
def test_a_form_that_is_not_written_is_one_clear_error(name: str) -> None:
    with pytest.raises(InvalidInput, match="ends in one of"):
        check_people_file(Path(name))


def test_name_value_pairs_keep_further_equals_signs_in_the_value() -> None:
    assert pairs(["a=1", "b=x=y", "c="], option="--var") == {"a": "1", "b": "x=y", "c": ""}


@pytest.mark.parametrize("words", [["a"], ["=1"], ["a=1", "a=2"]])
def test_a_pair_that_cannot_be_read_names_its_option(words: list[str]) -> None:
    with pytest.raises(InvalidInput) as caught:
        pairs(words, option="--var")

    assert caught.value.field == "--var"
