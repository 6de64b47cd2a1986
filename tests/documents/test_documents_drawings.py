"""The drawings of states are those of the code."""

import subprocess
import sys

from tests.documents.papers import DOCS, ROOT, paper


def test_the_drawings_are_current() -> None:
    said = subprocess.run(
        [sys.executable, str(DOCS / "draw_states.py"), "--check"],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )

    assert (said.stdout, said.returncode) == ("", 0), "run: python docs/draw_states.py"


def test_the_arrow_that_must_be_missing_is_missing() -> None:
    drawn = paper("docs/architecture.md").code("mermaid")[0]
    to_planned = [line.split(": ")[1] for line in drawn.splitlines() if "--> planned: " in line]

    assert sorted(to_planned) == ["LateTakeBack", "Resend", "TakeBack"], "an answer, or a person's word"
