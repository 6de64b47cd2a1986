"""What differs from service to service: errors that come with 200, statuses, codes and names of fields."""

import re
from pathlib import Path

import pytest

import keebai_async
from keebai_async import Keebai, OutcomeUnknown, TokenRejected, Whautomate
from keebai_async.keebai.settings import KEEBAI_DIALECT
from keebai_async.quota.gate import OpenGate
from keebai_async.transport.dialect import STANDARD, ServiceDialect
from keebai_async.transport.error_body import read_error, read_error_in_success
from keebai_async.transport.reply import Answer
from keebai_async.transport.verdict import judge
from tests.transport.wire_server import answers, message, serving

CANDID = ServiceDialect(refused=frozenset({400, 409, 413, 422}), error_in_success=True)


def verdict(status: int, body: bytes, dialect: ServiceDialect) -> str:
    return type(judge(Answer(status=status, body=body), wall=0.0, dialect=dialect)).__name__


@pytest.mark.parametrize(
    ("body", "with_errors", "without"),
    [
        (b'{"id":"1"}', "Accepted", "Accepted"),
        (b'{"error":"no"}', "Refused", "Accepted"),
        (b'{"error":{"message":"no"}}', "Refused", "Accepted"),
        (b'{"success":false}', "Refused", "Accepted"),
        (b'{"success":true}', "Accepted", "Accepted"),
        (b'{"error":null,"id":"1"}', "Accepted", "Accepted"),
        (b'{"error":"","id":"1"}', "Accepted", "Accepted"),
        (b'{"id":"1","error":"late"}', "Unknown", "Accepted"),
        (b'{"data":{"id":"1"},"error":"late"}', "Unknown", "Accepted"),
        (b"<html>", "Unknown", "Unknown"),
        (b'{"error":', "Unknown", "Unknown"),
    ],
)
def test_an_error_inside_a_200_is_a_refusal_unless_something_was_made(
    body: bytes, with_errors: str, without: str
) -> None:
    assert verdict(200, body, CANDID) == with_errors
    assert verdict(200, body, KEEBAI_DIALECT) == without


def test_a_conflict_is_a_refusal_only_where_the_service_says_so() -> None:
    assert verdict(409, b"{}", CANDID) == "Refused"
    assert verdict(409, b"{}", KEEBAI_DIALECT) == "Unknown"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b'{"error":"words"}', "words"),
        (b'{"error":{"message":"words"}}', "words"),
        (b'{"error":["words","more"]}', "words; more"),
        (b'{"errors":1,"message":"words"}', "words"),
        (b'{"success":false,"message":"words"}', "words"),
        (b'"words"', "words"),
        (b"[1,2]", "Bad Request"),
        (b"", "Bad Request"),
        (b"\xff\xfe", "Bad Request"),
    ],
)
def test_the_words_of_an_error_are_found_in_any_envelope(body: bytes, message: str) -> None:
    assert read_error(Answer(status=400, body=body)).message == message


def test_plain_words_are_told_as_they_are() -> None:
    answer = Answer(status=400, headers=(("Content-Type", "text/plain"),), body=b"words")
    assert read_error(answer).message == "words"


def test_a_list_is_never_an_error() -> None:
    assert read_error_in_success(Answer(status=200, body=b'[{"error":"(#131026)"}]'), CANDID) is None


def test_a_field_and_an_item_are_found_by_the_names_that_the_service_uses() -> None:
    said = Answer(status=400, body=b'{"message":["shipment.3.to is bad","weight must be a number"]}')
    post = ServiceDialect(fields=frozenset({"weight"}), people="shipment")
    assert read_error(said, post).items == (3,)
    assert read_error(said).items == ()
    heavy = Answer(status=400, body=b'{"message":"weight must be a number"}')
    assert (read_error(heavy, post).field, read_error(heavy).field) == ("weight", None)


def test_a_code_that_means_perhaps_sent_is_the_services_own() -> None:
    body = b'{"error":{"code":"META_MISSING_MESSAGE_ID"}}'
    assert verdict(400, body, KEEBAI_DIALECT) == "Unknown"
    assert verdict(400, body, STANDARD) == "Refused"
    gone = ServiceDialect(perhaps_sent=frozenset({"GONE_OUT"}))
    assert verdict(400, b'{"error":{"code":"GONE_OUT"}}', gone) == "Unknown"


ROOMS = [Path(keebai_async.__file__).parent / room for room in ("transport", "quota")]
FILES = sorted(path for room in ROOMS for path in room.glob("*.py"))
ABOVE = "campaign|campaigns|client|cli|journal|keebai|planning|polling|whautomate"


@pytest.mark.parametrize("file", FILES, ids=[f"{file.parent.name}/{file.stem}" for file in FILES])
def test_transport_and_quota_know_no_service(file: Path) -> None:
    source = file.read_text(encoding="utf-8")

    assert not re.findall(rf"(?:from|import) keebai_async\.(?:{ABOVE})\b", source)


async def test_each_client_speaks_its_services_dialect() -> None:
    perhaps = message(400, b'{"error":{"code":"META_MISSING_MESSAGE_ID"}}')
    async with (
        serving(answers(perhaps)) as server,
        Keebai("token-of-twelve", base_url=server.url, limiter=OpenGate()) as keebai,
    ):
        with pytest.raises(OutcomeUnknown):
            await keebai.messages.send_text("+5491155550101", "Hola", channel_id="c")
        with pytest.raises(OutcomeUnknown):
            await keebai.broadcasts.create_raw(b"{}", recipients=1)
    async with (
        serving(answers(message(401, b"{}"))) as server,
        Whautomate("token-of-twelve", host=server.url, limiter=OpenGate()) as whautomate,
    ):
        with pytest.raises(TokenRejected, match="region"):
            await whautomate.segments.get("s")
