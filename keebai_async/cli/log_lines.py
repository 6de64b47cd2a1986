"""What happens, as a line of JSON for each record: for who collects logs."""

import logging
import time

from keebai_async.cli.json_output import emit
from keebai_async.model.report import utc
from keebai_async.observe import Record, fields_of
from keebai_async.observe.logging_sink import advice_for, level_of, name_for


def write_log_line(record: Record) -> None:
    """Print a record from INFO on, as one object of `docs/json.md`."""
    level = level_of(record)
    if level >= logging.INFO:
        emit(log_line(record, at=time.time()))


def log_line(record: Record, *, at: float) -> dict[str, object]:
    """The fields of *record*, which happened at the Unix time *at*, as they stand in the log."""
    line: dict[str, object] = {
        "type": "log",
        "time": utc(at),
        "level": logging.getLevelName(level_of(record)).lower(),
        "event": name_for(record),
        **fields_of(record),
    }
    if (advice := advice_for(record)) is not None:
        line["advice"] = advice
    return line
