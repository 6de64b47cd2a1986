"""The columns that we add to files of people, and how a plan knows them again.

A file that we wrote is fixed in a spreadsheet and planned as it is. So these names are ours: a plan makes
nothing of such columns but what is said here, and a list of somebody else has no use for them.
"""

from typing import Final

from keebai_async.model.chunk import ChunkState
from keebai_async.model.fates import Fate
from keebai_async.model.recipient import Reason

ROW: Final = "keebai_row"
"""The row of the list that was planned."""
REASON: Final = "keebai_reason"
"""Why it was not sent: a word of Reason, or of FATES for people of a plan; or how far webhooks tell that the
message came, a word of Fate."""
FIELD: Final = "keebai_field"
DETAIL: Final = "keebai_detail"
REPEATS: Final = "keebai_repeats_row"
NUMBER: Final = "keebai_number"
"""The number as it was read, in E.164: a row with another one is somebody else's."""
CHUNK: Final = "keebai_chunk"
CODE: Final = "keebai_code"
"""Meta's code of a failure."""
TIME: Final = "keebai_time"
"""When it happened, in UTC."""

OWN_COLUMNS: Final = frozenset({ROW, REASON, FIELD, DETAIL, REPEATS, NUMBER, CHUNK, CODE, TIME})

FATES: Final = {
    ChunkState.PLANNED: "unsent",
    ChunkState.SUBMITTING: "unknown",
    ChunkState.ACCEPTED: "accepted",
    ChunkState.REFUSED: "refused",
    ChunkState.UNKNOWN: "unknown",
    ChunkState.ABANDONED: "abandoned",
}
"""What became of the people of a chunk, by its state."""

WORDS: Final = frozenset(
    {*(reason.value for reason in Reason), *FATES.values(), *(fate.word for fate in Fate)}
)
"""All that can stand under REASON."""
