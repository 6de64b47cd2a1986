"""Where the spending is kept when nobody says: a file of the user's, which all processes here share."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

_OWN = "keebai-async"


def default_quota_file(environment: Mapping[str, str] | None = None, platform: str | None = None) -> Path:
    """`quota.db` in the folder where programs of this user keep what they would miss, but nobody copies.

    Raises OSError, in words, if the user has no home.
    """
    environment, platform = os.environ if environment is None else environment, platform or sys.platform
    if platform == "win32" and (local := environment.get("LOCALAPPDATA")):
        return Path(local) / _OWN / "quota.db"
    if platform not in {"win32", "darwin"} and (state := environment.get("XDG_STATE_HOME")):
        return Path(state) / _OWN / "quota.db"
    try:
        home = Path(environment.get("HOME") or Path.home())
    except RuntimeError as error:
        raise OSError("this user has no home directory") from error
    if platform == "darwin":
        return home / "Library" / "Application Support" / _OWN / "quota.db"
    return home / ".local" / "state" / _OWN / "quota.db"


def why_unusable(path: Path) -> str | None:
    """Make room for *path*, for its owner alone; gives why that cannot be done, if it cannot."""
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        return f"cannot make {path.parent}: {error.strerror or error}"
    if not os.access(path if path.exists() else path.parent, os.W_OK):
        return f"cannot write {path}"
    return None
