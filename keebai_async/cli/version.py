"""Which version is installed."""

from importlib import metadata


def version() -> str:
    """`keebai-async 0.1.0`, as the installed package says."""
    try:
        return f"keebai-async {metadata.version('keebai-async')}"
    except metadata.PackageNotFoundError:
        return "keebai-async, run from its source"
