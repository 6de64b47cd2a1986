"""Whom other campaigns of the journal reached before, or will still, and how many of them are too many. Pure.

A name or a file says nothing about that: the same people come back under another name, another date or from
an export. So people are compared, and this is what is known when they were.
"""

from collections.abc import Iterable
from typing import Final

from keebai_async.model.result import Result

REPEATED_WITHIN: Final = 20 * 3_600.0
"""Seconds in which the same template, or the same words, to the same people is a repetition. Less than a
day, so that what is sent at the same hour of every day is none."""

KNOWN_FOR: Final = 30 * 86_400.0
"""Seconds for which it is said who was reached."""

TOO_MANY: Final = 1_000
"""People who are never sent the same again without a word, however large the list is."""

FEW: Final = 5
"""Fewer people than this may get the same again: those of an alert, or whom a program is tried on."""


class Reached(Result, frozen=True, kw_only=True, omit_defaults=True):
    """What another campaign of the journal has to do with the people of a plan.

    *people* of them it has submitted (accepted, unknown or on their way) in the last 30 days, and *at* is
    when the last of them left, as Unix time. *unsent* of them it has still to submit. *repeated* are
    those for whom the plan would be a repetition: they got the same template, or one with the same words,
    in the last 20 hours (for a campaign that goes on: since it was launched), or are about to. *limited*
    says that it took only the first of the same list. *purged* says that its people were removed:
    *people* are all of its own then, and whether they are the same is known only if *same*, which is that
    it sent exactly the same to the same people.
    """

    campaign_id: str
    name: str
    template: str
    language: str
    people: int = 0
    at: float | None = None
    unsent: int = 0
    repeated: int = 0
    limited: bool = False
    same: bool = False
    purged: bool = False


def repeated(reached: Iterable[Reached], people: int) -> int:
    """How many of *people* would get the same again, or 0 if they are few enough to go on unasked.

    They are too many from a thousand on, from half of all on unless they are FEW, and at once if they are the
    beginning of the same list, sent before with a limit, or are still to get it from the other campaign.
    """
    repeating = [each for each in reached if each.repeated]
    count = min(people, sum(each.repeated for each in repeating))
    at_once = any(each.limited or each.unsent for each in repeating)
    many = count >= TOO_MANY or (count >= FEW and 2 * count >= people)
    return count if count and (at_once or many) else 0
