"""Long lines fit the terminal, and end at words."""

import os
import pty
from functools import partial

import anyio
import anyio.to_thread
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.cli.fitting import fitted
from tests.cli.shell import Shell, read_all

WORDS = st.text(alphabet="abcñ().,…+0123456789", min_size=1, max_size=30)
LINES = st.builds(
    lambda indent, words: " " * indent + " ".join(words), st.integers(0, 8), st.lists(WORDS, max_size=30)
)


@given(lines=st.lists(LINES, max_size=6), width=st.integers(40, 200))
def test_every_word_stays_in_its_order_and_no_line_is_too_long(lines: list[str], width: int) -> None:
    text = "\n".join(lines)

    shown = fitted(text, width)

    assert shown.split() == text.split()
    assert all(len(line) <= width for line in shown.split("\n"))


@given(lines=st.lists(LINES, max_size=6))
def test_what_fits_stays_as_it_is(lines: list[str]) -> None:
    text = "\n".join(lines)

    assert fitted(text, 10_000) == text


def test_what_goes_on_stands_to_the_right_of_its_beginning() -> None:
    line = "      row 4336 (+573…2893): the row is too short: it has 2 cells, the header has 5"

    assert fitted(line, 60).split("\n") == [
        "      row 4336 (+573…2893): the row is too short: it has 2",
        "        cells, the header has 5",
    ]


def test_a_command_stays_in_one_line_to_be_copied() -> None:
    line = f"to go on: keebai-async resume {'x' * 40} --journal /srv/campaigns.db"

    assert fitted(line, 60) == line


def test_a_line_of_json_stays_whole() -> None:
    line = '{"is": {"name": "Staged"}, "changes": {"name": "Autumn recall", "type": "contact"}}'

    assert fitted(line, 60) == line


@pytest.mark.skipif(not hasattr(pty, "openpty"), reason="there are no such terminals here")
@pytest.mark.parametrize("columns", [60, 100])
async def test_a_plan_on_a_terminal_is_as_wide_as_it(shell: Shell, columns: int) -> None:
    rows = "".join(f"+54911555501{n:02},Ana,A1\n" for n in range(9))
    shell.write("list.csv", f"to,nombre,codigo\n{rows}+5491155550101,Ana,A1\n12,Ana,A1\n")
    ours, theirs = pty.openpty()
    told: list[bytes] = []
    async with anyio.create_task_group() as reading:
        reading.start_soon(partial(anyio.to_thread.run_sync, partial(read_all, ours, told, "")))
        await anyio.run_process(
            shell.command("plan", "list.csv", "--variables", "nombre,codigo"),
            stdout=theirs,
            stderr=theirs,
            cwd=shell.folder,
            env=shell.environment | {"COLUMNS": str(columns), "TERM": "dumb"},
        )
        os.close(theirs)
    os.close(ours)

    lines = b"".join(told).decode().replace("\r\n", "\n").split("\n")
    assert any("the same person as in row" in line for line in lines)
    assert any("nothing is kept" in line for line in lines)
    assert max(len(line) for line in lines if "keebai-async " not in line) <= columns
