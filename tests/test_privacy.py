"""What may be shown: nobody's number, in no spelling; no token, whole or cut; and all else as it was."""

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keebai_async.privacy import mask, one_line, shown, without_credentials, without_numbers, without_secret

SECRET = b"kbai_pk_" + b"5ec2e7a1" * 8

SCRIPTS = [[chr(zero + digit) for digit in range(10)] for zero in (0x30, 0xFF10, 0x660, 0x6F0, 0x966)]
BETWEEN = (
    " -.()_\t\u00a0\u202f\u2009\u3000\u2011\u2013\u2212"
    "\u200b\u200e\u2060\ufeff\u00b7\uff08\uff09\uff0e\uff0d\u3164"
)
GAPS = st.text(BETWEEN, max_size=3)
NUMBERS = st.from_regex(r"[1-9][0-9]{6,14}", fullmatch=True)


@st.composite
def spellings(draw: st.DrawFn) -> tuple[str, str]:
    """The digits of a number, and one way in which somebody may write it."""
    number = draw(NUMBERS)
    prefixes = ["+", "\uff0b", "00", "+ (", "\ufe62", *([""] if len(number) > 9 else [])]
    prefix = draw(st.sampled_from(prefixes))
    script = draw(st.sampled_from(SCRIPTS))
    places = draw(st.sets(st.integers(1, len(number) - 1)))
    written = "".join(
        (draw(GAPS) if place in places else "") + script[int(digit)] for place, digit in enumerate(number)
    )
    return number, prefix + written


def callable_runs(text: str, number: str) -> list[str]:
    """What of *number* is left in *text*: seven of its digits or more, whatever stands between them."""
    plain = "".join(str(int(one)) if one.isdecimal() else one for one in text)
    joined = re.sub(r"[^\w…]|[_\u3164]", "", plain)
    return [number[at : at + 7] for at in range(len(number) - 6) if number[at : at + 7] in joined]


@given(spellings(), st.text(max_size=12), st.text(max_size=12))
@example(("5491155550101", "+54 9 11 5555-0101"), "to ", " is malformed")
@example(("5491155550101", "5491155550101"), "row ", "")
@example(("5491155550101", "5491155550101"), "#", "")
@example(("5491155550101", "5491155550101"), "$ ", " USD")
@example(("5491155550101", "5491155550101"), "2026-11-05 ", "")
@example(("5491155550101", "5491155550101"), "12…", "…34")
@example(("5491155550101", "5491155550101"), "tel", "x")
@example(("5491155550101", "54 9 11 5555 0101"), "(#131049) ", "")
def test_no_spelling_of_a_number_is_left_in_any_text(
    spelling: tuple[str, str], before: str, after: str
) -> None:
    number, written = spelling
    text = f"{before}{written}{after}"
    if callable_runs(before + "…" + after, number):
        return  # the text around says it by itself, by chance

    assert not callable_runs(shown(text), number)
    assert not callable_runs(without_numbers(text), number)


@given(spellings())
def test_a_number_is_masked_alike_in_whatever_spelling(spelling: tuple[str, str]) -> None:
    number, written = spelling

    assert mask(written).removeprefix("+") == mask(number)
    assert shown(written).removeprefix("(").removeprefix("+") == mask(number)
    assert without_numbers(written) == "…"


@given(st.text(max_size=60))
@example("+549…0101 549…0102")
@example("(#131049) 5491155550101, 5491155550102 5491155550103")
@example("Bearer abcdef … kbai_pk_0123")
def test_what_is_shown_can_be_shown_again(text: str) -> None:
    once = shown(text)

    assert shown(once) == once
    assert once.isprintable()
    assert without_numbers(without_numbers(text)) == without_numbers(text)


@pytest.mark.parametrize(
    "text",
    [
        "recipients.17.to must be a valid phone number",
        "recipients[4999].variables.1 is blank",
        "row 12, to (+549…0101): too short for Argentina (8 digits, 10 needed): check the number",
        "row 1234567: repeats row 999999",
        "the first 12,345,678 of 49,321,000 people",
        "(#131049) the limit of marketing messages",
        "(#2494100), code 2494100, error code: 131026",
        "Meta said 400 (131049), 400 131026",
        "131049 (5000 times), 131026 in 12 rows",
        "BROADCAST_NOT_FOUND 66aa00112233445566778899",
        "request 123e4567-e89b-12d3-a456-426614174000",
        "since 2026-09-21T14:13:20.000Z, until 2026-11-05 10:00, on 05.11.2026 or 05/11/2026",
        "it costs 0.0625 USD for each, US$ 1,250,000.00 in all",
        "ARS 1250000.50, 1.250.000,50, $ 12500, 1250000 CLP, € 1.250.000",
        "429: 60/60s,1000/3600s spent, again in 3599.5 s",
        "+1 more, +54 alone, 00 and 112",
        "Mañana a las 10:30, piso 4º, 100 %",
    ],
)
def test_what_is_no_number_stays_readable(text: str) -> None:
    assert shown(text) == text
    if "…" not in text:
        assert without_numbers(text) == text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("to +54 9 11 5555-0101 is malformed", "to +549…0101 is malformed"),
        ("(or 011 15-5555-0101)", "(or 011…0101)"),
        ("0054 9 11 5555 0101", "+549…0101"),
        ("variables.5491155550101 must be a text", "variables.549…0101 must be a text"),
        ("5,491,155,550,101 and 5491155550101.0", "549…0101 and 549…1010"),
        ("two\nlines\x1b[31m and a\u200bgap", "two lines [31m and a gap"),
        ("Bearer kbai_pk_0123456789abcdef!", "Bearer …"),
        ("pat_0123456789abcdef, again", "pat_…, again"),
        ("token kbai_pk_0123456789abcdef\n0123456789abcdef is bad", "token kbai_pk_… is bad"),
        ("hash " + "0123456789abcdef" * 4, "hash …"),
    ],
)
def test_what_is_shown_of_it(text: str, expected: str) -> None:
    assert shown(text) == expected


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+5491155550101", "+549…0101"),
        ("5491155550101", "549…0101"),
        ("00 54 9 11 5555 0101", "+549…0101"),
        ("+541155550", "+54…50"),
        ("+1234567", "…"),
        ("123456", "…"),
        ("Juan Pérez", "Juan…érez"),
        ("\x1b[2J\x1b[2Jxy", "[2…xy"),
        ("", "…"),
    ],
)
def test_a_mask_tells_two_people_apart_without_naming_one(number: str, masked: str) -> None:
    assert mask(number) == masked


def test_a_text_is_bounded_and_read_in_no_time() -> None:
    assert len(shown("word " * 100_000)) == 500
    assert shown("x" * 130, longest=120) == "x" * 119 + "…"
    assert shown("x" * 120, longest=120) == "x" * 120


@given(st.integers(1, len(SECRET) - 1), st.sampled_from([" ", "\\n", '","', "\\u2026", " ... ", "\n", "-"]))
def test_a_secret_cut_in_two_is_hidden_whole(at: int, gap: str) -> None:
    body = b'{"message":"bad token ' + SECRET[:at] + gap.encode() + SECRET[at:] + b' here"}'

    hidden = without_secret(body, SECRET, pieces=True)

    assert hidden == b'{"message":"bad token ... here"}'


@given(st.integers(8, len(SECRET)), st.booleans())
def test_what_is_left_of_a_secret_is_hidden(length: int, tail: bool) -> None:
    piece = SECRET[-length:] if tail else SECRET[:length]

    assert without_secret(b"{" + piece + b"}", SECRET, pieces=True) == b"{...}"


def test_only_whole_secrets_are_taken_out_of_what_is_not_shown() -> None:
    id_like = SECRET[8:32]

    assert without_secret(id_like + b" " + SECRET, SECRET) == id_like + b" ..."
    large = b" " * 70_000 + id_like + SECRET
    assert without_secret(large, SECRET, pieces=True) == b" " * 70_000 + id_like + b"..."


@pytest.mark.parametrize("text", ["a\nb", " a  b ", "a\x1b[2Jb", "a\u202eb", "a\x00b"])
def test_one_line_moves_no_cursor(text: str) -> None:
    assert one_line(text).isprintable()
    assert one_line(one_line(text)) == one_line(text)


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("postgresql://db.example:5432/campaigns", "postgresql://db.example:5432/campaigns"),
        ("postgresql://me:word@db.example/campaigns?ssl=1", "postgresql://…@db.example/campaigns?…"),
        ("postgresql://me:w@r/d@db.example/x", "postgresql://…@db.example/x"),
        ("postgresql://me:w?rd@db.example/x", "postgresql:…"),
        ("postgresql:host=db password=word", "postgresql:…"),
        ("redis://:word@127.0.0.1:6379/0", "redis://…@127.0.0.1:6379/0"),
        ("unix:///run/redis.sock?password=word", "unix:///run/redis.sock?…"),
        ("memory:", "memory:"),
    ],
)
def test_an_address_is_shown_without_its_credentials(url: str, expected: str) -> None:
    assert without_credentials(url) == expected


@given(st.text(max_size=8), st.text(max_size=8), st.sampled_from(["", "//"]))
def test_no_credential_is_left_of_any_address(before: str, after: str, slashes: str) -> None:
    for url in (
        f"db:{slashes}{before}Secret-1@{after}" if "@" not in after else "db:",
        f"db:{slashes}host/x?{before}Secret-1{after}",
        f"db:{slashes}{before}:Secret-1@host/x?Secret-1",
    ):
        assert "Secret-1" not in without_credentials(url)
