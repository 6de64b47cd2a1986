"""Meta's codes inside the texts of a log, and a summary of failures that stays small."""

from collections.abc import AsyncIterator

import pytest

from keebai_async import Remedy
from keebai_async.model.meta_codes import CODES, Again, about, code_in
from keebai_async.whautomate import LogRow
from keebai_async.whautomate.log_summary import MOST_KINDS, OTHER, summarize


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("(#131026) Message undeliverable", 131026),
        ("Message undeliverable [131026]", 131026),
        ("error 131049: healthy ecosystem", 131049),
        ("131050", 131050),
        ('{"code":132000,"title":"..."}', 132000),
        ("(#100) Invalid parameter", 100),
        ("code: 368", 368),
        ("code=131099, new", 131099),
        ("failed 131099, then (#131026)", 131026),
        ("Something went wrong", None),
        ("", None),
        ("100 percent sure", None),
        ("call +5491310261234", None),
        ("order 5131026", None),
        ("1310260", None),
        ("131.026", None),
        ("$131026.50", None),
        ("error 404", None),
        ("(#4) Application request limit reached", 4),
        ("(#80007) Rate limit issues", 80007),
        ("error 2494100: in maintenance", 2494100),
        ("(#299) no permission", 299),
        ("error 200", None),
        ("code 4", None),
        ("(#404) not found", None),
    ],
)
def test_a_code_is_found_where_there_is_one_and_nowhere_else(text: str, code: int | None) -> None:
    assert code_in(text) == code


def test_every_code_of_the_contract_says_what_it_means_and_what_to_do() -> None:
    later = "2 4 80007 130429 131000 131016 131049 131056 131057 133004 2494100"
    fixed = (
        "0 3 10 33 100 190 200 368 131005 131008 131009 131021 131031 131037 131042 131044 131045 131047"
        " 131048 131051 131052 131053 131063 131064 132000 132001 132005 132007 132008 132012 132015 132016"
        " 132018 132068 132069 133010 135000"
    )
    never = "130403 130472 130497 131026 131030 131050 131062 137000"
    for again, codes in ((Again.LATER, later), (Again.FIXED, fixed), (Again.NEVER, never)):
        assert sorted(code for code, one in CODES.items() if one.again is again) == sorted(
            map(int, codes.split())
        )
    assert all(one.meaning and one.advice and one.remedy is not Remedy.UNKNOWN for one in CODES.values())
    assert {code for code, one in CODES.items() if one.wait} == set(map(int, later.split()))
    assert CODES[131049].wait == 86_400
    assert about(131050).remedy is Remedy.DROP
    assert (about(139999).remedy, about(139999).again) == (Remedy.UNKNOWN, Again.FIXED)
    assert about(None).remedy is Remedy.UNKNOWN


def test_all_codes_from_200_to_299_are_about_permissions() -> None:
    assert {about(code).meaning for code in range(200, 300)} == {CODES[200].meaning}
    assert [about(code).code for code in (200, 299)] == [200, 299]
    assert about(300).remedy is Remedy.UNKNOWN


async def rows(count: int) -> AsyncIterator[LogRow]:
    for number in range(count):
        yield LogRow(
            phone=f"5491155{number:06}", status=f"odd {number}", error=f"(#13{number % 10_000:04}) x"
        )
        yield LogRow(status="failed", error=f"gate {number} was closed to +54911555{number:05}")
        yield LogRow(status="Failed", error="(#131026) undeliverable")
        yield LogRow(status="read")


async def test_a_summary_counts_by_status_and_reason_and_stays_small() -> None:
    summary = await summarize(rows(5_000))

    assert summary.rows == 20_000
    assert sum(summary.by_status.values()) == 20_000
    assert sum(failure.count for failure in summary.failures) == summary.failed == 10_000
    assert (summary.by_status["failed"], summary.by_status["read"]) == (10_000, 5_000)
    assert len(summary.by_status) <= MOST_KINDS + 1
    assert len(summary.failures) <= MOST_KINDS + 2
    assert OTHER in summary.by_status
    assert next(one for one in summary.failures if one.code == 131026).count == 5_000


async def test_failures_for_one_reason_count_together_although_they_name_people() -> None:
    async def two() -> AsyncIterator[LogRow]:
        yield LogRow(status="failed", error="no such number 5491155550101")
        yield LogRow(status="failed", error="no such number +54 9 11 5555-0102")

    summary = await summarize(two())
    assert [one.count for one in summary.failures] == [2]
    assert summary.failures[0].example == "no such number …"
