"""What a person should know of a plan before saying yes, a sentence each."""

from collections.abc import Iterator

from keebai_async.planning.check_row import Mended
from keebai_async.planning.dedupe import Seen

MANY = 2_000_000
"""People from which on it is worth saying what a set of them takes."""


def notes(mended: Mended, seen: Seen) -> Iterator[str]:
    """The sentences that apply."""
    if mended.parsed:
        yield f"{mended.parsed:,} numbers in local spellings were read and are sent in E.164"
    if mended.fixed_lines:
        yield f"{mended.fixed_lines:,} of them are fixed lines, which seldom have WhatsApp"
    if mended.whitespace:
        yield f"{mended.whitespace:,} values had line breaks, tabs or runs of spaces flattened"
    if len(seen) > MANY and not seen.compact:
        yield (
            f"deduplicating {len(seen):,} people took about {len(seen) * 73 // 1_000_000:,} MB;"
            f" keebai-async[large] does it in {len(seen) * 16 // 1_000_000:,} MB"
        )
