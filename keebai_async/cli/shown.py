"""How words and numbers from outside are shown to a person. Pure.

Every text for people that holds a word of a file, a user or a service passes through here: this is the
one place where the command meets the policy of privacy.
"""

from keebai_async.journal.rules import anonymous_words
from keebai_async.masking import mask


def shown_text(text: str) -> str:
    """A user's own words, whole: on one line, without control characters, which could move the cursor."""
    return "".join(letter if letter.isprintable() else " " for letter in " ".join(text.split()))


def shown_reason(reason: str) -> str:
    """A service's words, the same way, with each phone number in them hidden."""
    return anonymous_words(shown_text(reason)) or ""


def shown_number(number: str) -> str:
    """A phone number, or what stands in its place: `+549…0101`; empty if there is none."""
    return mask(shown_text(number)) if number.strip() else ""
