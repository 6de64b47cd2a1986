"""Where what a command keeps lies, if nobody says another place."""

import os
from pathlib import Path

from keebai_async.environment import JOURNAL_VARIABLE
from keebai_async.errors import JournalUnusable


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
