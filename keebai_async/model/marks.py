"""The mark that a campaign gives each of its people in `meta_data`, so that webhooks can say whose they are.

It names a campaign, a chunk and a place in it, and nobody: `{"_kb": "q7x2mwd4.3.17"}`. It is ours beside the
keys of the user, and never instead of one.

Source: webhooks contract, section 7.
"""

import base64
import hashlib
import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from keebai_async.model.fates import PersonNews

MARK_KEY: Final = "_kb"
_MARK: Final = re.compile(r"([a-z2-7]{8})\.([1-9][0-9]{0,8})\.(0|[1-9][0-9]{0,8})")


_TEXT: Final = rb'"_kb":"[a-z2-7]{8}\.[1-9][0-9]{0,8}\.(?:0|[1-9][0-9]{0,8})"'
_ALONE: Final = re.compile(rb',"meta_data":\{%b\}' % _TEXT)
_BEHIND: Final = re.compile(rb",%b(?=\})" % _TEXT)


class Mark(msgspec.Struct, frozen=True):
    """Whose a message is. The chunk is the one the person was planned in; the place counts from 0."""

    tag: str
    """Of the campaign: see `tag_of`."""
    chunk: int
    place: int

    def __str__(self) -> str:
        return f"{self.tag}.{self.chunk}.{self.place}"


def tag_of(campaign_id: str) -> str:
    """Eight letters and digits that stand for a campaign; its id, in which its name is, does not follow."""
    digest = hashlib.blake2b(campaign_id.encode(), digest_size=5, person=b"keebai mark").digest()
    return base64.b32encode(digest).decode().lower()


def read_mark(text: object) -> Mark | None:
    """The mark that *text* is, None if it is none."""
    found = _MARK.fullmatch(text) if isinstance(text, str) and len(text) <= 28 else None
    return None if found is None else Mark(found[1], int(found[2]), int(found[3]))


def mark_in(meta_data: Mapping[str, object]) -> Mark | None:
    """The mark in what came back; also in a text that has lost its name."""
    return read_mark(meta_data.get(MARK_KEY)) or read_mark(meta_data.get(""))


def without_marks(people: bytes) -> bytes:
    """The JSON of *people* as it was before they got marks, which are at the end of their `meta_data`.

    Inside a text a quote has a backslash before it, so nothing that somebody wrote is taken for a mark.
    """
    return _BEHIND.sub(b"", _ALONE.sub(b"", people)) if b'"_kb"' in people else people


class _MarkedPerson(msgspec.Struct):
    to: object = None
    meta_data: object = None


_MARKED_PEOPLE: Final = msgspec.json.Decoder(list[_MarkedPerson])
_LAST_DIGITS: Final = 7
"""Last digits of a number that tell two people apart: what comes before them, operators write in two ways.

Source: Keebai's contract, section 10.
"""


def people_told_of(people: bytes, campaign_id: str, news: Sequence[PersonNews]) -> list[PersonNews]:
    """Those of *news* that are of somebody in *people*, a JSON array of Recipients.

    They have exactly the mark that is named, and the number, where one was told.
    """
    tag = tag_of(campaign_id)
    wanted = {str(Mark(tag, each.chunk, each.place)) for each in news}
    if not any(mark.encode() in people for mark in wanted):
        return []
    numbers: dict[str, object] = {}
    for person in _MARKED_PEOPLE.decode(people):
        mark = person.meta_data.get(MARK_KEY) if isinstance(person.meta_data, dict) else None
        if isinstance(mark, str) and mark in wanted:
            numbers[mark] = person.to
    named = [(each, str(Mark(tag, each.chunk, each.place))) for each in news]
    return [each for each, mark in named if mark in numbers and _is_same(each.number, numbers[mark])]


def _is_same(told: str, sent_to: object) -> bool:
    return not told or (isinstance(sent_to, str) and _end(told) == _end(sent_to))


def _end(number: str) -> str:
    return re.sub(r"\D", "", number)[-_LAST_DIGITS:]
