"""Which version is installed."""

from importlib import metadata


def version() -> str:
    """`keebai-async 0.1.0`, as the installed package says."""
    return f"keebai-async {metadata.version('keebai-async')}"
