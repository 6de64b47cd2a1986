"""EventPlace: how far somebody has read what is told of a campaign, or of a list over several senders. Pure.

Each part of a list numbers its own events, in its own transactions, perhaps in a process of its own: a number
for all of them together would have to be given by one, for whom all would wait. So a place in a list is the
id of the last event that was seen of each part, in the order of the parts: `12.0.7` is behind event 12 of the
first one, before all of the second, and behind event 7 of the third. In a campaign it is one such id.
"""

from collections.abc import Mapping
from typing import Final, Self

import msgspec
from msgspec.structs import replace

from keebai_async.errors import InvalidInput
from keebai_async.model.events import AnyEvent
from keebai_async.model.part import part_ids

_LARGEST_ID: Final = 2**63 - 1


class EventPlace(msgspec.Struct, frozen=True):
    """Behind the event *seen* of each of these *campaigns*; 0 is before the first one."""

    campaigns: tuple[str, ...]
    seen: tuple[int, ...]

    def behind(self, event: AnyEvent) -> Self:
        """The place of who has seen *event*, too."""
        at = self.campaigns.index(event.campaign_id)
        return replace(self, seen=(*self.seen[:at], event.id, *self.seen[at + 1 :]))

    def __str__(self) -> str:
        """`12.0.7`, which `place_of` reads back."""
        return ".".join(map(str, self.seen))


def place_of(campaign_id: str, after: int | str | Mapping[str, int]) -> EventPlace:
    """The place *after* in the campaign, or in the list over several senders, of that id.

    It is an event's id, a text as `str` of a place gives it, or the ids of the last events by campaign; where
    nothing was seen, 0, an empty text or nothing.

    Raises:
        InvalidInput: it is no place there.
    """
    campaigns = part_ids(campaign_id) or (campaign_id,)
    if isinstance(after, Mapping):
        if other := next((each for each in after if each not in campaigns), None):
            raise InvalidInput(f"{other} is no part of {campaign_id}", field="after", value=other)
        seen = tuple([after.get(each, 0) for each in campaigns])
    elif isinstance(after, str):
        seen = _numbers(after) if after else (0,) * len(campaigns)
    else:
        seen = (after,) if after else (0,) * len(campaigns)
    if any(each < 0 for each in seen):
        raise InvalidInput("an event's id is no negative number", field="after", value=str(after))
    if len(seen) != len(campaigns) or max(seen) > _LARGEST_ID:
        like = ".".join(["12"] * len(campaigns)) if len(campaigns) < 4 else "12.12.….12"
        what = f"one id for each of its {len(campaigns)} parts" if len(campaigns) > 1 else "an event's id"
        words = (
            f"{str(after)[:60]!r} is no place in what is told of {campaign_id}: that is {what}, like {like}"
        )
        raise InvalidInput(words, field="after", value=str(after)[:60])
    return EventPlace(campaigns, seen)


def _numbers(text: str) -> tuple[int, ...]:
    """The numbers of a text like `12.0.7`; none if it is not like that."""
    numbers = text.split(".")
    plain = all(each.isascii() and each.isdecimal() and len(each) < 20 for each in numbers)
    return tuple(map(int, numbers)) if plain else ()
