"""The row of each person, worked out from what is out: as the list had it, or not at all."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from keebai_async.model.plan import Plan
from keebai_async.model.row_numbers import RowNumbers
from keebai_async.planning.plan import MOST_GAPS
from tests.journal.journal_kit import plan_of
from tests.planning.made import planned

READY, OUT, NONE = "ready", "out", "none"


def plan_with(kinds: list[str], first: int, chunk: int) -> tuple[Plan, list[int], list[int]]:
    """A plan of a list whose rows are of these kinds, the rows that are out, and those of its people."""
    rows = {
        kind: [first + at for at, each in enumerate(kinds) if each == kind] for kind in (READY, OUT, NONE)
    }
    ready = len(rows[READY])
    chunks = (*([chunk] * (ready // chunk)), *([ready % chunk] if ready % chunk else []))
    read = sorted(rows[READY] + rows[OUT])
    plan = replace(
        plan_of(chunks=chunks),
        first_row=read[0],
        last_row=read[-1],
        gaps=tuple((row, 1) for row in rows[NONE] if read[0] < row < read[-1]),
    )
    return plan, rows[OUT], rows[READY]


@given(
    kinds=st.lists(st.sampled_from([READY, READY, OUT, NONE]), min_size=1, max_size=40).filter(
        lambda kinds: READY in kinds
    ),
    first=st.integers(1, 5),
    chunk=st.integers(1, 7),
    order=st.randoms(use_true_random=False),
)
def test_everybody_s_row_is_that_of_the_list(
    kinds: list[str], first: int, chunk: int, order: random.Random
) -> None:
    plan, out, ready = plan_with(kinds, first, chunk)
    order.shuffle(out)

    rows = RowNumbers(plan, out)

    found = [rows.row(number, place) for number, size in enumerate(plan.chunks, 1) for place in range(size)]
    assert found == ready
    assert rows.row(len(plan.chunks), plan.chunks[-1]) is None
    assert rows.row(len(plan.chunks) + 1, 0) is rows.row(0, 0) is rows.row(1, -1) is None


@pytest.mark.parametrize(
    "otherwise",
    [
        lambda plan: replace(plan, gaps=()),
        lambda plan: replace(plan, test=True),
        lambda plan: replace(plan, first_row=0, last_row=0),  # as plans of 0.1 are
    ],
)
def test_where_it_is_not_certain_no_row_is_told(otherwise: Callable[[Plan], Plan]) -> None:
    plan, out, _ = plan_with([READY, NONE, OUT, READY], 2, 5)

    assert RowNumbers(plan, out).row(1, 0) == 2
    assert RowNumbers(otherwise(plan), out).row(1, 0) is None


@pytest.mark.parametrize(("blanks", "known"), [(MOST_GAPS, True), (MOST_GAPS + 1, False)])
async def test_a_plan_remembers_where_its_list_had_no_rows(blanks: int, known: bool, tmp_path: Path) -> None:
    lines = ["to,nombre,saldo"]
    for number in range(blanks + 1):
        lines += [f"+549115{number:07},Ana,{number}", ""]
    path = tmp_path / "people.csv"
    path.write_text("\n".join(lines[:-1]) + "\n")

    plan = (await planned(path)).plan

    rows = RowNumbers(plan, ())
    assert len(plan.gaps) == (blanks if known else 0)
    assert rows.row(1, blanks) == (2 * blanks + 2 if known else None)
