"""Whom a retry sends to again and whom it leaves out, in words. Pure."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from keebai_async.cli.figures import counted, figure, moment
from keebai_async.cli.language import phrase
from keebai_async.cli.library_words import in_language
from keebai_async.cli.shown import shown_text
from keebai_async.model.meta_codes import about
from keebai_async.model.retry import RetryAccount, RetryChoice, RetryGroup

CHOICE_WORDS: Final = {
    RetryChoice.NOW: "sent to again",
    RetryChoice.NOT_YET: "not due yet",
    RetryChoice.NEVER: "never again",
    RetryChoice.FIX: "after a fix",
    RetryChoice.RETRIED: "retried already",
    RetryChoice.DELIVERED: "have it by now",
    RetryChoice.PENDING: "may get it yet",
}
"""What a retry does with somebody."""


def retry_lines(account: RetryAccount, *, told: str = "") -> Iterator[str]:
    """What follows for those who failed, a line for each code, below whose they are and who *told*."""
    yield phrase(
        "a retry of '{name}' [{campaign}], by what {told}, for {time}",
        name=shown_text(account.name),
        campaign=account.of,
        told=told or phrase("webhooks told of it"),
        time=moment(account.at),
    )
    for group in account.groups:
        choice = phrase(CHOICE_WORDS[group.choice], about="retry")
        yield f"  {choice:<20}{figure(group.people):>14}  {_why(group)}"
    if not account.groups:
        yield f"  {phrase('nobody is told to have failed')}"
    if account.unnamed:
        yield phrase(
            "note: {note}",
            note=counted(
                account.unnamed,
                "{count} more failed by the service's counters, and no webhook told who: none of them is sent"
                " to again",
                "{count} more failed by the service's counters, and no webhook told who: none of them is sent"
                " to again",
            ),
        )
    if not account.again and account.people(RetryChoice.RETRIED):
        again = phrase("to send a further time to those who had a retry already, add --again")
        yield phrase("note: {note}", note=again)
    if (last := last_due(account)) is not None:
        when = datetime.fromtimestamp(last, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        later = phrase(
            "those who are not due yet are in a retry that is made later, or now with --at {time}", time=when
        )
        yield phrase("note: {note}", note=later)


def last_due(account: RetryAccount) -> float | None:
    """When everybody is due who is not due yet, as Unix time in whole seconds; None if there is nobody."""
    return max((group.last for group in account.groups if group.last is not None), default=None)


def _why(group: RetryGroup) -> str:
    one = about(group.code or None)
    code = f"{one.code}: " if one.code is not None else ""
    words = f"{code}{in_language(one.meaning)}"
    if group.choice is RetryChoice.FIX or group.choice is RetryChoice.NEVER:
        return f"{words}: {in_language(one.advice)}"
    if group.first is None or group.last is None:
        return words
    first, last = moment(group.first), moment(group.last)
    if group.last > group.first:
        return f"{words}: {phrase('due {first} to {last}', first=first, last=last)}"
    return f"{words}: {phrase('due {time}', time=first)}"
