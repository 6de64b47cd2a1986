"""A service whose errors may come with 200: what is refused, what is unknown, what is no error at all."""

import pytest

from keebai_async.keebai.settings import KEEBAI
from keebai_async.transport.dialect import Conventions
from keebai_async.transport.error_body import fault_in_success, fault_of
from keebai_async.transport.judge import judge
from keebai_async.transport.reply import Answer

CANDID = Conventions(refused=frozenset({400, 409, 413, 422}), error_in_success=True)


def verdict(status: int, body: bytes, conventions: Conventions) -> str:
    return type(judge(Answer(status=status, body=body), wall=0.0, conventions=conventions)).__name__


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
    assert verdict(200, body, KEEBAI) == without


def test_a_conflict_is_a_refusal_only_where_the_service_says_so() -> None:
    assert verdict(409, b"{}", CANDID) == "Refused"
    assert verdict(409, b"{}", KEEBAI) == "Unknown"


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
    assert fault_of(Answer(status=400, body=body)).message == message


def test_plain_words_are_told_as_they_are() -> None:
    answer = Answer(status=400, headers=(("Content-Type", "text/plain"),), body=b"words")
    assert fault_of(answer).message == "words"


def test_a_list_is_never_an_error() -> None:
    assert fault_in_success(Answer(status=200, body=b'[{"error":"(#131026)"}]')) is None
