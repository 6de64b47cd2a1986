"""A list gives the same plan in every version.

The fingerprint is what keeps a list from being launched twice, so it must not change with ours. What is
expected was written by version 0.1 and is never written again: where a new version differs, it is wrong.
"""

import hashlib
from pathlib import Path

import msgspec
import pytest

from keebai_async.journal.memory_tables import MemoryJournal
from keebai_async.keebai.campaign_service import body_of
from keebai_async.model.plan import Plan
from keebai_async.model.recipient import Rejection
from keebai_async.model.template import Template
from tests.planning.lists import Case, cases
from tests.planning.made import PROMO, planned

EXPECTED: dict[str, object] = msgspec.json.decode(Path(__file__).with_name("plans_of_0_1.json").read_bytes())


def facts(plan: Plan, bodies: list[bytes], rejections: list[Rejection]) -> dict[str, object]:
    """What may not change: all but the words for people, and where the files of this run are."""
    out = [[one.row, one.reason, one.field, one.to, one.repeats_row, one.columns] for one in rejections]
    return {
        "fingerprint": plan.fingerprint,
        "counts": [plan.read, plan.ready, plan.duplicates, plan.rejected, plan.suppressed],
        "chunks": list(plan.chunks),
        "bodies": [hashlib.sha256(body).hexdigest()[:16] for body in bodies],
        "reasons": {count.reason.value: count.count for count in plan.reasons},
        "rejections": hashlib.sha256(msgspec.json.encode(out)).hexdigest()[:16],
        "ignored columns": sorted(plan.ignored_columns),
        "preview": plan.preview,
    }


@pytest.fixture(scope="module")
def lists(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Case]:
    return cases(tmp_path_factory.mktemp("lists"))


@pytest.mark.parametrize("name", EXPECTED)
async def test_a_list_gives_the_plan_that_version_0_1_made_of_it(name: str, lists: dict[str, Case]) -> None:
    case = lists[name]
    components = () if case.body is None else (msgspec.Raw(case.body.encode()),)
    template: Template = msgspec.structs.replace(PROMO, components=components)
    journal = MemoryJournal()

    made = await planned(
        case.people,  # type: ignore[arg-type]  # some of them are no people, which is the point
        template,
        columns=case.columns,
        options=case.options,
        journal=journal,
    )

    items = [await journal.items("promo-1", number) for number, _ in enumerate(made.plan.chunks, start=1)]
    bodies = [body_of(made.plan, number, each) for number, each in enumerate(items, start=1)]
    assert facts(made.plan, bodies, made.rejections) == EXPECTED[name]


def test_all_lists_have_a_plan_of_0_1(lists: dict[str, Case]) -> None:
    assert set(EXPECTED) == set(lists)
