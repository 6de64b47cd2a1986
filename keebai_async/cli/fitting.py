"""Text that fits a terminal: long lines go on below, at a word, a little further to the right. Pure."""

from typing import Final

_FURTHER_RIGHT: Final = 2
"""Spaces by which what goes on is behind the line's own beginning."""

_NARROWEST: Final = 40
"""Columns of a terminal that is so narrow that its own breaks do as well."""

_PROGRAM: Final = "keebai-async "


def fitted(text: str, width: int) -> str:
    """*text* with no line longer than *width* columns, if its words allow.

    A line with a command stays whole, so that it can be copied, and so does one of JSON.
    """
    if width < _NARROWEST or all(len(line) <= width for line in text.split("\n")):
        return text
    return "\n".join(_fitted(line, width) for line in text.split("\n"))


def _fitted(line: str, width: int) -> str:
    if len(line) <= width or _PROGRAM in line or line.startswith("{"):
        return line
    import textwrap

    indent = len(line) - len(line.lstrip(" "))
    wrapper = textwrap.TextWrapper(
        width=width,
        subsequent_indent=" " * (indent + _FURTHER_RIGHT),
        expand_tabs=False,
        replace_whitespace=False,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return "\n".join(wrapper.wrap(line))
