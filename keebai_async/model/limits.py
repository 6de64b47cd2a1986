"""The limits of a list and of its messages, as data: what the services' pages name."""

import re
from typing import Final

E164: Final = re.compile(r"\+[1-9][0-9]{6,14}")
"""A phone number as the services take it; use it with `fullmatch`. Source: contract, section 3.1."""

MAX_RECIPIENTS: Final = 5_000
"""Recipients in one POST /messages/bulk, at least 1. Source: contract, section 3.1."""

MAX_TEXT: Final = 4_096
"""Characters in POST /messages/text, at least 1. Source: contract, section 3.4."""

MAX_VARIABLE: Final = 1_024
"""Characters in one variable: no more than the template body that holds it. Source: contract, section 10."""
