"""The limits that Keebai's pages name, as data."""

from typing import Final

from keebai_async.inputs import E164 as E164

MAX_RECIPIENTS: Final = 5_000
"""Recipients in one POST /messages/bulk, at least 1. Source: contract, section 3.1."""

MAX_TEXT: Final = 4_096
"""Characters in POST /messages/text, at least 1. Source: contract, section 3.4."""

MAX_VARIABLE: Final = 1_024
"""Characters in one variable: no more than the template body that holds it. Source: contract, section 10."""
