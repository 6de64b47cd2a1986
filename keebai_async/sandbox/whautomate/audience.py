"""Who is in a segment: contacts by name, and crowds of generated people that are never listed in memory."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

import msgspec

UNSUBSCRIBED_TAG: Final = "Unsubscribe"
"""The tag of those who wrote STOP. Source: contract, section 9, last paragraph."""


class SandboxContact(msgspec.Struct, frozen=True, kw_only=True):
    """One contact. *phone* has no country code."""

    id: str
    name: str
    country_code: str
    phone: str
    tags: tuple[str, ...] = ()


class Person(msgspec.Struct, frozen=True, gc=False):
    """One who is messaged."""

    name: str
    country_code: str
    phone: str


DEFAULT_CONTACTS: Final = (
    SandboxContact(
        id="CON0000001", name="Ana", country_code="+54", phone="91155550101", tags=("recall", "vip")
    ),
    SandboxContact(id="CON0000002", name="Bruno", country_code="+54", phone="91155550102", tags=("recall",)),
    SandboxContact(
        id="CON0000003",
        name="Ximena",
        country_code="+52",
        phone="15555550103",
        tags=("recall", UNSUBSCRIBED_TAG),
    ),
    SandboxContact(id="CON0000004", name="=Caio", country_code="+55", phone="11955550104", tags=("vip",)),
)


class Crowd(msgspec.Struct, frozen=True):
    """The first *size* generated people; one in *without* is left out, if it is not 0."""

    number: int
    size: int
    without: int

    def __len__(self) -> int:
        return self.size - (self.size // self.without if self.without else 0)

    def person(self, place: int) -> Person:
        """The person at *place* among those who are not left out."""
        index = place + place // (self.without - 1) if self.without > 1 else place
        return Person(f"Person {index + 1}", "+54", f"911{self.number % 10}{index:07d}")


class Audience:
    """The people of a broadcast, in a fixed order, each made when it is asked for."""

    def __init__(self, contacts: Sequence[SandboxContact], crowds: Sequence[Crowd]) -> None:
        self._people = [Person(one.name, one.country_code, one.phone) for one in contacts]
        self._crowds = tuple(crowds)
        self._size = len(self._people) + sum(map(len, self._crowds))

    def __len__(self) -> int:
        return self._size

    def __getitem__(self, place: int) -> Person:
        if place < len(self._people):
            return self._people[place]
        place -= len(self._people)
        for crowd in self._crowds:
            if place < len(crowd):
                return crowd.person(place)
            place -= len(crowd)
        raise IndexError(place)


def audience_of(
    criteria: Sequence[Mapping[str, object]],
    contacts: Sequence[SandboxContact],
    crowds: Mapping[str, int],
    unsubscribed_every: int,
) -> Audience:
    """The people who meet any of *criteria*, each once: with any of its tags, and none that it excludes."""
    chosen: dict[str, SandboxContact] = {}
    whole: dict[str, bool] = {}
    for one in criteria:
        tags, excluded = set(_words(one.get("tags"))), set(_words(one.get("exclusionTags")))
        for contact in contacts:
            if (not tags or tags & set(contact.tags)) and not excluded & set(contact.tags):
                chosen[contact.id] = contact
        for tag in crowds:
            if (not tags or tag in tags) and tag not in excluded:
                whole[tag] = whole.get(tag, False) or UNSUBSCRIBED_TAG not in excluded
    numbers = {tag: number for number, tag in enumerate(crowds)}
    return Audience(
        list(chosen.values()),
        [
            Crowd(numbers[tag], crowds[tag], 0 if with_stopped else unsubscribed_every)
            for tag, with_stopped in whole.items()
        ],
    )


def _words(value: object) -> Iterator[str]:
    for word in value if isinstance(value, list) else []:
        if isinstance(word, str):
            yield word
