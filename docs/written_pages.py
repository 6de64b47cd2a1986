"""Pages of the manual that a script writes: what is out of date is written, or said."""

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path


def keep_current(arguments: Sequence[str], folder: Path, pages: Mapping[str, str], *, what: str) -> int:
    """Let *folder* hold exactly *pages* (text by the name of its file); with `--check` only say what differs.

    Gives the exit code: 1 if something is out of date and stays so.
    """
    parser = argparse.ArgumentParser(description=what)
    parser.add_argument("--check", action="store_true", help="change nothing, say what is out of date")
    check: bool = parser.parse_args(arguments).check
    old = 0
    for path in sorted({*folder.iterdir(), *(folder / name for name in pages)}):
        text = pages.get(path.name)
        if path.exists() and path.read_text(encoding="utf-8") == text:
            continue
        old += 1
        print(f"{folder.name}/{path.name} is {'out of date' if check else 'written' if text else 'removed'}")
        if not check and text is None:
            path.unlink()
        elif not check and text is not None:
            path.write_text(text, encoding="utf-8")
    return int(check and old > 0)
