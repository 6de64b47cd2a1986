"""What requests may say: the sandbox's own strict reading of their bodies."""

import re
from collections.abc import Callable, Sequence
from typing import Final, TypeVar

import msgspec

BULK_LIMIT: Final = 5_000
"""People in one bulk. Source: contract, section 3.1."""
TEXT_LIMIT: Final = 4_096
"""Characters of one text. Source: contract, section 3.4."""

_PHONE: Final = re.compile(r"\+[1-9][0-9]{6,14}")
_PATH: Final = re.compile(r"(.*?)(?: - at `\$([^`]*)`)?", re.DOTALL)
_QUOTED: Final = re.compile(r"`([^`]*)`")


class BodyItem(msgspec.Struct, gc=False):
    """One of a bulk's recipients."""

    to: str
    variables: dict[str, str] = {}
    meta_data: dict[str, msgspec.Raw] = {}


class BulkBody(msgspec.Struct, kw_only=True):
    """Source: contract, section 3.1."""

    template_name: str
    language: str
    recipients: msgspec.Raw
    phone_number_id: str | None = None
    channel_id: str | None = None
    campaign_name: str | None = None


class TemplateBody(msgspec.Struct, kw_only=True):
    """Source: contract, section 3.3."""

    to: str
    template_name: str
    language: str
    phone_number_id: str | None = None
    channel_id: str | None = None
    variables: dict[str, str] = {}
    meta_data: dict[str, msgspec.Raw] = {}


class TextBody(msgspec.Struct, kw_only=True):
    """Source: contract, section 3.4."""

    to: str
    text: str
    phone_number_id: str | None = None
    channel_id: str | None = None
    meta_data: dict[str, msgspec.Raw] = {}
    preview_url: bool = False


class _StrictItem(BodyItem, forbid_unknown_fields=True, gc=False):
    pass


class _StrictBulk(BulkBody, forbid_unknown_fields=True):
    pass


class _StrictTemplate(TemplateBody, forbid_unknown_fields=True):
    pass


class _StrictText(TextBody, forbid_unknown_fields=True):
    pass


_BULK_ITEMS: Final = msgspec.json.Decoder(list[BodyItem])
_STRICT_BULK_ITEMS: Final = msgspec.json.Decoder(list[_StrictItem])

Decoded = TypeVar("Decoded")


class BadRequest(Exception):
    """The request does not validate. *complaints* are in the words of the service's framework."""

    def __init__(self, *complaints: str) -> None:
        super().__init__("; ".join(complaints))
        self.complaints = complaints


def read_bulk(content: bytes, *, strict: bool) -> BulkBody:
    """Raises BadRequest. With *strict*, so do all readers here for a field that nobody documented."""
    return _decode(msgspec.json.Decoder(_StrictBulk if strict else BulkBody).decode, content)


def read_template(content: bytes, *, strict: bool) -> TemplateBody:
    return _decode(msgspec.json.Decoder(_StrictTemplate if strict else TemplateBody).decode, content)


def read_text(content: bytes, *, strict: bool) -> TextBody:
    body = _decode(msgspec.json.Decoder(_StrictText if strict else TextBody).decode, content)
    if not 1 <= len(body.text) <= TEXT_LIMIT:
        raise BadRequest(f"text must have 1 to {TEXT_LIMIT} characters")
    return body


def read_items(content: msgspec.Raw, *, strict: bool, malformed: set[str]) -> Sequence[BodyItem]:
    """The recipients of a bulk. One that is wrong makes them all wrong: contract, section 3.1.

    Raises BadRequest: not a list of 1 to 5,000, or a number that is not E.164 or among *malformed*.
    """
    items: Sequence[BodyItem]
    if strict:
        items = _decode(_STRICT_BULK_ITEMS.decode, bytes(content), "recipients")
    else:
        items = _decode(_BULK_ITEMS.decode, bytes(content), "recipients")
    if not items:
        raise BadRequest("recipients should not be empty")
    if len(items) > BULK_LIMIT:
        raise BadRequest(f"recipients must contain no more than {BULK_LIMIT} elements")
    numbers = [item.to for item in items]
    if all(map(_PHONE.fullmatch, numbers)) and malformed.isdisjoint(numbers):
        return items
    raise BadRequest(
        *(
            f"recipients.{place}.to must be a phone number"
            for place, number in enumerate(numbers)
            if number in malformed or not _PHONE.fullmatch(number)
        )
    )


def check_phone(number: str, malformed: set[str]) -> None:
    """Raises BadRequest: not strict E.164, or among *malformed*."""
    if not _PHONE.fullmatch(number) or number in malformed:
        raise BadRequest("to must be a phone number")


def _decode(decode: Callable[[bytes], Decoded], content: bytes, inside: str = "") -> Decoded:
    try:
        return decode(content)
    except msgspec.ValidationError as error:
        raise BadRequest(_complaint(str(error), inside)) from error
    except msgspec.DecodeError as error:
        raise BadRequest("Unexpected token in JSON") from error
    except UnicodeDecodeError as error:
        raise BadRequest("Unexpected token in JSON") from error


def _complaint(words: str, inside: str) -> str:
    """msgspec's words in those of the service's framework: `recipients.17.to must be a string`."""
    match = _PATH.fullmatch(words)
    what, path = (match[1], match[2] or "") if match else (words, "")
    parts = [inside, *re.findall(r"[^.\[\]]+", path)]
    where = ".".join(part for part in parts if part)
    name = found[1] if (found := _QUOTED.search(what)) else ""
    prefix = f"{where}." if where else ""
    if "unknown field" in what:
        return f"{prefix}property {name} should not exist"
    if "missing required field" in what:
        return f"{prefix}{name} should not be empty"
    kind = {"str": "string", "object": "object", "array": "array", "bool": "boolean"}.get(name, name)
    return f"{where or 'body'} must be {'an' if kind[0] in 'ao' else 'a'} {kind}"
