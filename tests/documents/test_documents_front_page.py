"""The front page and the project's own description agree."""

import re
import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from tests.documents.papers import README, ROOT, paper


@pytest.fixture(scope="module")
def pyproject() -> Mapping[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))


def test_the_set_up_commands_name_extras_that_exist(pyproject: Mapping[str, Any]) -> None:
    named = set(re.findall(r"'\.\[(\w+)\]'", "\n".join(README.code("sh"))))

    assert named == {"cli", "test"}
    assert named <= set(pyproject["project"]["optional-dependencies"])


def test_the_front_page_has_exactly_the_two_commands_that_the_gate_runs() -> None:
    commands = [
        line for line in "\n".join(README.code("sh")).splitlines() if line.startswith("python3.11 -m venv")
    ]

    assert len(commands) == 2
    assert commands[0].endswith("/keebai-async demo")
    assert "-m pytest -q" in commands[1]


def test_the_front_page_shows_python_in_three_examples() -> None:
    assert len(README.code("python")) == 3


def test_every_extra_that_a_page_names_exists(pyproject: Mapping[str, Any]) -> None:
    extras = pyproject["project"]["optional-dependencies"]
    named = {
        name
        for page in ("docs/lists.md", "docs/quota.md", "docs/architecture.md", "docs/costs.md")
        for name in re.findall(r"extra `(\w+)`", paper(page).text)
    }

    assert named
    assert named <= set(extras)


def test_the_core_depends_on_three_packages_and_nothing_else(pyproject: Mapping[str, Any]) -> None:
    assert sorted(re.split(r"[<>=]", need)[0] for need in pyproject["project"]["dependencies"]) == [
        "aiohttp",
        "anyio",
        "msgspec",
    ]


def test_the_changelog_tells_of_the_version_that_is_built(pyproject: Mapping[str, Any]) -> None:
    assert f"## [{pyproject['project']['version']}]" in paper("CHANGELOG.md").text


def test_what_is_built_from_source_holds_the_manual(pyproject: Mapping[str, Any]) -> None:
    included = pyproject["tool"]["hatch"]["build"]["targets"]["sdist"]["include"]

    assert {"docs", "CONTRIBUTING.md", "README.md"} <= set(included)
