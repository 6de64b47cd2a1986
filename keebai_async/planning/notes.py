"""What a person should know of a plan before saying yes, a sentence each."""

from collections.abc import Iterator

from keebai_async.planning.check_row import Corrections
from keebai_async.planning.dedupe import Deduper

MANY = 2_000_000
"""People from which on it is worth saying what a set of them takes."""


def notes(corrections: Corrections, people: Deduper) -> Iterator[str]:
    """The sentences that apply."""
    if corrections.parsed:
        yield f"{corrections.parsed:,} numbers in local spellings were read and are sent in E.164"
    if corrections.landlines:
        yield f"{corrections.landlines:,} of them are fixed lines, which rarely have WhatsApp"
    if corrections.whitespace:
        yield f"{corrections.whitespace:,} values had line breaks, tabs or runs of spaces flattened"
    if len(people) > MANY and not people.compact:
        yield (
            f"deduplicating {len(people):,} people took about {len(people) * 73 // 1_000_000:,} MB;"
            f" keebai-async[large] does it in {len(people) * 16 // 1_000_000:,} MB"
        )
