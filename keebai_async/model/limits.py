"""The limits of WhatsApp itself, as data: they hold at every service, whose own limits are in its room."""

import re
from typing import Final

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number as the services take it; use it with `fullmatch`. Source: Keebai's contract, section 3.1."""

MAX_VARIABLE: Final = 1_024
"""Characters in one variable: no more than the template body that holds it.

Source: Keebai's contract, section 10.
"""
