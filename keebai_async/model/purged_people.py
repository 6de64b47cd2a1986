"""To whom purged campaigns were sent, and when: hashes of their identity keys, by the hour.

A purge removes people for good, and still nobody is to be messaged again too soon (`not_within`). So it
leaves a hash of each, keyed with a secret that this journal made at random, for as long as anybody may ask.
A hash names nobody, belongs to no campaign, and cannot be found in another journal. Who has the whole
journal, though, has the secret too and can try all numbers: so hashes are forgotten when their time is over,
and a purge can leave none at all.
"""

import hashlib
import sys
from array import array
from collections.abc import Iterable, Iterator, Sequence
from typing import Final

import msgspec

HASHES_LAST: Final = 90 * 86_400.0
"""Seconds after its message for which the hash of somebody is kept."""
HOUR: Final = 3_600
BYTES_A_HASH: Final = 8


class PurgedPeople(msgspec.Struct, frozen=True, kw_only=True):
    """The *secret* of a journal, and the packed hashes of those to whom something was sent in a time."""

    secret: bytes = b""
    packed: tuple[bytes, ...] = ()

    @property
    def pages(self) -> Iterator[Sequence[int]]:
        """All hashes, some at a time; somebody may be there more than once."""
        for each in self.packed:
            found = array("Q")
            found.frombytes(each)
            if sys.byteorder == "big":
                found.byteswap()
            yield found

    def hash_of(self, key: int) -> int:
        """The hash of an identity key."""
        number = key.to_bytes(BYTES_A_HASH, "big")
        digest = hashlib.blake2b(number, digest_size=BYTES_A_HASH, key=self.secret).digest()
        return int.from_bytes(digest, "big")

    def pack(self, keys: Iterable[int]) -> bytes:
        """The hashes of *keys*, sorted, so that they do not say in which order people stood in a list."""
        packed = array("Q", sorted(map(self.hash_of, keys)))
        if sys.byteorder == "big":
            packed.byteswap()
        return packed.tobytes()


def hour_of(at: float) -> int:
    """The page of a time: hours since 1970. It is never 0, which is that of the secret."""
    return max(1, int(at // HOUR))
