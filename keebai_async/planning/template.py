"""What a template asks of a list, and what its text leaves to the variables. Pure."""

import hashlib
import re
from collections.abc import Sequence
from operator import mul
from typing import Final

import msgspec

from keebai_async.errors import TemplateUnusable
from keebai_async.model.limits import MAX_VARIABLE
from keebai_async.model.template import Template

_PLACEHOLDER: Final = re.compile(r"\{\{\s*(.+?)\s*\}\}")


def check_approved(template: Template) -> None:
    """Raises TemplateUnusable unless *template* may be sent."""
    if not template.approved:
        raise TemplateUnusable(
            f"template {template.name!r} ({template.language}) is {template.status}, not APPROVED:"
            " wait for Meta's approval, or choose another",
            field="template",
            value=template.name,
        )


def check_alike(one: Template, other: Template, sender: str) -> None:
    """Raises TemplateUnusable if *other*, which the token of *sender* has, is not the same as *one*."""
    same = (one.variables, one.category, body_text(one)) == (
        other.variables,
        other.category,
        body_text(other),
    )
    if not same or not other.approved:
        raise TemplateUnusable(
            f"template {one.name!r} ({one.language}) is not the same for the token of sender {sender}: give"
            " it the same category, text and variables there, and have it approved",
            field="template",
            value=one.name,
        )


def named_by_text(template: Template) -> Template:
    """*template*; with the variables that the text of its body names, when it lists none.

    The list is of named variables (contract, section 4.1), so that of a POSITIONAL template may be empty.
    """
    if template.variables:
        return template
    found = dict.fromkeys(_PLACEHOLDER.findall(body_text(template) or ""))
    return msgspec.structs.replace(template, variables=tuple(found))


def body_text(template: Template) -> str | None:
    """The text of the template's body with its placeholders, when the service shows it."""
    for raw in template.components:
        component = msgspec.json.decode(raw)
        if isinstance(component, dict) and str(component.get("type", "")).upper() == "BODY":
            text = component.get("text")
            return text if isinstance(text, str) else None
    return None


def wording(template: Template) -> str:
    """The same for two templates with the same words, whatever they and their variables are called.

    Empty where the service does not show the text.
    """
    text = body_text(template)
    if text is None:
        return ""
    words = " ".join(_PLACEHOLDER.sub("{{}}", text).split())
    return hashlib.sha256(words.encode(errors="surrogatepass")).hexdigest()[:32]


class BodySpace(msgspec.Struct, frozen=True):
    """What the text of a template's body leaves to its variables, of which it uses each so many times."""

    characters: int
    uses: tuple[int, ...]

    def holds(self, most: int) -> bool:
        """Whether values of together *most* characters fit, whatever they are."""
        return most * max(self.uses, default=0) <= self.characters

    def holds_all(self, columns: Sequence[Sequence[str]]) -> bool:
        """Whether the values of all rows fit, in a column for each variable."""
        longest = [max(map(len, column), default=0) for column in columns]
        if self._sum(longest) <= self.characters:
            return True
        lengths = [list(map(len, column)) for column in columns]
        return max(map(self._sum, zip(*lengths, strict=True))) <= self.characters

    def over(self, values: Sequence[str]) -> int:
        """By how many characters the values of one row are too long; zero or less when they fit."""
        return self._sum(list(map(len, values))) - self.characters

    def _sum(self, lengths: Sequence[int]) -> int:
        return sum(map(mul, self.uses, lengths))


def body_space(template: Template) -> BodySpace | None:
    """The space in the template's body, when the service shows its text.

    Source: contract, section 10: a body holds 1,024 characters, and 132005 is the rendered text too long.
    """
    text = body_text(template)
    if text is None:
        return None
    used = _PLACEHOLDER.findall(text)
    names = tuple(dict.fromkeys(template.variables))
    return BodySpace(
        MAX_VARIABLE - len(_PLACEHOLDER.sub("", text)), tuple(used.count(name) for name in names)
    )


def preview(template: Template, values: Sequence[str]) -> str:
    """The message that somebody with *values* would get; the values alone when its text is not known."""
    names = tuple(dict.fromkeys(template.variables))
    given = dict(zip(names, values, strict=True))
    text = body_text(template)
    if text is None:
        return ", ".join(f"{name}={value}" for name, value in given.items())
    return _PLACEHOLDER.sub(lambda found: given.get(found[1], found[0]), text)
