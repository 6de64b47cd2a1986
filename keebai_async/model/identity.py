"""Which two spellings of a number are one person.

Argentine mobiles are written with and without the 9 after +54, Mexican ones with and without the 1 after
+52, Brazilian ones with and without the ninth digit (source: contract, section 10). Compared as they are
written, such a person is two, and is messaged and billed twice. A parser takes 30 to 200
microseconds for each number, which is minutes for a million, and holds the two for different numbers.

So the three rules are written down here, and applied to a whole block at once: the numbers are joined, the
prefixes are replaced in the joined text, and the rest is read as one JSON array of integers, in C. A key is
itself the digits of a number; nothing in it says which spelling the owner of the phone uses.
"""

import re
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from typing import Annotated, Final

import msgspec

from keebai_async.model.limits import E164

# A Brazilian mobile that got its ninth digit was an eight-digit mobile before, and those began with
# 6 to 9. A nine before 1 to 5 is no added digit: without it the number is somebody's landline. So these
# are the first six of all thirteen digits, each with what to take from the number to be without the nine.
_BRAZIL: Final = {
    (5_500 + area) * 100 + 90 + digit: ((5_500 + area) * 9 + 9) * 10**8
    for area in range(11, 100)
    if area % 10
    for digit in range(6, 10)
}

_KeyDecoder = msgspec.json.Decoder[list[int]]


def _decoder(least: int, end: int) -> _KeyDecoder:
    return msgspec.json.Decoder(list[Annotated[int, msgspec.Meta(ge=least, lt=end)]])


_keys_in: Final = cache(_decoder)
_KEYS: Final = msgspec.json.Decoder(list[int])
# JSON knows no zero in front, no blank within and no sign but a minus, so a decoder of these reads E.164 and
# nothing else. One digit less than E.164 allows: a key may have lost one.
_CERTAIN: Final = range(10**6, 10**14)
_DIGITS: Final = b"0123456789"
_NOT_E164: Final = re.compile(rf"\0(?!{E164.pattern}\0)")


def identity(e164: str) -> int:
    """The key of the person behind a number in E.164: equal keys would be one phone, billed twice."""
    (key,) = identities([e164])
    return key


def spelling(key: int) -> str:
    """A number in E.164 with this key: `identity(spelling(key)) == key`.

    It is the one that phones of those countries have today: Argentina's with the 9, Brazil's with the ninth
    digit, Mexico's without the 1.
    """
    digits = str(key)
    if digits.startswith("54") and len(digits) < 15:
        return f"+549{digits[2:]}"
    if digits.startswith("521"):  # this 1 is a digit of the number, so one stands before it
        return f"+521{digits[2:]}"
    if len(digits) == 12 and int(f"{digits[:4]}9{digits[4]}") in _BRAZIL:
        return f"+{digits[:4]}9{digits[4:]}"
    return f"+{digits}"


def identities(numbers: Sequence[str]) -> list[int]:
    """`identity` of each number. All must be in E.164."""
    data, is_key = _as_json(" ".join(("", *numbers)).encode())
    return _keys(data, _KEYS, is_key)


def identities_if_e164(numbers: Sequence[str]) -> list[int] | None:
    """`identity` of each number, or None if any is not in strict E.164."""
    found = identities_in(" ".join(numbers), len(numbers))
    return None if found is None else found[0]


def identities_in(numbers: str, count: int, expected: range | None = None) -> tuple[list[int], bool] | None:
    """As `identities_if_e164`, of *count* numbers in one text, with a blank between two.

    Says too whether all are known to be in the range that is *expected*, which the decoder sees for nothing.
    """
    try:
        data = f" {numbers}".encode() if count else b""
    except UnicodeEncodeError:
        return None
    # What is no digit is a plus behind each blank, and one for each number: with a blank inside, a number
    # would pass as two.
    if data.translate(None, _DIGITS) != b" +" * count:
        return None
    data, is_key = _as_json(data)
    if expected is not None and is_key:
        with suppress(msgspec.DecodeError):  # of those who are elsewhere
            least, end = max(expected.start, _CERTAIN.start), min(expected.stop, _CERTAIN.stop)
            keys = _keys_in(least, end).decode(data)
            return (keys, True) if len(keys) == count else None
    try:
        keys = _keys(data, _keys_in(_CERTAIN.start, _CERTAIN.stop), is_key)
    except msgspec.DecodeError:  # as short or as long as can be, or a plus where none belongs
        are_fine = all(map(E164.fullmatch, numbers.split(" ")))
        return (_keys(data, _KEYS, is_key), False) if are_fine else None
    return (keys, False) if len(keys) == count else None  # a plus alone is no number, and no mistake in JSON


def not_in_e164(numbers: Sequence[str]) -> list[int]:
    """The places of those of *numbers* that are not in strict E.164."""
    text = "\0".join(("", *numbers, ""))
    # To look for a few in one text takes half as long as to ask each; where the first is one, most are.
    if text.count("\0") != len(numbers) + 1 or _NOT_E164.match(text):
        return [place for place, number in enumerate(numbers) if not E164.fullmatch(number)]
    places: list[int] = []
    place = last = 0
    for found in _NOT_E164.finditer(text):
        place += text.count("\0", last, found.start())
        last = found.start()
        places.append(place)
    return places[:-1]  # the last one is what stands behind all numbers


def _as_json(data: bytes) -> tuple[bytes, bool]:
    """Numbers, with a blank before each, as a JSON array of integers; and whether these are their keys.

    Of Brazil, some have a digit that its key has not.
    """
    # JSON takes blanks before a number, and to put as many signs in the place of others is twice as fast.
    data = data.replace(b" +549", b",  54")
    brazil = False
    if b"+" in data:
        data = data.replace(b" +521", b",  52").replace(b" +", b", ")
        brazil = b", 55" in data
    return b"[%b]" % data[1:], not brazil


def _keys(data: bytes, decoder: _KeyDecoder, is_key: bool) -> list[int]:
    # An array of numbers is read in C many times faster than each of them by int().
    keys = decoder.decode(data)
    return keys if is_key else [key - _BRAZIL.get(key // 10**7, 0) for key in keys]
