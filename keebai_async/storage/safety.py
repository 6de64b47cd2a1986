"""What a write survives once it is told, and what a read found that nobody wrote."""

import enum


class Safe(enum.Enum):
    """What a write survives once it is told, each more than the one before."""

    FROM_KILLS = "the end of this process"
    FROM_POWER_CUTS = "the end of the machine: it is on the disk, and with it all that was written before"
    FROM_COPYING = "the loss of the log beside the file, as by somebody who copies one file of three"


class Damaged(Exception):
    """What was read is not what was written."""


class NotKnownHere(Damaged):
    """A word that this version does not know: damage, or the word of a newer version."""
