"""What webhooks told of the people of a campaign, in words. Pure."""

from collections.abc import Iterator
from typing import Final

from keebai_async.cli.figures import figure
from keebai_async.model.fates import FateCounts
from keebai_async.model.meta_codes import Again, MetaCode
from keebai_async.model.report import Report

BESIDE: Final = "webhooks told of these, beside the counters above: never add the two"
NOT_READ: Final = "and not read, as far as was told"
REPLIED_MEANS: Final = "wrote back in the 30 days after it left, as far as their number tells"

AGAIN_WORDS: Final = {
    Again.LATER: "later: retry sends again",
    Again.FIXED: "not before that is fixed",
    Again.NEVER: "never again",
}
"""Whether the same may be sent to the same person again."""


def fate_rows(counts: FateCounts) -> Iterator[tuple[str, int, str]]:
    """What came how far: a label, people, and a note."""
    yield "read", counts.read, ""
    yield "delivered", counts.delivered, NOT_READ
    yield "sent", counts.sent, "and no more was told"
    yield "failed", counts.failed, ""
    yield "replied", counts.replied, REPLIED_MEANS if counts.replied else ""


def difference_words(report: Report, counts: FateCounts) -> str:
    """How far webhooks and the service's own counters are apart."""
    sent = counts.sent + counts.delivered + counts.read
    return (
        f"the service counts {figure(report.sent)} sent and {figure(report.failed)} failed,"
        f" webhooks {figure(sent)} ({_apart(sent - report.sent)})"
        f" and {figure(counts.failed)} ({_apart(counts.failed - report.failed)})"
    )


def _apart(difference: int) -> str:
    if not difference:
        return "the same"
    return f"{figure(abs(difference))} {'more' if difference > 0 else 'fewer'}"


def code_rows(counts: FateCounts) -> Iterator[tuple[str, str, str, str]]:
    """Those who failed, by code: the code, people, what it means, and what to do."""
    for failed in counts.by_code:
        one = failed.about
        yield str(one.code or "none"), figure(failed.people), one.meaning, what_to_do(one)


def what_to_do(code: MetaCode) -> str:
    """`wait at least 24 hours ... (later: retry sends again)`."""
    return f"{code.advice} ({AGAIN_WORDS[code.again]})"
