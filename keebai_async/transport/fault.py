"""The service's own words about a request it did not accept. Pure.

Two envelopes are documented, and a reply may be in neither. Source: contract, section 5.
"""

import http
import re
from collections.abc import Iterator
from typing import Final

import msgspec

from keebai_async.masking import mask
from keebai_async.transport.reply import Answer
from keebai_async.transport.verdict import Fault

LONGEST_MESSAGE: Final = 500
"""Characters of a server's message that are kept."""

_FIELDS = (
    "to|phone_number_id|channel_id|template_name|language|recipients|campaign_name"
    "|text|variables|meta_data|preview_url|page|limit|status|type"
)
_PATHS = (
    # recipients.17.to must be ..., recipients[17].to must be ...
    re.compile(r"\b([a-z_]+(?:\.\d+|\[\d+\])(?:\.\w+|\[\d+\])*)"),
    re.compile(r"\bproperty (\w+(?:\.\w+)*) should not exist"),
    re.compile(rf"^\W*((?:{_FIELDS})(?:\.\w+)*)\W* (?:must|should|is|has|can|cannot|may|exceeds|contains)\b"),
)
_ITEM = re.compile(r"\brecipients(?:\.|\[)(\d{1,9})\b")
_NUMBER = re.compile(r"(?<![0-9A-Za-z])\+?\d{8,15}(?![0-9A-Za-z])")
_SECRET = re.compile(r"(?i)\b(bearer\s+|kbai_pk_|pat_)[^\s\"',;]{4,}")
_NAMES_OF_FIELD = ("field", "property", "path", "param", "pointer")
_NAMES_OF_INDEX = ("index", "item", "recipient_index")


def fault_of(answer: Answer) -> Fault:
    """Read either envelope; of a body in neither, only the status speaks."""
    envelope = _object(answer.body)
    error = envelope.get("error")
    inner = error if isinstance(error, dict) else envelope
    code = inner.get("code")
    details = inner.get("details")
    found = _Found()
    messages = list(_texts(inner.get("message")))
    if not isinstance(error, dict) and isinstance(error, str) and not messages:
        messages.append(error)
    for message in messages:
        found.read_message(message)
    found.read_details(details)
    words = "; ".join(messages[:5]) or http_phrase(answer.status)
    return Fault(
        status=answer.status,
        message=printable(words),
        code=printable(str(code)) if isinstance(code, str | int) else None,
        field=found.field,
        items=tuple(dict.fromkeys(found.items)),
        required=_names(details, "required"),
        missing=_names(details, "missing"),
    )


def http_phrase(status: int) -> str:
    """What a status is called, for a reply that says nothing more."""
    try:
        return http.HTTPStatus(status).phrase
    except ValueError:
        return f"status {status}"


def printable(text: str) -> str:
    """*text* of a server as it may be shown: one line, bounded, no phone number and no secret in it."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    line = _SECRET.sub(lambda found: found[1] + "…", line)
    line = _NUMBER.sub(lambda found: mask(found[0]), line)
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"


class _Found:
    """What the messages and details name: the first field, and every item in a list."""

    def __init__(self) -> None:
        self.field: str | None = None
        self.items: list[int] = []

    def read_message(self, message: str) -> None:
        for pattern in _PATHS:
            named = pattern.search(message)
            if named:
                self._name(named[1])
                break
        for item in _ITEM.findall(message):
            self.items.append(int(item))

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
        elif name in _NAMES_OF_INDEX and isinstance(value, int) and not isinstance(value, bool):
            self.items.append(value)
        elif name in {"required", "missing"}:
            return
        else:
            if _ITEM.match(name):  # details keyed by the field: {"recipients.17.to": "not a number"}
                self._name(name)
            self.read_details(value)

    def _name(self, field: str) -> None:
        if self.field is None:
            self.field = printable(re.sub(r"\[(\d+)\]", r".\1", field))
        for item in _ITEM.findall(field):
            self.items.append(int(item))


def _object(body: bytes) -> dict[str, object]:
    try:
        return msgspec.json.decode(body, type=dict[str, object])
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return {}


def _texts(value: object) -> Iterator[str]:
    for part in value if isinstance(value, list) else [value]:
        if isinstance(part, str) and part.strip():
            yield part


def _names(details: object, name: str) -> tuple[str, ...]:
    value = details.get(name) if isinstance(details, dict) else None
    return tuple(printable(text) for text in _texts(value))
