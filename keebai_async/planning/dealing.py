"""From which of several senders a person is written to: always the same one.

The naive way is in turn: then the same list, planned again or grown by a row, deals everybody otherwise, and
people get messages from a number that they have never seen. So it follows from the person alone. Each sender
bids for each of 65,536 groups of people with a hash that is keyed with its id, and the highest bid has the
group (rendezvous hashing). One sender more takes its share from all the others and moves nobody else; one
less gives its own away. To whom a person belongs who was written to before is not asked of the hash: see
*written*.
"""

import hashlib
import sys
from array import array
from collections.abc import Sequence
from typing import Final

from keebai_async.planning.key_set import KeySet

_BITS: Final = 16
"""Of a number of a group."""
_MIX: Final = 0x9E37_79B9_7F4A_7C15
"""2**64 by the golden ratio: neighbours in the numbering are spread over all groups."""


class Dealer:
    """Deals people to the senders with these *ids*, by identity key.

    *written* are, for each sender, the keys of those who belong to it whatever the hash says. To make one
    takes some 30 ms, so do it in a thread.
    """

    def __init__(self, ids: Sequence[str], written: Sequence[KeySet] = (), *, bits: int = _BITS) -> None:
        self._senders = len(ids)
        self._written = [(number, keys) for number, keys in enumerate(written) if len(keys)]
        places = sorted(range(len(ids)), key=ids.__getitem__)  # of two equal bids the same one wins always
        bids = [_bids(ids[place], 2**bits) for place in places]
        self._shift, self._mask = 64 - bits, 2**bits - 1
        self._table = [places[row.index(max(row))] for row in zip(*bids, strict=True)]

    def deal(self, keys: Sequence[int]) -> list[list[int]]:
        """For each sender the places of those of *keys* who are its own, in their order."""
        table, shift, mask = self._table, self._shift, self._mask
        owners = [table[key * _MIX >> shift & mask] for key in keys]
        for number, written in self._written:
            held = set(written.held(keys))
            if held:
                owners = [number if key in held else owner for key, owner in zip(keys, owners, strict=True)]
        dealt: list[list[int]] = [[] for _ in range(self._senders)]
        for place, owner in enumerate(owners):
            dealt[owner].append(place)
        return dealt


def _bids(sender: str, groups: int) -> "array[int]":
    """What a sender bids for each group, the same on every machine."""
    digest = hashlib.shake_128(b"keebai deal\0" + sender.encode()).digest(4 * groups)
    bids = array("I", digest)
    if sys.byteorder == "big":
        bids.byteswap()
    return bids
