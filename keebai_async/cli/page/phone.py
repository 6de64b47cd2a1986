"""A message as the phone of its reader shows it. Pure.

WhatsApp shows *bold*, _italic_, ~struck out~ and ```typewriter```: "How to format your messages" in its help.
"""

import re
from collections.abc import Iterable, Iterator
from html import escape
from typing import Final

from keebai_async.cli.language import phrase
from keebai_async.cli.text_output import preview_words
from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.plan import Plan, Preview
from keebai_async.privacy import one_line, shown

_MOST: Final = 3

_EMPHASIS: Final = tuple(
    (re.compile(rf"(?<![\w{sign}])[{sign}](?=\S)([^{sign}\n]*?\S)[{sign}](?![\w{sign}])"), tag)
    for sign, tag in (("*", "b"), ("_", "i"), ("~", "s"))
)
_TYPEWRITER: Final = re.compile(r"```(.+?)```", re.DOTALL)


def phones(plan: Plan) -> Iterator[str]:
    """Three messages at most, each with whose it is; nothing where no text is known."""
    messages = list(_shown(plan))[:_MOST]
    if not messages:
        return
    yield f'<h2>{phrase("The message")}</h2><div class="phones">'
    for each in messages:
        number = f", {escape(one_line(each.to))}" if each.to else ""
        yield f'<figure class="phone"><div class="bubble">{bubble(each.text)}</div>'
        yield f"<figcaption>{escape(preview_words(each))}{number}</figcaption></figure>"
    yield "</div>"


def bubble(message: str) -> str:
    """The text of a message as text of a page."""
    pieces = _TYPEWRITER.split(message)
    made = [
        f"<code>{_lines(piece)}</code>" if odd % 2 else _marked(piece) for odd, piece in enumerate(pieces)
    ]
    return "".join(made)


def _marked(piece: str) -> str:
    made = _lines(piece)
    for pattern, tag in _EMPHASIS:
        made = pattern.sub(rf"<{tag}>\1</{tag}>", made)
    return made


def _lines(piece: str) -> str:
    """Its lines as they are; within a line nothing that moves or hides, and no number that can be called."""
    return "\n".join(escape(shown(line, longest=MAX_VARIABLE), quote=False) for line in piece.split("\n"))


def _shown(plan: Plan) -> Iterable[Preview]:
    if plan.preview:
        yield Preview(why="the first", text=plan.preview, row=plan.first_row, to=plan.preview_to)
    yield from plan.previews
