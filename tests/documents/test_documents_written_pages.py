"""Pages that a script writes are current, and what can be imported is on one of them."""

import importlib
import re
import subprocess
import sys
from collections import Counter

import pytest

from tests.documents.papers import DOCS, ROOT
from tests.front.surface import everything_exported


@pytest.mark.parametrize("script", ["write_commands.py", "write_api.py"])
def test_the_pages_are_current(script: str) -> None:
    said = subprocess.run(
        [sys.executable, str(DOCS / script), "--check"], capture_output=True, text=True, check=False, cwd=ROOT
    )

    assert (said.stdout, said.stderr, said.returncode) == ("", "", 0), f"run: python docs/{script}"


def shown() -> list[object]:
    """What the pages of what can be imported show."""
    names = [
        name
        for page in sorted((DOCS / "api").glob("*.rst"))
        for name in re.findall(r"^\.\. auto\w+:: (\S+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    return [
        getattr(importlib.import_module(module), name)
        for module, _, name in (n.rpartition(".") for n in names)
    ]


def test_everything_public_is_shown_once() -> None:
    times = Counter(id(thing) for thing in shown())
    public = {id(thing): name for name, thing in everything_exported() if hasattr(thing, "__module__")}

    assert {name for place, name in public.items() if times[place] != 1} == set()
