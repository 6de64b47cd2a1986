"""Where Meta delivers no marketing: people there are left out of a MARKETING template's list. Pure.

Meta takes such a message, and fails it. So nobody is told of it before the money for all others is spent.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identity
from keebai_async.model.people_words import agreeing
from keebai_async.model.template import Template
from keebai_async.planning.number_forms import NumberForms, region_of
from keebai_async.privacy import mask

CLOSED: Final = {"US": "the United States"}
"""In words, the regions to which Meta delivers no MARKETING template: +1 with an area code of theirs.

Source: contract, section 10 (Meta "Per-user marketing template message limits") and section 13.
"""


def closed_to(template: Template) -> frozenset[str]:
    """The regions in which nobody gets *template*; none if its category is not known."""
    return frozenset(CLOSED) if template.marketing else frozenset()


def check_test_numbers(template: Template, numbers: Sequence[str]) -> None:
    """Raises InvalidInput if one of the *numbers* to test with would get nothing of *template*."""
    closed = closed_to(template)
    for place, number in enumerate(numbers, start=1):
        if closed and (region := region_of(identity(number))) in closed:
            raise InvalidInput(
                f"number {place} to test with ({mask(number)}) is of {CLOSED[region]}, where Meta"
                f" delivers no MARKETING template, and {template.name!r} is one",
                field="test_to",
            )


def category_notes(template: Template, forms: NumberForms) -> Iterator[str]:
    """A sentence, if it is not known whether people of the list would get a template of this category."""
    if template.category:
        return
    for region, people in forms.by_region():
        if region in CLOSED:
            yield (
                "the service does not say of what category the template is: if it is MARKETING, Meta"
                f" delivers it to nobody in {CLOSED[region]}, and {people:,} of these people"
                f" {agreeing(people, 'is', 'are')} there"
            )
