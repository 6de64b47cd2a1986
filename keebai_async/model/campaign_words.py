"""Which campaign a person means: by its id, the beginning of one, its name, or as the last one. Pure."""

import difflib
from collections.abc import Sequence
from typing import Final

import msgspec

from keebai_async.errors import CampaignNotFound, InvalidInput
from keebai_async.model.part import whole_of

LAST_ONE: Final = "last"
"""The word for the newest campaign."""

SHORTEST: Final = 3
"""Letters of the beginning of an id that are taken for it."""

_LISTED_AT_MOST: Final = 5


class KnownCampaign(msgspec.Struct, frozen=True):
    campaign_id: str
    name: str
    launched: bool = False


def campaign_meant(words: str, known: Sequence[KnownCampaign], *, plans: bool = True) -> str:
    """The id of the campaign that *words* mean among those *known*, newest first.

    An id goes before all else; then "last", then a name that one campaign alone has, then the beginning of
    one id alone. Upper and lower case are the same in names. Without *plans*, of those of one name the only
    one that was launched is meant: the others are plans that were made on the way to it.

    Raises:
        CampaignNotFound: none is meant; those that are called much like it are named.
        InvalidInput: several may be meant; they are named.
    """
    if any(each.campaign_id == words for each in known):
        return words
    if words == LAST_ONE and known:
        return known[0].campaign_id
    folded = words.strip().casefold()
    for found in (
        [each for each in known if each.name.strip().casefold() == folded],
        [each for each in known if len(words) >= SHORTEST and each.campaign_id.startswith(words)],
    ):
        ids = {each.campaign_id for each in found}
        found = [each for each in found if whole_of(each.campaign_id) not in ids]  # a whole means its parts
        found = found if plans else _only_launched(found, folded)
        if len(found) == 1:
            return found[0].campaign_id
        if found:
            raise InvalidInput(
                f"{words!r} may be any of {len(found)} campaigns: {_listed(found)}; give the id",
                field="CAMPAIGN",
                value=words,
            )
    raise CampaignNotFound(
        f"there is no campaign {words} in this journal{_near(words, known)}", campaign_id=words
    )


def _only_launched(found: list[KnownCampaign], folded: str) -> list[KnownCampaign]:
    """The only one of *found* that was launched, if all have the name *folded*; else all."""
    launched = [each for each in found if each.launched]
    of_one_name = all(each.name.strip().casefold() == folded for each in found)
    return launched if len(launched) == 1 and of_one_name else found


def _near(words: str, known: Sequence[KnownCampaign]) -> str:
    by_word = {word: each for each in reversed(known) for word in (each.name, each.campaign_id)}
    close = difflib.get_close_matches(words, by_word, n=3, cutoff=0.6)
    found = list(dict.fromkeys(by_word[word].campaign_id for word in close))
    return f"; did you mean {' or '.join(found)}?" if found else ""


def _listed(found: Sequence[KnownCampaign]) -> str:
    more = f" and {len(found) - _LISTED_AT_MOST} more" if len(found) > _LISTED_AT_MOST else ""
    return ", ".join(each.campaign_id for each in found[:_LISTED_AT_MOST]) + more
