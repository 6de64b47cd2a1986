"""The README keeps its word: its examples run, its links lead somewhere, its commands exist."""

import re
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import anyio
import pytest

from keebai_async.sandbox.keebai.server import Sandbox

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)


@pytest.fixture
def folder_of_a_reader(tmp_path: Path) -> Path:
    (tmp_path / "clients.csv").write_text(blocks("csv")[0], encoding="utf-8")
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


@pytest.mark.parametrize("number", range(len(blocks("python"))))
async def test_a_python_example_of_the_readme_runs_and_messages_somebody_once(
    number: int, folder_of_a_reader: Path
) -> None:
    async with Sandbox(speed=50.0) as sandbox:
        result = await anyio.run_process(
            [sys.executable, "-c", blocks("python")[number]],
            cwd=folder_of_a_reader,
            env=environment(sandbox, folder_of_a_reader),
            check=False,
        )

    assert result.stderr.decode() == ""
    assert result.returncode == 0
    assert sandbox.ledger.total > 0
    assert sandbox.ledger.repeated() == {}


async def test_the_readers_first_campaign_reaches_everyone_in_the_csv(folder_of_a_reader: Path) -> None:
    launch = next(line for line in "\n".join(blocks("sh")).splitlines() if " launch clients.csv" in line)
    arguments = re.findall(r'"[^"]*"|\S+', launch)[1:]
    async with Sandbox(speed=50.0) as sandbox:
        result = await anyio.run_process(
            [sys.executable, "-m", "keebai_async", *(word.strip('"') for word in arguments), "--yes"],
            cwd=folder_of_a_reader,
            env=environment(sandbox, folder_of_a_reader),
            check=False,
        )

    assert result.returncode == 0, result.stderr.decode()
    assert sandbox.ledger.total == len(blocks("csv")[0].strip().splitlines()) - 1
    assert [submission.campaign_name for submission in sandbox.ledger.submissions] == ["Promo marzo [01/01]"]


def links() -> Iterator[str]:
    for target in re.findall(r"\]\(([^)]+)\)", README):
        if not target.startswith("https://"):
            yield target


@pytest.mark.parametrize("target", sorted(set(links())))
def test_a_link_of_the_readme_leads_somewhere(target: str) -> None:
    assert (ROOT / target).exists()


def test_the_set_up_commands_name_extras_that_exist() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = set(re.findall(r"'\.\[(\w+)\]'", "\n".join(blocks("sh"))))

    assert named == {"cli", "dev"}
    assert named <= set(project["optional-dependencies"])


def test_the_core_depends_on_three_packages_and_nothing_else() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]

    assert sorted(re.split(r"[<>=]", need)[0] for need in project["dependencies"]) == [
        "aiohttp",
        "anyio",
        "msgspec",
    ]


def test_the_changelog_tells_of_the_version_that_is_built() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]

    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
