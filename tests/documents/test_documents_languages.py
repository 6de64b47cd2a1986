"""The first day in Spanish and Portuguese: its commands run as they stand there, and print what it shows."""

import re
import shlex
from collections.abc import AsyncIterator, Iterator
from operator import attrgetter
from pathlib import Path

import pytest

from keebai_async.cli.language import catalogue
from keebai_async.sandbox.keebai.server import Sandbox
from tests.cli.shell import Ended, Shell
from tests.documents.commands import invocations
from tests.documents.papers import PAPERS, Paper

FIRST_DAYS = [each for each in PAPERS if re.match(r"docs/(es|pt)/", each.name)]
_FILE = re.compile(r"`([\w-]+\.csv)`:$", re.MULTILINE)


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with Sandbox(speed=100.0) as sandbox:
        yield sandbox


@pytest.fixture
def shell(tmp_path: Path, sandbox: Sandbox) -> Shell:
    return Shell(tmp_path, sandbox)


@pytest.mark.parametrize("page", FIRST_DAYS, ids=attrgetter("name"))
async def test_a_first_day_runs_as_it_is_printed(page: Paper, shell: Shell, sandbox: Sandbox) -> None:
    language = page.name.split("/")[1]
    assert f"export KEEBAI_LANG={language}" in page.text
    shell.environment["KEEBAI_LANG"] = language
    names = _FILE.findall(page.prose)
    for name, rows in zip(names, page.code("csv"), strict=True):
        shell.write(name, rows)

    ended = [await run(words, shell) for words in commands(page)]

    assert [each.err for each in ended if each.code] == []
    said = "\n".join(each.out for each in ended).splitlines()
    for block in page.code("text"):
        assert [line for line in block.splitlines() if line not in said] == []
    assert sandbox.ledger.repeated() == {}
    assert sandbox.ledger.total == 4  # the three who are ready, and the one of the test
    assert all((shell.folder / name).exists() for name in pages_written(page))


@pytest.mark.parametrize("page", FIRST_DAYS, ids=attrgetter("name"))
def test_the_words_that_a_page_explains_are_those_of_the_command(page: Paper) -> None:
    forms = catalogue(page.name.split("/")[1]).values()
    said = {each.partition(":")[0] for texts in forms for each in texts}
    explained = [span for line in page.prose.splitlines() for span in first_cell(line)]

    assert len(explained) > 15
    assert [span for span in explained if span not in said] == []


async def run(words: list[str], shell: Shell) -> Ended:
    """A command; one that asks is told yes, and the quickest sandbox is taken."""
    more = ["--speed", "1000"] if words[0] == "demo" else ["--yes"] if words[0] == "launch" else []
    return await shell.call(*words, *more)


def commands(page: Paper) -> Iterator[list[str]]:
    for block in page.code("sh"):
        yield from invocations(block)


def pages_written(page: Paper) -> list[str]:
    words = [word for block in page.code("sh") for word in shlex.split(block, comments=True)]
    return [word for word in words if word.endswith(".html")]


def first_cell(line: str) -> list[str]:
    """The words in code in the first cell of a row."""
    cell = line.split("|")[1] if line.startswith("| `") else ""
    return re.findall(r"`([^`]+)`", cell)
