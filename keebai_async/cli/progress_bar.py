"""A bar of three parts: what is known, what is likely by now, and what is left. Pure."""

from rich.text import Text


def bar_text(done: float, likely: float, of: float | None, *, wide: int, ascii_only: bool = False) -> Text:
    """A bar *wide* letters wide: *done* is known, *likely* an estimate of how many are done by now.

    Its parts are told apart without colour, and by ASCII alone if it is *ascii_only*. Where nobody knows of
    how many (*of*), nothing of it is filled.
    """
    known_sign, likely_sign, left_sign = "#~-" if ascii_only else "\u2588\u2592\u2591"
    if not of:
        return Text(left_sign * wide, style="dim")
    known = int(wide * min(1.0, done / of))
    perhaps = int(wide * min(1.0, max(done, likely) / of)) - known
    return Text.assemble(
        (known_sign * known, "green"),
        (likely_sign * perhaps, "yellow"),
        (left_sign * (wide - known - perhaps), "dim"),
    )
