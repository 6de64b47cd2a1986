"""A row that will be sent (Recipient), or why it will not (Rejection)."""

import enum

import msgspec

from keebai_async.model.result import Result


class Recipient(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One person of a campaign, as a caller gives one (*to* as it was written), and as a chunk keeps each.

    It is the same for every service, each of which makes its own request of it.
    """

    to: str
    variables: dict[str, str] = {}
    meta_data: dict[str, object] = {}


class Reason(enum.StrEnum):
    """Why a row is not sent: fixed words, for counts and for machines."""

    NO_NUMBER = "no number"
    BAD_NUMBER = "bad number"
    OTHER_COUNTRY = "other country"
    NO_MARKETING = "no marketing there"
    SPREADSHEET_NUMBER = "spreadsheet number"
    DUPLICATE = "duplicate"
    SUPPRESSED = "suppressed"
    SENT_LATELY = "sent to lately"
    MISSING_VARIABLE = "missing variable"
    EXTRA_VARIABLE = "extra variable"
    BLANK_VARIABLE = "blank variable"
    BAD_VARIABLE = "bad variable"
    LONG_VARIABLE = "long variable"
    BAD_META_DATA = "bad meta_data"
    BAD_ROW = "bad row"


class Rejection(Result, frozen=True, kw_only=True, gc=False):
    """One row that will not be sent. Rows count as their reader sees them, the first line of a file is 1.

    *to* is the number as it was given, and *columns* the row as it was read: both are private.
    *detail* says what is wrong and how to fix it, without the number. *number* is the number in E.164, if it
    could be read. *cells* is the row as it is written to be fixed in a table, if that is other than
    *columns*: flat, with *number*, and `{{...}}` for a value that is no text. Both are private, too. *nested*
    are the names under which *columns* has variables and `meta_data` as JSON, if it may.
    """

    row: int
    reason: Reason
    detail: str
    to: str = ""
    field: str = ""
    repeats_row: int | None = None
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    number: str = ""
    cells: dict[str, str] = msgspec.field(default_factory=dict)
    nested: tuple[str, ...] = ()
