"""Who is let in: by the contract's rules and vectors, whatever a request looks like."""

import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.errors import InvalidInput
from keebai_async.webhooks import (
    MessageRead,
    OtherEvent,
    RefusedDelivery,
    SharedHeader,
    SigningSecret,
    WebhookSecrets,
    receive,
    signature_header,
    verify,
)
from keebai_async.webhooks.signature import Headers, read_signature

A = "whsec_" + "0123456789abcdef" * 4
B = "whsec_" + "fedcba9876543210" * 4
NOW = 1_790_000_000
READ = (
    '{"id":"evt_1","type":"whatsapp.message.read","data":{"status":"read","note":"¡Hola, Lucía!"}}'.encode()
)
VECTORS = [
    (A, b'{"a":1}', "8f33976d528a27bb36b8ee4a7732fedb47249a432ca8fe4dbd61f5bf8c468332"),
    (B, b'{"a":1}', "0d59a73da5c59068fadbde50812048d857c24990b5f3961b02987d98509e4f24"),
    (A, READ, "82fccd5f170ff69a9c733fbcce966b49b9bc29b19c300b6fbe57473aabb7e2d1"),
    (A, b"", "4ecba7b2779115c2a8d6729f3ef7b216c9b86ead8fa95c7aaab14cecd56a3eae"),
]

bodies = st.binary(max_size=300)
secrets = st.text(string.ascii_letters + string.digits + "_-", min_size=1, max_size=80)


def said(header: str, *, name: str = "X-Keebai-Signature") -> dict[str, str]:
    return {name: header}


def status(
    headers: Headers, body: bytes = b"{}", *, now: float = NOW, keys: WebhookSecrets | None = None
) -> int:
    refusal = verify(headers, body, now=now, secrets=keys or WebhookSecrets(A))
    return 204 if refusal is None else refusal.status


@pytest.mark.parametrize(("secret", "body", "digest"), VECTORS)
def test_the_contract_s_vectors_hold(secret: str, body: bytes, digest: str) -> None:
    assert signature_header(secret, body, at=NOW) == f"t={NOW},v1={digest}"
    assert status(said(f"t={NOW},v1={digest}"), body, keys=WebhookSecrets(secret)) == 204


def test_a_delivery_gives_its_event_and_one_that_is_not_signed_its_refusal() -> None:
    event = receive(said(signature_header(A, READ, at=NOW)), READ, now=NOW + 1, secrets=WebhookSecrets(A, B))
    refusal = receive({}, READ, now=NOW, secrets=WebhookSecrets(A))

    assert isinstance(event, MessageRead)
    assert event.id == "evt_1"
    assert refusal == RefusedDelivery(status=401, reason="no signature")


@given(body=bodies, secret=secrets, at=st.integers(0, 10**12 - 1), off=st.floats(-300, 300))
def test_what_is_signed_and_fresh_is_let_in(body: bytes, secret: str, at: int, off: float) -> None:
    assert (
        status(said(signature_header(secret, body, at=at)), body, now=at, keys=WebhookSecrets(secret)) == 204
    )
    assert (
        status(said(signature_header(secret, body, at=NOW)), body, now=NOW + off, keys=WebhookSecrets(secret))
        == 204
    )


@given(body=bodies, other=bodies, place=st.integers(0, 10_000))
def test_one_other_byte_and_it_is_not_let_in(body: bytes, other: bytes, place: int) -> None:
    header = said(signature_header(A, body, at=NOW))
    changed = bytearray(body or b"x")
    changed[place % len(changed)] ^= 1 + place % 255

    assert status(header, bytes(changed)) == 401
    assert status(header, body + other) == (401 if other else 204)


@pytest.mark.parametrize("off", [300.001, 301, 86_400, -300.001, -301, -86_400, float("inf"), float("-inf")])
def test_a_replay_and_a_wrong_clock_are_not_let_in(off: float) -> None:
    assert status(said(signature_header(A, b"{}", at=NOW)), now=NOW + off) == 401
    assert (
        status(said(signature_header(A, b"{}", at=NOW)), now=NOW + off, keys=WebhookSecrets(A, rotating=True))
        == 401
    )


@given(header=st.text(max_size=200), body=bodies, rotating=st.booleans())
def test_no_header_that_somebody_makes_up_is_let_in_or_breaks_anything(
    header: str, body: bytes, rotating: bool
) -> None:
    assert status(said(header), body, keys=WebhookSecrets(A, rotating=rotating)) in (401, 503)
    assert status([(b"x-keebai-signature", header.encode("utf-8", "replace"))], body) == 401


ODD = (
    *("t=", "t=1", f"t={NOW}", f"t=+{NOW}", f"t=-{NOW}", f"t={NOW}.0", f"t= {NOW} ", "t=٣", "t=1e9", "T=1"),
    *("t=1234567890123", "v1=", "v1", "=", "", " ", "v1=00", "v1=" + "0" * 64, "v1=" + "é" * 64, "v0=abc"),
    *(f"v1={VECTORS[0][2].upper()}", f"v1={VECTORS[0][2][:-1]}", f"v1={VECTORS[0][2]}0", "v1==="),
)


@given(st.lists(st.sampled_from(ODD), max_size=6))
def test_no_order_of_odd_parts_is_let_in(found: list[str]) -> None:
    assert status(said(",".join(found)), b'{"a":1}') == 401


GOOD = VECTORS[0][2]


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},v1={GOOD}",
        f" t = {NOW} , v1 = {GOOD} ",
        f"v1={GOOD},t={NOW}",
        f"v0=0,t={NOW},v1={'0' * 64},v1={GOOD},v2=a=b=c",
        f"t={NOW},v1={GOOD},v1=short",
        f"t={NOW},v1={VECTORS[1][2]},v1={GOOD}",
    ],
)
def test_a_good_digest_among_others_is_found(header: str) -> None:
    assert status(said(header), b'{"a":1}') == 204


@pytest.mark.parametrize(
    "header",
    [
        f"t={NOW},t={NOW},v1={GOOD}",
        f"t=1,t={NOW},v1={GOOD}",
        f"t=0{NOW},v1={GOOD}",
        f"t={NOW}",
        f"v1={GOOD}",
        "",
    ],
)
def test_two_times_another_spelling_of_the_time_and_missing_parts_are_not_let_in(header: str) -> None:
    assert status(said(header), b'{"a":1}') == 401


def test_the_time_counts_as_it_was_written() -> None:
    digest = SigningSecret(A).digest(f"00{NOW}", b"{}").decode()

    assert status(said(f"t=00{NOW},v1={digest}")) == 204
    assert status(said(f"t={NOW},v1={digest}")) == 401


@pytest.mark.parametrize("name", ["x-keebai-signature", "X-KEEBAI-SIGNATURE", "X-Keebai-Signature"])
def test_the_name_of_the_header_is_found_in_any_case(name: str) -> None:
    header = signature_header(A, b"{}", at=NOW)

    assert status(said(header, name=name)) == 204
    assert status([(name.encode(), header.encode())]) == 204
    assert status([(f"{name}s", header)]) == 401


def test_two_headers_are_one_that_was_cut() -> None:
    first, second = signature_header(A, b"{}", at=NOW), signature_header(B, b"{}", at=NOW)
    time, _, digest = first.partition(",")

    assert status([("X-Keebai-Signature", time), ("X-Keebai-Signature", digest)]) == 204
    assert status([("X-Keebai-Signature", first), ("X-Keebai-Signature", second)]) == 401  # two times


def test_two_secrets_are_both_accepted_and_a_third_is_not() -> None:
    both = WebhookSecrets(A, B)
    third = signature_header("whsec_other", b"{}", at=NOW)

    assert status(said(signature_header(A, b"{}", at=NOW)), keys=both) == 204
    assert status(said(signature_header(B, b"{}", at=NOW)), keys=both) == 204
    assert status(said(third), keys=both) == 401


def test_while_secrets_change_what_is_fresh_and_matches_none_is_asked_for_again() -> None:
    changing = WebhookSecrets(A, rotating=True)

    assert status(said(signature_header(B, b"{}", at=NOW)), keys=changing) == 503
    assert status(said(signature_header(B, b"{}", at=NOW - 301)), keys=changing) == 401
    assert status(said(f"t={NOW},v9=1"), keys=changing) == 401
    assert status({}, keys=changing) == 401
    assert status(said(signature_header(A, b"{}", at=NOW)), keys=changing) == 204


C = "whsec_" + "00112233" * 8


@given(
    signers=st.lists(st.sampled_from([A, B, C]), max_size=4),
    holders=st.sets(st.sampled_from([A, B, C]), min_size=1, max_size=2),
    noise=st.lists(st.sampled_from(["v0=1", "v1=00", f"v1={'0' * 64}", "x", "t2=5", ""]), max_size=3),
    off=st.sampled_from([-301, -300, 0, 300, 301]),
    rotating=st.booleans(),
    body=bodies,
)
def test_who_is_let_in_is_who_signed_with_a_secret_of_ours_just_now(
    signers: list[str], holders: set[str], noise: list[str], off: int, rotating: bool, body: bytes
) -> None:
    signed = b"%d.%b" % (NOW, body)
    digests = [f"v1={hmac.new(key.encode(), signed, hashlib.sha256).hexdigest()}" for key in signers]
    header = said(",".join([*noise, f"t={NOW}", *digests]))

    came = status(header, body, now=NOW + off, keys=WebhookSecrets(*holders, rotating=rotating))

    ours, fresh = bool(holders & set(signers)), abs(off) <= 300
    formed = bool(signers) or any(each.startswith("v1=") for each in noise)
    if ours and fresh:
        assert came == 204
    elif formed and not ours and fresh and rotating:
        assert came == 503
    else:
        assert came == 401


@pytest.mark.parametrize("secret", ["", " ", "whsec_ñ", "whsec_a b", "whsec_\n"])
def test_what_is_no_secret_is_said_at_once(secret: str) -> None:
    with pytest.raises(InvalidInput, match="webhook secret"):
        WebhookSecrets(secret)


def test_no_secret_prints_itself() -> None:
    everything = (
        f"{SigningSecret(A)!r} {SigningSecret(A)} {WebhookSecrets(A)!r} {SharedHeader('X-Ours', A)!r}"
    )

    assert "0123" not in everything


@given(st.text(max_size=60))
def test_reading_a_header_never_fails(header: str) -> None:
    found = read_signature(header)

    assert found is None or (found.time.isdigit() and found.digests)


@given(value=st.text(max_size=40), times=st.integers(0, 3))
def test_a_shared_header_is_let_in_once_and_with_its_own_value_only(value: str, times: int) -> None:
    proof = SharedHeader("X-Ours", "0123456789abcdef-long")
    came = [("x-ours", value)] * times

    assert verify(came, b"{}", now=0.0, secrets=proof) is not None
    assert verify([("X-OURS", "0123456789abcdef-long")], b"{}", now=0.0, secrets=proof) is None
    assert verify([("X-OURS", "0123456789abcdef-long")] * 2, b"{}", now=0.0, secrets=proof) is not None


def test_a_shared_header_that_can_be_guessed_is_no_proof() -> None:
    with pytest.raises(InvalidInput, match="16 characters"):
        SharedHeader("X-Ours", "short")


def test_a_body_that_nobody_understands_is_let_in_when_it_is_signed() -> None:
    body = b"\xff\x00 no json"

    event = receive(said(signature_header(A, body, at=NOW)), body, now=NOW, secrets=WebhookSecrets(A))

    assert event == OtherEvent(kind="", body=body)
