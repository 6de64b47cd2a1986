"""The service's own words about a request it did not accept. Pure.

A reply may come in any of several envelopes, even from one service: an object with `error` (an object, a text
or a list) or `message`, or a text by itself. What only one service says is in its ServiceDialect.
"""

import http
import re
from collections.abc import Iterator
from functools import lru_cache

import msgspec

from keebai_async.privacy import shown
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.reply import Answer

_INDEXED = re.compile(r"\b([a-z_][A-Za-z_]*(?:\.\d+|\[\d+\])(?:\.\w+|\[\d+\])*)")
"""recipients.17.to must be ..., recipients[17].to must be ..."""
_NOT_EXPECTED = re.compile(r"\bproperty (\w+(?:\.\w+)*) should not exist")
_VERBS = "must|should|is|has|can|cannot|may|exceeds|contains"
_NAMES_OF_FIELD = ("field", "property", "path", "param", "pointer")


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
    messages = list(_texts(inner.get("message")))
    if not isinstance(error, dict) and not messages:
        messages.extend(_texts(error))
    for message in messages:
        found.read_message(message)
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

    def read_message(self, message: str) -> None:
        for pattern in self._paths:
            named = pattern.search(message)
            if named:
                self._name(named[1])
                break
        self._note_items(message)

    def read_details(self, details: object) -> None:
        if isinstance(details, str):
            self.read_message(details)
        elif isinstance(details, list):
            for part in details:
                self.read_details(part)
        elif isinstance(details, dict):
            for name, value in details.items():
                self._read_detail(str(name), value)

    def _read_detail(self, name: str, value: object) -> None:
        if name in _NAMES_OF_FIELD:
            self._name(".".join(str(part) for part in value) if isinstance(value, list) else str(value))
        elif _names_an_index(name) and isinstance(value, int) and not isinstance(value, bool):
            self.items.append(value)
        elif name in {"required", "missing"}:
            return
        else:
            if self._item is not None and self._item.match(name):
                self._name(name)  # details keyed by the field: {"recipients.17.to": "not a number"}
            self.read_details(value)

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
    try:
        value = msgspec.json.decode(answer.body, type=dict[str, object] | str)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        media_type = (answer.header("Content-Type") or "").lower()
        if not media_type.startswith("text/plain"):
            return {}
        value = answer.body.decode("utf-8", "replace")
    return {"message": value} if isinstance(value, str) else value


def _texts(value: object) -> Iterator[str]:
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, dict):
            part = part.get("message")
        if isinstance(part, str) and part.strip():
            yield part


def _names(details: object, name: str) -> tuple[str, ...]:
    value = details.get(name) if isinstance(details, dict) else None
    return tuple(shown(text) for text in _texts(value))
