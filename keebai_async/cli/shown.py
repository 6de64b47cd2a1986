"""How words and numbers from outside are shown to a person. Pure.

Every text for people that holds a word of a file, a user or a service passes through here: this is the
one place where the command meets the policy of privacy.
"""

from keebai_async.privacy import mask, one_line, shown


def shown_text(text: str) -> str:
    """A user's own words, whole: on one line, without control characters, which could move the cursor."""
    return one_line(text)


def shown_reason(reason: str) -> str:
    """A service's words, the same way, with each phone number in them masked."""
    return shown(reason)


def shown_number(number: str) -> str:
    """A phone number, or what stands in its place: `+549…0101`; empty if there is none."""
    return mask(one_line(number)) if number.strip() else ""
