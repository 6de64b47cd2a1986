"""A clock for a file: it goes on across processes and restarts of the machine, and never back.

The wall clock jumps when somebody sets it; the monotonic clock does not, but begins again when the
machine does. So a file keeps both, as they were when it was last written, and time goes on from there: by
the monotonic clock while the machine has not restarted, else by the wall clock, and not at all if that went
back. Waiting longer than needed after such a thing is harmless; forgetting what was spent is not.
"""

from pathlib import Path

import msgspec

from keebai_async.clock import Clock


class ClockReading(msgspec.Struct, frozen=True, kw_only=True):
    """The store's time *at*, and what the machine's clocks said then; *boot* names one run of the machine."""

    at: float
    steady: float
    wall: float
    boot: str


def boot_id() -> str:
    """A name for this run of the machine, empty where the system has none."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def mark(last: ClockReading | None, clock: Clock, boot: str) -> ClockReading:
    """The time now, for a file that was last written at *last*."""
    steady, wall = clock.now(), clock.wall()
    if last is None:
        return ClockReading(at=wall, steady=steady, wall=wall, boot=boot)
    # Without a boot id, a steady clock that stands earlier than it stood has begun again.
    restarted = boot != last.boot or steady < last.steady
    passed = wall - last.wall if restarted else steady - last.steady
    return ClockReading(at=last.at + max(0.0, passed), steady=steady, wall=wall, boot=boot)
