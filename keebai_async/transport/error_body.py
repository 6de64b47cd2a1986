"""The service's own words about a request it did not accept. Pure.

A reply may come in any of several envelopes, even from one service: an object with `error` (an object, a text
or a list) or `message`, or a text by itself. What only one service says is in its ServiceDialect.

It may also be of any size and depth. It is read in the event loop, so what is looked at is bounded: nothing
of a body above LARGEST_READ, and of others the first messages and parts of details.
"""

import http
import re
import string
from functools import lru_cache
from itertools import islice
from typing import Final

import msgspec

from keebai_async.privacy import LONGEST, shown
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.reply import Answer

LARGEST_READ: Final = 128 * 1024
"""Bytes of a body that are read for what it says, in some milliseconds; of more only the status speaks."""

_MOST_PARTS = 2_000  # of details, and of messages
_MOST_SEARCHED = 50  # messages that are searched for a field, each as far as it is shown

_INDEXED = re.compile(r"\b([a-z_][A-Za-z_]*(?:\.\d+|\[\d+\])(?:\.\w+|\[\d+\])*)")
"""recipients.17.to must be ..., recipients[17].to must be ..."""
_NOT_EXPECTED = re.compile(r"\bproperty (\w+(?:\.\w+)*) should not exist")
_VERBS = "must|should|is|has|can|cannot|may|exceeds|contains"
_NAMES_OF_FIELD = ("field", "property", "path", "param", "pointer")
_ESCAPED_BYTE = re.compile(
    rb"(?:%(?:25){0,3}|\\x)([0-9a-fA-F]{2})|&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));"
)
"""%5F, &#95;, &#x5F;"""
_ESCAPED_BLANK = re.compile(rb"\\[nrtbf]")
_HTML_BETWEEN = re.compile(rb"&[a-zA-Z]{1,8};|</?[a-zA-Z]{1,8} ?/?>")
_DEEPEST_ESCAPE = 4  # JSON inside JSON doubles the backslashes each time
_NO_LETTERS = bytes(set(range(256)) - set((string.ascii_letters + string.digits).encode()))


class ErrorBody(msgspec.Struct, frozen=True, kw_only=True):
    """What a service says about a request it did not accept, from any envelope.

    *field* is what it named first (`recipients.17.to`), *items* every index inside the list of people that
    it named.
    """

    status: int
    message: str
    code: str | None = None
    field: str | None = None
    items: tuple[int, ...] = ()
    required: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()


def read_error(answer: Answer, dialect: ServiceDialect = STANDARD) -> ErrorBody:
    """Read any envelope; of a body in none, only the status speaks."""
    envelope = _object(answer)
    error = envelope.get("error")
    inner = error if isinstance(error, dict) else envelope
    details = inner.get("details")
    found = _Found(dialect)
    messages = _texts(inner.get("message"))
    if not isinstance(error, dict) and not messages:
        messages = _texts(error)
    found.read_messages(messages)
    found.read_details(details)
    words = "; ".join(messages[:5]) or http_phrase(answer.status)
    return ErrorBody(
        status=answer.status,
        message=shown(words),
        code=_code(inner.get("code")),
        field=found.field,
        items=tuple(dict.fromkeys(found.items)),
        required=_names(details, "required"),
        missing=_names(details, "missing"),
    )


def read_error_in_success(answer: Answer, dialect: ServiceDialect) -> ErrorBody | None:
    """What a 2xx complains of, where a service does that: an `error`, or `"success": false`."""
    if not dialect.error_in_success or answer.body.lstrip()[:1] != b"{":
        return None  # a list of a thousand rows is not read twice
    fields = _object(answer)
    if fields.get("error") or fields.get("success") is False:
        return read_error(answer, dialect)
    return None


def names_a_thing(answer: Answer) -> bool:
    """Whether the reply carries an id, by itself or inside `data`."""
    fields = _object(answer)
    inner = fields.get("data")
    return bool(fields.get("id") or (isinstance(inner, dict) and inner.get("id")))


def find_code(body: bytes, codes: frozenset[str]) -> str | None:
    """One of *codes* that stands anywhere in *body*, whatever its case and what is between its words.

    In a body that is not larger than LARGEST_READ, it is found behind escapes, too.
    """
    if not codes:
        return None
    body = body.replace(b"\0", b"")  # of a text in UTF-16
    if b"\\u" in body or (b"\\" in body and len(body) <= LARGEST_READ):
        body = _without_backslashes(body)
    if len(body) <= LARGEST_READ:
        body = _HTML_BETWEEN.sub(b" ", _ESCAPED_BYTE.sub(_letter, body, count=_MOST_PARTS))
    lower = body.replace(b"\0", b"").lower()  # of one that was escaped, too
    return next((code for code in codes if _stands_in(lower, code.lower())), None)


def _stands_in(body: bytes, code: str) -> bool:
    word = max(re.split(r"[^a-z0-9]+", code), key=len)
    if len(body) > LARGEST_READ and word.encode() not in body:
        return False  # which is cheap to see, in a body of some megabytes
    return code.encode().translate(None, _NO_LETTERS) in body.translate(None, _NO_LETTERS)


def _without_backslashes(body: bytes) -> bytes:
    """What JSON makes of a text, undone as far as letters are concerned; JSON may lie inside JSON."""
    if len(body) <= LARGEST_READ:
        for _ in range(_DEEPEST_ESCAPE):
            body = body.replace(b"\\\\", b"\\")
        body = _ESCAPED_BLANK.sub(b" ", body)
    return body.decode("raw_unicode_escape", "replace").encode("ascii", "ignore")


def _letter(escape: re.Match[bytes]) -> bytes:
    octet, hexadecimal, decimal = escape.groups()
    code = int(decimal) if decimal else int(octet or hexadecimal, 16)
    return bytes((code,)) if code < 128 else b" "


def http_phrase(status: int) -> str:
    """What a status is called, for a reply that says nothing more."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


@lru_cache(maxsize=8)
def _patterns(dialect: ServiceDialect) -> tuple[tuple[re.Pattern[str], ...], re.Pattern[str] | None]:
    """Where a message names a field, and where an item of the list of people."""
    paths = [_INDEXED, _NOT_EXPECTED]
    if dialect.fields:
        known = "|".join(map(re.escape, sorted(dialect.fields)))
        paths.append(re.compile(rf"^\W*((?:{known})(?:\.\w+)*)\W* (?:{_VERBS})\b"))
    people = rf"\b{re.escape(dialect.people)}(?:\.|\[)(\d{{1,9}})\b"
    return tuple(paths), re.compile(people) if dialect.people else None


class _Found:
    """What the messages and details name: the first field, and every item in a list."""

    def __init__(self, dialect: ServiceDialect) -> None:
        self._paths, self._item = _patterns(dialect)
        self.field: str | None = None
        self.items: list[int] = []

    def read_messages(self, messages: list[str]) -> None:
        for message in messages[:_MOST_SEARCHED]:
            if self.field is None:
                self._look_for_field(message[:LONGEST])
        self._note_items("\n".join(messages))

    def read_details(self, details: object) -> None:
        """Go through *details* in their order, with a list of what is left: they may be of any depth."""
        left: list[tuple[str, object]] = [("", details)]
        for _ in range(_MOST_PARTS):
            if not left:
                return
            name, value = left.pop()
            if not self._read_named(name, value):
                left.extend(reversed(_parts(value)))

    def _read_named(self, name: str, value: object) -> bool:
        """Read a part that says all by its name; False if what is inside is to be read."""
        if name in _NAMES_OF_FIELD and isinstance(value, str | int | list):
            path = value if isinstance(value, list) else [value]
            self._name(".".join(str(part) for part in path[:20] if isinstance(part, str | int)))
            return True
        if _names_an_index(name) and isinstance(value, int) and not isinstance(value, bool):
            self.items.append(value)
            return True
        if name in {"required", "missing"}:
            return True
        if self._item is not None and self._item.match(name):
            self._name(name)  # details keyed by the field: {"recipients.17.to": "not a number"}
        if isinstance(value, str):
            self.read_messages([value])
        return False

    def _look_for_field(self, message: str) -> None:
        for pattern in self._paths:
            if named := pattern.search(message):
                self._name(named[1])
                return

    def _name(self, field: str) -> None:
        if self.field is None:
            self.field = shown(re.sub(r"\[(\d+)\]", r".\1", field))
        self._note_items(field)

    def _note_items(self, text: str) -> None:
        if self._item is not None:
            self.items.extend(int(item) for item in self._item.findall(text))


def _code(value: object) -> str | None:
    """The name or number of an error, which is nobody's number as long as it is short."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return None
    return str(value) if isinstance(value, int) and abs(value) < 10**7 else shown(str(value))


def _names_an_index(name: str) -> bool:
    return name in {"index", "item"} or name.endswith("_index")


def _object(answer: Answer) -> dict[str, object]:
    if len(answer.body) > LARGEST_READ:
        return {}
    try:
        value = msgspec.json.decode(answer.body, type=dict[str, object] | str)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        media_type = (answer.header("Content-Type") or "").lower()
        if not media_type.startswith("text/plain"):
            return {}
        value = answer.body.decode("utf-8", "replace")
    return {"message": value} if isinstance(value, str) else value


def _parts(value: object) -> list[tuple[str, object]]:
    if isinstance(value, list):
        return [("", part) for part in value[:_MOST_PARTS]]
    if isinstance(value, dict):
        return [(str(name), part) for name, part in islice(value.items(), _MOST_PARTS)]
    return []


def _texts(value: object) -> list[str]:
    parts = value[:_MOST_PARTS] if isinstance(value, list) else [value]
    found = (part.get("message") if isinstance(part, dict) else part for part in parts)
    return [part for part in found if isinstance(part, str) and part.strip()]


def _names(details: object, name: str) -> tuple[str, ...]:
    value = details.get(name) if isinstance(details, dict) else None
    return tuple(shown(text) for text in _texts(value)[:20])
