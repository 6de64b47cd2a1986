"""What webhooks told of the people of a campaign, in words. Pure."""

from collections.abc import Iterator
from typing import Final

from keebai_async.cli.figures import figure
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import in_language
from keebai_async.model.fates import FateCounts
from keebai_async.model.meta_codes import Again, MetaCode
from keebai_async.model.report import Report

AGAIN_WORDS: Final = {
    Again.LATER: "later: retry sends again",
    Again.FIXED: "not before that is fixed",
    Again.NEVER: "never again",
}
"""Whether the same may be sent to the same person again."""


def not_read() -> str:
    """What is behind the count of those who got it."""
    return phrase("and not read, as far as was told")


def replied_means() -> str:
    """Who counts as one who replied."""
    return phrase("wrote back in the 30 days after it left, as far as their number tells")


def fate_rows(counts: FateCounts) -> Iterator[tuple[str, int, str]]:
    """What came how far: a label, people, and a note."""
    yield phrase("read", about="people"), counts.read, ""
    yield phrase("delivered"), counts.delivered, not_read()
    yield phrase("sent"), counts.sent, phrase("and no more was told")
    yield phrase("failed"), counts.failed, ""
    yield phrase("replied"), counts.replied, replied_means() if counts.replied else ""


def difference_words(report: Report, counts: FateCounts) -> str:
    """How far webhooks and the service's own counters are apart."""
    sent = counts.sent + counts.delivered + counts.read
    return phrase(
        "the service counts {sent} sent and {failed} failed, webhooks {told_sent} ({sent_apart})"
        " and {told_failed} ({failed_apart})",
        sent=figure(report.sent),
        failed=figure(report.failed),
        told_sent=figure(sent),
        sent_apart=_apart(sent - report.sent),
        told_failed=figure(counts.failed),
        failed_apart=_apart(counts.failed - report.failed),
    )


def _apart(difference: int) -> str:
    if not difference:
        return phrase("the same")
    number = figure(abs(difference))
    return (
        phrase("{number} more", number=number) if difference > 0 else phrase("{number} fewer", number=number)
    )


def code_rows(counts: FateCounts) -> Iterator[tuple[str, str, str, str]]:
    """Those who failed, by code: the code, people, what it means, and what to do."""
    for failed in counts.by_code:
        one = failed.about
        code = str(one.code) if one.code else phrase("none", about="code")
        yield code, figure(failed.people), in_language(one.meaning), what_to_do(one)


def what_to_do(code: MetaCode) -> str:
    """`wait at least 24 hours ... (later: retry sends again)`."""
    return f"{in_language(code.advice)} ({phrase(AGAIN_WORDS[code.again], about='again')})"
