"""Where things lie: what a command keeps, if nobody says another place, and the list it reads."""

import os
from datetime import datetime
from pathlib import Path

from keebai_async.environment import JOURNAL_VARIABLE
from keebai_async.errors import JournalUnusable, UnusableSource


def journal_name(given: str | None) -> str:
    """The option, else the environment, else a file in the user's own data folder.

    Raises:
        JournalUnusable: that folder cannot be made.
    """
    return given or os.environ.get(JOURNAL_VARIABLE) or str(data_folder() / "campaigns.db")


def data_folder() -> Path:
    """The user's own folder for it, which is made. Raises JournalUnusable if it cannot be."""
    import platformdirs

    try:
        folder = platformdirs.user_data_path("keebai-async")
    except RuntimeError as error:
        raise JournalUnusable(
            "your user has no home directory (HOME is not set), so there is no place for the journal:"
            f" name one with --journal or {JOURNAL_VARIABLE}"
        ) from error
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise JournalUnusable(
            f"cannot make {folder}: {error.strerror}; name another place with --journal or {JOURNAL_VARIABLE}"
        ) from error
    return folder


def refuse_missing_file(file: str) -> None:
    """Say at once that there is no such file, before a token is asked for or spent.

    Raises:
        UnusableSource: *file* is not there.
    """
    if file != "-" and not Path(file).exists():
        raise UnusableSource(f"there is no file {file}: check the path")


def default_name(file: str | None) -> str:
    """`clients 2026-11-22`, from the name of the list's file and the day."""
    stem = "" if file in (None, "-") else Path(str(file)).name.split(".")[0]
    return f"{stem or 'campaign'} {datetime.now().astimezone().date().isoformat()}"
