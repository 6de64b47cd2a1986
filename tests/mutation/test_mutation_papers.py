"""The breaks and the known survivors still speak of the code as it is."""

from pathlib import Path

import pytest

from tests.mutation.breaks import BREAKS, Break
from tests.mutation.known import known_survivors
from tests.mutation.table import MODULES

ROOT = Path(__file__).parents[2]


def source_of(module: str) -> str:
    return (ROOT / "keebai_async" / f"{module}.py").read_text(encoding="utf-8")


@pytest.mark.parametrize("broken", BREAKS, ids=lambda each: each.what)
def test_a_break_fits_its_module_and_names_tests_that_are_there(broken: Break) -> None:
    assert source_of(broken.module).count(broken.before) == 1
    assert all((ROOT / "tests" / test).exists() for test in broken.tests)
    compile(source_of(broken.module).replace(broken.before, broken.after), broken.module, "exec")


@pytest.mark.parametrize("module", MODULES)
def test_a_known_survivor_stands_in_its_module(module: str) -> None:
    lines = [line.strip() for line in source_of(module).splitlines()]
    for before, _ in known_survivors(module):
        assert before in " / ".join(lines)


@pytest.mark.parametrize("module", MODULES)
def test_the_tests_of_a_module_are_there(module: str) -> None:
    assert all((ROOT / "tests" / test.partition("::")[0]).exists() for test in MODULES[module])
