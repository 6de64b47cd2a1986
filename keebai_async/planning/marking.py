"""Marks in the people of a chunk that are encoded already.

The problem: a mark differs for each person, and a person is encoded in a few hundred nanoseconds. The naive
way is an object of `meta_data` for each before they are encoded; then the fingerprint, which must find the
same list again in another campaign, would have to be made of other bytes. So people are encoded and hashed as
they are, and the marks are put in between: the bytes are cut where a person ends, and joined again with a
mark at each cut, in C.

That is only right if there are as many pieces as people. If there are not, or anything else is unusual, each
person is encoded alone.
"""

from collections.abc import Sequence
from typing import Final, cast

import msgspec

from keebai_async.model.marks import MARK_KEY, read_mark
from keebai_async.planning.codec import NO_META, ColumnPeople, RowCodec, WireRow

_NEXT: Final = b',{"to":"'
_PLACES: Final = tuple(b'%d"}}%b' % (place, _NEXT) for place in range(5_000))
"""By the place of a person, the end of their mark, of them, and the beginning of the next."""
_NAME: Final = b'"%b"' % MARK_KEY.encode()
_MARKING_KEY: Final = _NAME + b":"
_KEY_ESCAPED: Final = tuple({b"\\u00%x" % (letter >> 4) for letter in MARK_KEY.encode()})
"""What a text has at least one of that spells the key with escapes."""


class Marker:
    """Puts the marks of the campaign with *tag* into what *codec* encoded."""

    def __init__(self, codec: RowCodec, tag: str) -> None:
        self._codec = codec
        self._tag = tag.encode()

    def mark(self, rows: Sequence[WireRow], encoded: bytes, *, chunk: int, first: int) -> bytes:
        """*encoded*, which is *rows* with commas between, with marks; *first* is the first one's place."""
        mark = b'%b"%b.%d.' % (_MARKING_KEY, self._tag, chunk)
        marked = None
        has = self._have_meta_data(rows)
        if has is False:
            marked = _spliced(encoded, b"}", b',"meta_data":{' + mark, first, len(rows))
        elif has:
            marked = _spliced(encoded, b"}}", b"," + mark, first, len(rows))
        return self._singly(rows, mark, first) if marked is None else marked

    def _have_meta_data(self, rows: Sequence[WireRow]) -> bool | None:
        """Whether all of *rows* have some that takes a mark, or none has any; None if that is not certain."""
        if isinstance(rows, ColumnPeople):
            names = rows.metas.names
            return None if MARK_KEY in names else bool(names)
        metas = self._codec.meta_data(rows)
        if metas[0] is NO_META:
            return False if metas.count(NO_META) == len(metas) else None
        return True if _take_a_mark(metas) else None

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
        meta_data[MARK_KEY] = msgspec.Raw(mark.removeprefix(_MARKING_KEY))
        return msgspec.json.encode(person | {"meta_data": meta_data})


class MarkRemover:
    """Takes the marks of other campaigns out of people who get none of their own.

    Sent on, they would prove what became of another campaign's people.
    """

    def __init__(self, codec: RowCodec) -> None:
        self._codec = codec

    def mark(self, rows: Sequence[WireRow], encoded: bytes, *, chunk: int, first: int) -> bytes:
        """*encoded*, which is *rows* with commas between, without marks."""
        if _NAME not in encoded and not (b"\\" in encoded and any(map(encoded.__contains__, _KEY_ESCAPED))):
            return encoded
        return b",".join(map(self._one, rows))

    def _one(self, row: WireRow) -> bytes:
        encoded = self._codec.encode([row])
        try:
            meta_data = msgspec.json.decode(encoded, type=_Marked).meta_data
        except msgspec.ValidationError:  # not an object, so there is no mark
            return encoded
        if meta_data is msgspec.UNSET or MARK_KEY not in meta_data or not _is_mark(meta_data[MARK_KEY]):
            return encoded
        person: dict[str, object] = dict(msgspec.json.decode(encoded, type=dict[str, msgspec.Raw]))
        del meta_data[MARK_KEY], person["meta_data"]
        return msgspec.json.encode(person | ({"meta_data": meta_data} if meta_data else {}))


class _Marked(msgspec.Struct):
    meta_data: dict[str, msgspec.Raw] | msgspec.UnsetType = msgspec.UNSET


def _is_mark(value: msgspec.Raw) -> bool:
    return read_mark(msgspec.json.decode(value)) is not None


def _take_a_mark(metas: Sequence[object]) -> bool:
    """Whether each of *metas* certainly is an object with something in it, and without a mark at its top.

    They are looked at as what they are, which is a fraction of the bytes of their people.
    """
    kinds = set(map(type, metas))
    if len(kinds) > 1:
        return False
    kind = kinds.pop()
    if kind is msgspec.Raw:
        joined = b"\0%b" % b"\0".join(cast("Sequence[msgspec.Raw]", metas))  # which JSON cannot hold
        if b"\\" in joined and any(map(joined.__contains__, _KEY_ESCAPED)):
            return False
        return joined.count(b'\0{"') == len(metas) and joined.rfind(_NAME) < 0
    if issubclass(kind, msgspec.Struct):  # of columns
        return bool(kind.__struct_encode_fields__) and MARK_KEY not in kind.__struct_encode_fields__
    if kind is dict:
        keys = set().union(*cast("Sequence[dict[object, object]]", metas))
        return all(metas) and MARK_KEY not in keys and set(map(type, keys)) == {str}
    return False


def _spliced(encoded: bytes, end: bytes, mark: bytes, first: int, people: int) -> bytes | None:
    """*encoded* with a mark before the *end* of each person; None if they cannot be told apart so."""
    pieces = encoded.rsplit(end + _NEXT)  # from the end takes half as long, with more than one sign
    places = _PLACES[first : first + people]
    if len(pieces) != people or len(places) != people or not encoded.endswith(end):
        return None
    pieces[-1] = pieces[-1][: -len(end)]
    parts = [mark] * (3 * people)
    parts[::3] = pieces
    parts[2::3] = places
    parts[-1] = places[-1].removesuffix(_NEXT)
    return b"".join(parts)
