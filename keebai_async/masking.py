"""What may be printed of a phone number."""


def mask(number: str) -> str:
    """Shorten *number* to what tells two people apart without naming one: `+549…5555`.

    Anything of up to seven characters is hidden whole.
    """
    if len(number) <= 7:
        return "…"
    return f"{number[:4]}…{number[-4:]}" if len(number) > 9 else f"{number[:2]}…{number[-2:]}"
