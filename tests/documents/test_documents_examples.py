"""Examples run: programs against a sandbox, tests under pytest, excerpts beside the code they come from."""

import os
import re
import sys
from operator import attrgetter
from pathlib import Path
from typing import NamedTuple

import anyio
import pytest

from keebai_async.sandbox import WhautomateSandbox
from keebai_async.sandbox.keebai.server import Sandbox
from tests.documents.papers import PAPERS, README, ROOT, paper

MARKS = ("python", "python reads", "python whautomate", "python pytest", "python fastapi", "python aiohttp")
"""Those of a web app are served in tests/web."""

_EXCERPT = "python excerpt "
_RECIPE = "python recipe"
"""Run where its engine is installed: tests/workers/test_recipes.py."""


class Example(NamedTuple):
    """A block of Python, with its page and line."""

    place: str
    mark: str
    code: str


EXAMPLES = [
    Example(f"{each.name}:{block.line}", block.mark, block.code)
    for each in PAPERS
    for block in each.blocks
    if block.mark.startswith("py")
]


def marked(*marks: str) -> list[Example]:
    return [each for each in EXAMPLES if each.mark in marks]


@pytest.fixture
def folder_of_a_reader(tmp_path: Path) -> Path:
    (tmp_path / "clients.csv").write_text(README.code("csv")[0], encoding="utf-8")
    return tmp_path


def environment(sandbox: Sandbox, folder: Path) -> dict[str, str]:
    return {
        "PATH": "",
        "HOME": str(folder),
        "PYTHONPATH": str(ROOT),
        "PYTHONWARNINGS": "error",
        "KEEBAI_BASE_URL": sandbox.url,
        "KEEBAI_API_TOKEN": sandbox.token,
        "KEEBAI_PHONE_NUMBER_ID": sandbox.phone_number_id,
        "KEEBAI_POLL_FLOOR": "0.1",
    }


@pytest.mark.parametrize("example", marked("python", "python reads"), ids=attrgetter("place"))
async def test_a_program_runs_and_messages_nobody_twice(example: Example, folder_of_a_reader: Path) -> None:
    async with Sandbox(speed=50.0) as sandbox:
        result = await anyio.run_process(
            [sys.executable, "-c", example.code],
            cwd=folder_of_a_reader,
            env=environment(sandbox, folder_of_a_reader),
            check=False,
        )

    assert result.stderr.decode() == ""
    assert result.returncode == 0
    assert (sandbox.ledger.total > 0) is (example.mark == "python")
    assert sandbox.ledger.repeated() == {}


@pytest.mark.parametrize("example", marked("python whautomate"), ids=attrgetter("place"))
async def test_a_program_for_whautomate_creates_one_broadcast(example: Example) -> None:
    async with WhautomateSandbox(speed=100.0) as box:
        result = await anyio.run_process(
            [sys.executable, "-c", example.code],
            env={
                "PYTHONPATH": str(ROOT),
                "PYTHONWARNINGS": "error",
                "WHAUTOMATE_API_KEY": box.key,
                "WHAUTOMATE_API_HOST": box.url,
                "WHAUTOMATE_POLL_FLOOR": "0.1",
                "PATH": os.defpath,
            },
            check=False,
        )

    assert result.stderr.decode() == ""
    assert result.returncode == 0
    assert re.search(rb" [12] sent, ", result.stdout)
    assert len(box.ledger.broadcasts) == 1


@pytest.mark.parametrize("example", marked("python pytest"), ids=attrgetter("place"))
async def test_a_file_of_tests_passes(example: Example, tmp_path: Path) -> None:
    file = tmp_path / "test_a_shop.py"
    file.write_text(example.code, encoding="utf-8")
    plugins = ["-p", "keebai_async.testing", "-p", "anyio.pytest_plugin", "-p", "no:cacheprovider"]
    result = await anyio.run_process(
        [
            sys.executable,
            "-W",
            "error",
            "-m",
            "pytest",
            "-q",
            *plugins,
            "--rootdir",
            str(tmp_path),
            str(file),
        ],
        env={**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTHONPATH": str(ROOT)},
        check=False,
    )

    assert result.returncode == 0, result.stdout.decode()
    assert b" passed" in result.stdout


EXCERPTS = [each for each in EXAMPLES if each.mark.startswith(_EXCERPT)]


@pytest.mark.parametrize("example", EXCERPTS, ids=attrgetter("place"))
def test_an_excerpt_stands_in_the_file_it_names(example: Example) -> None:
    """Indentation aside: an excerpt begins at the margin."""
    path = ROOT / example.mark.removeprefix(_EXCERPT)
    file = [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    lines = [line.strip() for line in example.code.splitlines()]

    assert any(file[start : start + len(lines)] == lines for start in range(len(file)))


def test_every_block_of_python_has_a_mark_that_is_looked_at() -> None:
    looked_at = marked(*MARKS, _RECIPE) + EXCERPTS
    named = [mark.strip("`") for mark, _ in paper("CONTRIBUTING.md").rows("Papers")]

    assert [each for each in EXAMPLES if each not in looked_at] == []
    assert named == [*MARKS, _RECIPE, f"{_EXCERPT}PATH"]


async def test_the_readers_first_campaign_reaches_everyone_in_the_csv(folder_of_a_reader: Path) -> None:
    launch = next(line for line in "\n".join(README.code("sh")).splitlines() if " launch clients.csv" in line)
    arguments = re.findall(r'"[^"]*"|\S+', launch)[1:]
    async with Sandbox(speed=50.0) as sandbox:
        result = await anyio.run_process(
            [sys.executable, "-m", "keebai_async", *(word.strip('"') for word in arguments), "--yes"],
            cwd=folder_of_a_reader,
            env=environment(sandbox, folder_of_a_reader),
            check=False,
        )

    assert result.returncode == 0, result.stderr.decode()
    assert sandbox.ledger.total == len(README.code("csv")[0].strip().splitlines()) - 1
    assert [submission.campaign_name for submission in sandbox.ledger.submissions] == ["Promo marzo [01/01]"]
