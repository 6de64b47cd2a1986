"""What may be shown of a text that comes from outside. Pure.

Here until there is one policy for the whole package; then this module goes, and its caller asks that one.
"""

import re
from typing import Final

from keebai_async.masking import mask

LONGEST: Final = 500
"""Characters of a text that are kept."""

_NUMBER = re.compile(r"\+?\(?\d(?:[\s().\-/]{0,3}\d){7,}")
_SECRET = re.compile(r"(?i)\b(bearer\s+|kbai_pk_|pat_)[^\s\"',;]{4,}")


def shown(text: str) -> str:
    """*text* in one line, bounded, without a phone number in any spelling and without a secret."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = _SECRET.sub(lambda found: found[1] + "…", line)
    line = _NUMBER.sub(lambda found: mask(re.sub(r"[^\d+]", "", found[0])), line)
    return line if len(line) <= LONGEST else line[: LONGEST - 1] + "…"
