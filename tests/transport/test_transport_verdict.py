"""What a reply means, row by row of the table, and what must hold for every reply there is."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.keebai.settings import KEEBAI_DIALECT
from keebai_async.quota.gate import Allowance
from keebai_async.quota.pause import LONGEST_PAUSE
from keebai_async.transport.error_body import LARGEST_READ, ErrorBody
from keebai_async.transport.error_body import read_error as read_in
from keebai_async.transport.rate_headers import allowances_of, pause_of
from keebai_async.transport.reply import Answer, Failure, Outcome, Stage
from keebai_async.transport.verdict import (
    Accepted,
    Halted,
    Refused,
    SubmitPolicy,
    Throttled,
    Unknown,
    Unsent,
    judge,
)

HTML = (("Content-Type", "text/html; charset=utf-8"),)


def answer(status: int, body: object = b"", headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    return Answer(
        status=status, headers=headers, body=body if isinstance(body, bytes) else json.dumps(body).encode()
    )


def verdict_of(outcome: Outcome, **policy: frozenset[int]) -> str:
    return type(judge(outcome, wall=0.0, policy=SubmitPolicy(**policy), dialect=KEEBAI_DIALECT)).__name__


def read_error(answer: Answer) -> ErrorBody:
    return read_in(answer, KEEBAI_DIALECT)


@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (Failure(stage=Stage.NOT_WRITTEN, reason="refused"), "Unsent"),
        (Failure(stage=Stage.WRITTEN, reason="reset"), "Unknown"),
        (answer(202, {"broadcast_id": "b"}), "Accepted"),
        (answer(202, b"not json"), "Accepted"),
        (answer(202, b""), "Accepted"),
        (Answer(status=202, body=b'{"broad', complete=False), "Accepted"),
        (answer(202, b"<!doctype html>"), "Unknown"),
        (answer(202, b"{}", HTML), "Unknown"),
        (answer(200, {"broadcast_id": "b"}), "Accepted"),
        (answer(201, {"broadcast_id": "b"}), "Accepted"),
        (answer(200, b"ok"), "Unknown"),
        (Answer(status=200, body=b"{}", complete=False), "Unknown"),
        (answer(200, b"<html>", HTML), "Unknown"),
        (answer(204), "Unknown"),
        (answer(301), "Unknown"),
        (answer(307), "Unknown"),
        (answer(400), "Refused"),
        (answer(413), "Refused"),
        (answer(422), "Refused"),
        (answer(400, {"error": {"code": "META_MISSING_MESSAGE_ID", "message": "x"}}), "Unknown"),
        (Answer(status=400, body=b"\x8b", complete=False), "Unknown"),  # its words may say that it was sent
        (Answer(status=413, complete=False), "Refused"),
        (answer(401), "Halted"),
        (answer(403), "Halted"),
        (answer(404), "Halted"),
        (answer(429), "Throttled"),
        (answer(408), "Unknown"),
        (answer(409), "Unknown"),
        (answer(418), "Unknown"),
        (answer(500), "Unknown"),
        (answer(502), "Unknown"),
        (answer(503), "Unknown"),
        (answer(504), "Unknown"),
    ],
)
def test_each_row_of_the_table(outcome: Outcome, verdict: str) -> None:
    assert verdict_of(outcome) == verdict


@pytest.mark.parametrize(
    ("status", "reason"),
    [
        (101, "101 Switching Protocols"),
        (299, "299 without readable JSON"),
        (300, "a redirect (300), which is never followed"),
        (302, "a redirect (302), which is never followed"),
        (399, "a redirect (399), which is never followed"),
        (500, "500 Internal Server Error"),
    ],
)
def test_what_is_unknown_says_how_it_was_answered(status: int, reason: str) -> None:
    assert judge(answer(status), wall=0.0) == Unknown(reason=reason, status=status, timed_out=False)


@pytest.mark.parametrize("status", [199, 300])
def test_a_status_beside_the_successes_is_no_success_even_with_the_id_of_a_broadcast(status: int) -> None:
    assert verdict_of(answer(status, {"broadcast_id": "b"})) == "Unknown"


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "meta_missing_message_id"}},
        {"error": {"code": "BAD_REQUEST", "message": "META_MISSING_MESSAGE_ID: no id came back"}},
        {"error": {"code": 400, "details": {"cause": {"meta": ["MetaMissingMessageId"]}}}},
        {"error": "Meta: missing message id", "statusCode": 400},
        {"message": ["META-MISSING-MESSAGE-ID"], "statusCode": 400},
        {"errors": [{"type": "META_MISSING_MESSAGE_ID"}]},
        {"META_MISSING_MESSAGE_ID": True},
        b"META_MISSING_MESSAGE_ID",
        {"message": "META_MISSING_\nMESSAGE_ID"},
        {"message": "META%5FMISSING%5fMESSAGE%255FID"},
        {"message": "META&#95;MISSING&#x5f;MESSAGE&lowbar;ID"},
        {"message": "META_MISSING<br>_MESSAGE<br/>_ID"},
        {"message": '{"message":"{\\"code\\":\\"META\\\\tMISSING\\\\u005fMESSAGE_ID\\"}"}'},
        '{"code":"meta-missing-message-id"}'.encode("utf-16"),
        b'{"error":{"code":"META\\u005fMISSING\\u005fMESSAGE\\u005fID"}}',
        b'{"error":{"code":"META_MISSING_MESSAGE_ID","message":"' + b"x" * 1_000_000 + b'"}}',
        b'{"message":"' + b"x" * 3_000_000 + b'","code":"META_MISSING_MESSAGE_ID"}',
    ],
    ids=range(17),
)
@pytest.mark.parametrize("status", [400, 404, 422, 429, 502])
def test_what_may_have_been_sent_is_unknown_wherever_and_however_it_is_said(
    body: object, status: int
) -> None:
    policy = SubmitPolicy(resend_on=frozenset({502}))
    verdict = judge(answer(status, body), wall=0.0, policy=policy, dialect=KEEBAI_DIALECT)
    assert isinstance(verdict, Unknown)
    assert "META_MISSING_MESSAGE_ID" in verdict.reason


@pytest.mark.parametrize(
    "body",
    [
        {"error": {"code": "MISSING_MESSAGE_ID"}},
        {"message": "meta_data is missing in message 17, id 12"},
        {"error": {"code": "CHANNEL_MISSING_ACCESS_TOKEN"}},
    ],
)
def test_what_only_looks_like_it_is_refused(body: object) -> None:
    assert verdict_of(answer(400, body)) == "Refused"


@pytest.mark.parametrize("depth", [300, 900, 5_000, 100_000])
@pytest.mark.parametrize(("opening", "closing"), [(b'{"a":', b"}"), (b"[", b"]")])
def test_details_of_any_depth_are_read(depth: int, opening: bytes, closing: bytes) -> None:
    deep = opening * depth + b'"recipients.17.to is bad"' + closing * depth
    body = b'{"error":{"code":"BAD_REQUEST","message":"no","details":' + deep + b"}}"
    verdict = judge(answer(400, body), wall=0.0, dialect=KEEBAI_DIALECT)
    assert isinstance(verdict, Refused)
    if depth == 300:
        assert (verdict.fault.items, verdict.fault.field) == ((17,), "recipients.17.to")


def test_a_path_of_strange_parts_names_what_can_be_named() -> None:
    deep: object = []
    for _ in range(400):
        deep = [deep]
    fault = read_error(answer(400, {"error": {"details": {"path": ["recipients", 3, deep, None, "to"]}}}))
    assert (fault.field, fault.items) == ("recipients.3.to", (3,))
    assert read_error(answer(400, {"error": {"details": {"field": None}}})).field is None


@pytest.mark.parametrize(
    "body",
    [
        b'{"message":[' + b'"recipients.17.to must be a phone number",' * 100_000 + b'""]}',
        b'{"message":"' + b"!" * 7_000_000 + b'"}',
        b'{"error":{"details":[' + b"{}," * 1_000_000 + b"{}]}}",
        b'{"error":{"details":' + b'{"a":' * 500_000,
        b'{"message":"' + "\u00e9 ".encode() * 2_000_000 + b'"}',
        b'{"message":"' + b"\\u00e9 " * 700_000 + b'"}',
        b"<" * 5_000_000,
        b'{"error":{"details":[' + b"[]," * (LARGEST_READ // 3 - 20) + b"[]]}}",
        b'{"message":"' + b"to recipients " * (LARGEST_READ // 14 - 2) + b'"}',
    ],
    ids=range(9),
)
def test_a_body_of_megabytes_does_not_hold_the_loop(body: bytes) -> None:
    before = time.thread_time()
    verdict = judge(answer(400, body), wall=0.0, dialect=KEEBAI_DIALECT)
    assert time.thread_time() - before < 0.2  # 10 to 40 ms; parsed whole, up to seconds
    assert isinstance(verdict, Refused)


def test_of_a_body_that_is_too_large_only_the_status_speaks() -> None:
    def said(names: int) -> ErrorBody:
        message = [f"recipients.{number}.to is bad" for number in range(names)]
        return read_error(answer(400, {"message": message}))

    assert said(1_500).items == tuple(range(1_500))
    large = said(8_000)
    assert (large.message, large.field, large.items) == ("Bad Request", None, ())


@pytest.mark.parametrize("timed_out", [True, False])
def test_a_verdict_says_whether_time_ran_out(timed_out: bool) -> None:
    for stage, kind in ((Stage.NOT_WRITTEN, Unsent), (Stage.WRITTEN, Unknown)):
        verdict = judge(Failure(stage=stage, reason="r", timed_out=timed_out), wall=0.0)
        assert isinstance(verdict, kind)
        assert (verdict.reason, verdict.timed_out) == ("r", timed_out)


@pytest.mark.parametrize(("status", "redirect"), [(299, False), (300, True), (399, True), (418, False)])
def test_a_redirect_is_called_one(status: int, redirect: bool) -> None:
    verdict = judge(answer(status, b"ok"), wall=0.0)
    assert isinstance(verdict, Unknown)
    assert ("redirect" in verdict.reason) is redirect


def test_a_page_for_people_is_one_whatever_comes_before_its_first_tag() -> None:
    assert verdict_of(answer(202, b"\r\n  <!doctype html>")) == "Unknown"


def test_a_pause_given_as_a_date_is_measured_on_our_clock_if_the_server_tells_none() -> None:
    headers = (("Retry-After", "Wed, 21 Oct 2026 07:29:30 GMT"),)
    verdict = judge(answer(429, b"", headers), wall=1_792_567_680.0 + 60.0)
    assert verdict == Throttled(pause=30.0)


@pytest.mark.parametrize(
    ("code", "shown"),
    [("BAD_REQUEST", "BAD_REQUEST"), (131049, "131049"), (2494100, "2494100"), (True, None), (None, None),
     ([1], None), (5491155550101, "549…0101"), ("+5491155550101", "+549…0101")],
)  # fmt: skip
def test_a_code_is_told_unless_it_is_somebodys_number(code: object, shown: str | None) -> None:
    assert read_error(answer(400, {"error": {"code": code, "message": "no"}})).code == shown


def test_a_message_may_be_an_object_and_a_blank_one_is_none() -> None:
    assert read_error(answer(400, {"message": [{"message": "deep"}, " ", {"text": 1}]})).message == "deep"
    assert read_error(answer(400, {"message": " "})).message == "Bad Request"


def test_of_many_messages_the_first_five_are_told() -> None:
    assert read_error(answer(400, {"message": list("abcdefg")})).message == "a; b; c; d; e"


def test_a_caller_can_widen_the_table_in_writing() -> None:
    policy = SubmitPolicy(resend_on=frozenset({502, 503}))
    assert judge(answer(502), wall=0.0, policy=policy) == Unsent(
        reason="502 Bad Gateway, which the submit policy resends", timed_out=False, status=502
    )
    assert isinstance(judge(answer(500), wall=0.0, policy=policy), Unknown)


@given(st.integers(100, 599), st.binary(max_size=40), st.booleans())
def test_only_what_was_certainly_not_accepted_may_go_again(status: int, body: bytes, complete: bool) -> None:
    verdict = judge(Answer(status=status, body=body, complete=complete), wall=0.0)
    match verdict:
        case Unsent():
            pytest.fail("an answer came, so bytes left")
        case Throttled():
            assert status == 429
        case Refused():
            assert status in {400, 413, 422}
        case Halted():
            assert status in {401, 403, 404}
        case Accepted():
            assert 200 <= status < 300
        case Unknown():
            assert status not in {401, 403, 404, 413, 422, 429}


@given(st.binary(max_size=200))
def test_no_body_is_too_strange_to_find_fault_in(body: bytes) -> None:
    assert read_error(answer(400, body)).status == 400


def test_the_envelope_with_a_code_is_read() -> None:
    details = {"required": ["messages:bulk"], "missing": ["messages:bulk"]}
    fault = read_error(
        answer(403, {"error": {"code": "INSUFFICIENT_SCOPE", "message": "Forbidden", "details": details}})
    )
    assert (fault.code, fault.message) == ("INSUFFICIENT_SCOPE", "Forbidden")
    assert fault.required == fault.missing == ("messages:bulk",)


def test_the_envelope_of_nest_is_read_with_one_message_or_several() -> None:
    one = read_error(answer(401, {"message": "Invalid or missing API token", "statusCode": 401}))
    assert (one.code, one.message) == (None, "Invalid or missing API token")
    several = read_error(answer(400, {"message": ["language should not be empty", "b"], "statusCode": 400}))
    assert (several.message, several.field) == ("language should not be empty; b", "language")


@pytest.mark.parametrize(
    ("body", "field", "items"),
    [
        ({"message": ["recipients.17.to must be a valid phone number"]}, "recipients.17.to", (17,)),
        ({"message": "recipients[17].to must be E.164"}, "recipients.17.to", (17,)),
        (
            {"message": ["recipients.3.to is bad", "recipients.9.to is bad", "recipients.3.to is worse"]},
            "recipients.3.to",
            (3, 9),
        ),
        (
            {"error": {"code": "BAD_REQUEST", "details": {"field": "recipients.4.to"}}},
            "recipients.4.to",
            (4,),
        ),
        ({"error": {"details": {"errors": [{"path": ["recipients", 5, "to"]}]}}}, "recipients.5.to", (5,)),
        ({"error": {"details": {"recipients.6.to": "no number"}}}, "recipients.6.to", (6,)),
        ({"error": {"details": {"index": 8}}}, None, (8,)),
        ({"error": {"details": {"recipient_index": 9}}}, None, (9,)),
        ({"error": {"details": {"index": True, "item": False}}}, None, ()),
        (
            {"error": {"details": ["recipients.5.to is bad", "recipients.2.to is bad"]}},
            "recipients.5.to",
            (5, 2),
        ),
        ({"error": {"details": {"a": {"field": "language"}, "b": {"field": "to"}}}}, "language", ()),
        ({"message": "property channel_id should not exist"}, "channel_id", ()),
        ({"message": "template_name must be a string"}, "template_name", ()),
        ({"message": "Bad Request"}, None, ()),
    ],
)
def test_a_fault_names_field_and_items(
    body: dict[str, object], field: str | None, items: tuple[int, ...]
) -> None:
    fault = read_error(answer(400, body))
    assert (fault.field, fault.items) == (field, items)


def test_a_servers_words_are_shown_on_one_line_without_numbers_and_secrets() -> None:
    said = "to +5491155555555 is bad\n\x1b[31m for Bearer kbai_pk_0123456789abcdef and pat_0123456789abcdef"
    shown = read_error(answer(400, {"message": said})).message
    assert "55555555" not in shown
    assert "0123456789abcdef" not in shown
    assert shown.isprintable()
    assert "+549…5555" in shown


def test_the_longest_of_all_pauses_counts_whatever_its_suffix() -> None:
    headers = (("Retry-After", "3"), ("retry-after-hour", "1200"), ("Retry-After-minute", "59.5"))
    assert pause_of(answer(429, b"", headers), wall=0.0) == 1200.0


def test_a_pause_may_be_a_date_and_is_measured_on_the_servers_clock() -> None:
    date = ("Date", "Wed, 21 Oct 2026 07:28:00 GMT")
    later = ("Retry-After", "Wed, 21 Oct 2026 07:29:30 GMT")
    assert pause_of(answer(429, b"", (date, later)), wall=0.0) == 90.0
    assert pause_of(answer(429, b"", (later,)), wall=1_792_567_680.0 + 60.0) == 30.0


@pytest.mark.parametrize(
    ("name", "value", "pause"),
    [
        ("Retry-After", "1e9", LONGEST_PAUSE),
        ("Retry-After", "-5", 0.0),
        ("Retry-After", "inf", 0.0),
        ("Retry-After", "nan", 0.0),
        ("Retry-After", "soon", 0.0),
        ("Retry-After", "Wed, 21 Oct 2020 07:28:00 GMT", 0.0),
        ("Retry-After-ms", "1500", 1.5),
        ("Retry-After-minute", " 7.5 ", 7.5),
        ("X-Retry-After", "9", 0.0),
    ],
)
def test_a_pause_is_read_for_what_it_can_mean(name: str, value: str, pause: float) -> None:
    assert pause_of(answer(429, b"", ((name, value),)), wall=1_792_567_680.0) == pause


def test_an_allowance_is_read_with_what_stands_around_its_number() -> None:
    headers = (("X-RateLimit-Limit", " 60, 60;w=60"), ("X-RATELIMIT-REMAINING", "7 left"))
    assert allowances_of(answer(200, b"", headers)) == (Allowance(limit=60, remaining=7),)


@given(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=30))
def test_no_header_is_too_strange_for_a_pause(value: str) -> None:
    headers = (("Retry-After", value), ("X-RateLimit-Limit", value), ("X-RateLimit-Remaining", value))
    assert 0.0 <= pause_of(answer(429, b"", headers), wall=0.0) <= LONGEST_PAUSE
    allowances_of(answer(429, b"", headers))


def test_allowances_pair_limit_and_remainder_by_their_suffix() -> None:
    headers = (
        ("X-RateLimit-Limit-minute", "60"),
        ("X-RateLimit-Remaining-minute", "12"),
        ("x-ratelimit-limit-hour", "1000"),
        ("x-ratelimit-remaining-hour", "7"),
        ("X-RateLimit-Limit", "5"),
        ("X-RateLimit-Reset-minute", "33"),
    )
    assert allowances_of(answer(200, b"", headers)) == (
        Allowance(limit=60, remaining=12),
        Allowance(limit=1000, remaining=7),
    )
