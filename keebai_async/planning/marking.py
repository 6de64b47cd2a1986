"""Marks in the people of a chunk that are encoded already.

The problem: a mark differs for each person, and a person is encoded in a few hundred nanoseconds. The naive
way is an object of `meta_data` for each before they are encoded; then the fingerprint, which must find the
same list again in another campaign, would have to be made of other bytes. So people are encoded and hashed as
they are, and the marks are put in between: where a person ends, the bytes get a gap, and all gaps are filled
at once, in C.

That is only right if there are as many gaps as people. If there are not, or anything else is unusual, each
person is encoded alone.
"""

from collections.abc import Sequence
from typing import Final

import msgspec

from keebai_async.model.marks import MARK_KEY, read_mark
from keebai_async.planning.codec import NO_META, RowCodec, WireRow

_NEXT: Final = b'{"to":"'
_PLACES: Final = tuple(b"%d" % place for place in range(5_000))
_KEY: Final = b'"%b":' % MARK_KEY.encode()


class Marker:
    """Puts the marks of the campaign with *tag* into what *codec* encoded."""

    def __init__(self, codec: RowCodec, tag: str) -> None:
        self._codec = codec
        self._tag = tag.encode()

    def mark(self, rows: Sequence[WireRow], encoded: bytes, *, chunk: int, first: int) -> bytes:
        """*encoded*, which is *rows* with commas between, with marks; *first* is the first one's place."""
        mark = b'%b"%b.%d.' % (_KEY, self._tag, chunk)
        places = _PLACES[first : first + len(rows)]
        without = self._codec.meta_data(rows).count(NO_META)
        marked = None
        if without == len(rows):
            marked = _spliced(encoded, b"}", b',"meta_data":{' + mark, places)
        elif not without and b'"meta_data":{}' not in encoded and _KEY not in encoded:
            marked = _spliced(encoded, b"}}", b"," + mark, places)
        return self._singly(rows, mark, first) if marked is None else marked

    def _singly(self, rows: Sequence[WireRow], mark: bytes, first: int) -> bytes:
        return b",".join(self._one(row, b'%b%d"' % (mark, first + place)) for place, row in enumerate(rows))

    def _one(self, row: WireRow, mark: bytes) -> bytes:
        """One person; with a mark, unless something of the user's has its name already.

        The mark of another campaign, in a list that was exported from it, is replaced.
        """
        encoded = self._codec.encode([row])
        try:
            meta_data = msgspec.json.decode(encoded, type=_Marked).meta_data
        except msgspec.ValidationError:  # not an object, so nothing can be put beside it
            return encoded
        if meta_data is msgspec.UNSET:
            return b'%b,"meta_data":{%b}}' % (encoded[:-1], mark)
        if MARK_KEY in meta_data:
            return self._again(encoded, mark) if _is_mark(meta_data[MARK_KEY]) else encoded
        # Ours goes last, so the end of the person is the end of their meta_data.
        head = encoded[:-1].rstrip()[:-1]
        return b"%b%b%b}}" % (head, b"," if meta_data else b"", mark)

    def _again(self, encoded: bytes, mark: bytes) -> bytes:
        person = msgspec.json.decode(encoded, type=dict[str, msgspec.Raw])
        meta_data = msgspec.json.decode(person["meta_data"], type=dict[str, msgspec.Raw])
        meta_data[MARK_KEY] = msgspec.Raw(mark.removeprefix(_KEY))
        return msgspec.json.encode(person | {"meta_data": meta_data})


class _Marked(msgspec.Struct):
    meta_data: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


def _is_mark(value: msgspec.Raw) -> bool:
    return read_mark(msgspec.json.decode(value)) is not None


def _spliced(encoded: bytes, end: bytes, mark: bytes, places: tuple[bytes, ...]) -> bytes | None:
    """*encoded* with a mark before the *end* of each person; None if they cannot be told apart so.

    The bytes become a format, with a gap for each place: there are as many gaps as places, or it fails.
    """
    if not encoded.endswith(end):
        return None
    last = mark + b'%b"}}'
    form = encoded[: -len(end)].replace(b"%", b"%%").replace(end + b"," + _NEXT, last + b"," + _NEXT) + last
    try:
        return form % places
    except TypeError:
        return None
