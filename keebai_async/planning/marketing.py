"""Where Meta delivers no marketing: people there are left out of a MARKETING template's list. Pure.

Meta takes such a message, and fails it. So nobody is told of it before the money for all others is spent.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from keebai_async.errors import InvalidInput
from keebai_async.model.identity import identity
from keebai_async.model.template import Template
from keebai_async.planning.number_forms import NumberForms, region_of
from keebai_async.privacy import mask

CLOSED: Final = frozenset({"US"})
"""Regions to which Meta delivers no MARKETING template: +1 with an area code of the United States.

Source: contract, section 10 (Meta "Per-user marketing template message limits") and section 13.
"""


def closed_to(template: Template) -> frozenset[str]:
    """The regions in which nobody gets *template*; none if its category is not known."""
    return CLOSED if template.marketing else frozenset()


def check_test_numbers(template: Template, numbers: Sequence[str]) -> None:
    """Raises InvalidInput if one of the *numbers* to test with would get nothing of *template*."""
    closed = closed_to(template)
    for place, number in enumerate(numbers, start=1):
        if closed and region_of(identity(number)) in closed:
            raise InvalidInput(
                f"number {place} to test with ({mask(number)}) is of the United States, where Meta"
                f" delivers no MARKETING template, and {template.name!r} is one",
                field="test_to",
            )


def category_notes(template: Template, forms: NumberForms) -> Iterator[str]:
    """A sentence, if it is not known whether people of the list would get a template of this category."""
    there = sum(people for region, people in forms.by_region() if region in CLOSED)
    if there and template.name and not template.category:  # without a name, only the list is checked
        yield (
            "the service does not say of what category the template is: Meta delivers no MARKETING template"
            f" to numbers of the United States, of which the list has {there:,}"
        )
