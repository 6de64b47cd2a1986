"""How Sphinx makes the manual: `python -m sphinx -c docs -W . build/manual`, with the extra `dev`.

The pages are those that a forge shows. Their folder is the root of the repository, so that the front page,
the list of changes and CONTRIBUTING are pages too, and every link leads to the same place in both.
"""

import inspect
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

project = "keebai_async"
author = "The keebai_async authors"
language = "en"

root_doc = "docs/index"
include_patterns = ["README.md", "CHANGELOG.md", "CONTRIBUTING.md", "docs/**"]
exclude_patterns = ["docs/deploy/**"]
extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]

myst_heading_anchors = 4
myst_links_external_new_tab = True
suppress_warnings = [
    "misc.highlighting_failure",  # blocks that show a part of a line of JSON, or a placeholder
    "myst.header",  # a page of a forge may begin with a heading of the second rank
]

autodoc_typehints = "description"
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_class_signature = "separated"
autodoc_default_options = {
    "members": True,
    "show-inheritance": True,
    "inherited-members": "Struct,Enum,StrEnum,BaseException,Mapping,dict,int,str,tuple,object",
}
napoleon_google_docstring = True
napoleon_numpy_docstring = False

html_theme = "furo"
html_title = "keebai_async"
html_show_sphinx = False
html_copy_source = False

_CODE = re.compile(r"(?<!`)`([^`]+)`(?!`)")
_INDENTED_BLOCK = re.compile(r"(?<=\n\n)(?=    \S)")
_RAISES = re.compile(r"^Raises,.*:$", re.MULTILINE)
_SECTION = re.compile(r"^## (.+)$", re.MULTILINE)
_LINK = re.compile(r"\]\(([^)#\s]+\.(?:md|rst))\)")


def _with_contents(_: "Sphinx", name: str, source: list[str]) -> None:
    """Let the lists of links in the first page be what the sidebar shows."""
    if name != root_doc:
        return
    text = source[0]
    parts = _SECTION.split(text)
    contents = [
        "```{toctree}\n:hidden:\n:caption: " + words + "\n\n" + "\n".join(_LINK.findall(links)) + "\n```\n"
        for words, links in zip(parts[1::2], parts[2::2], strict=True)
    ]
    first = "```{toctree}\n:hidden:\n\n" + "\n".join(_LINK.findall(parts[0])) + "\n```\n"
    source[0] = text + "\n" + first + "\n".join(contents)


def _as_rest(_: "Sphinx", what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Docstrings are written as the pages are: code stands between single backticks, or is indented."""
    text = "\n".join(lines)
    if what == "data" and text.strip() == _doc_of_its_class(thing):
        text = ""  # it has none of its own
    text = _RAISES.sub("Raises:", _CODE.sub(r"``\1``", text))
    lines[:] = _INDENTED_BLOCK.sub("::\n\n", text).split("\n")


def _doc_of_its_class(thing: object) -> str:
    return inspect.cleandoc(type(thing).__doc__ or "").strip()


def setup(app: "Sphinx") -> None:
    app.connect("autodoc-process-docstring", _as_rest, priority=100)
    app.connect("source-read", _with_contents)
