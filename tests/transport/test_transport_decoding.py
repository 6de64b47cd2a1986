"""A body is read for what it is, whatever its header says."""

import gzip
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.transport.decoding import BodyUnreadable, Decoder

PLAIN = b'{"broadcast_id":"b","status":"QUEUED"}'
RAW = zlib.compressobj(wbits=-15)
RAW_DEFLATE = RAW.compress(PLAIN) + RAW.flush()


def read(body: bytes, encoding: str = "", *, cap: int = 1000, size: int = 7) -> bytes:
    decoder = Decoder(encoding, cap)
    pieces = [body[start : start + size] for start in range(0, len(body), size)]
    return b"".join([decoder.feed(piece) for piece in pieces]) + decoder.finish()


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize(
    "encoding", ["", "identity", "gzip", "x-gzip", "deflate", "br", "zstd", "none", "GZIP "]
)
def test_a_plain_body_is_read_under_any_encoding(encoding: str, size: int) -> None:
    assert read(PLAIN, encoding, size=size) == PLAIN


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "", "br", "gzip, identity"])
def test_a_packed_body_is_unpacked_whatever_its_header_says(encoding: str, size: int) -> None:
    assert read(gzip.compress(PLAIN), encoding, size=size) == PLAIN


@pytest.mark.parametrize("body", [zlib.compress(PLAIN), RAW_DEFLATE])
def test_deflate_is_read_with_and_without_its_head(body: bytes) -> None:
    assert read(body, "deflate") == PLAIN


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (gzip.compress(PLAIN, mtime=0)[:-9], "gzip"),
        (b"\x8b\x03\x80\xff\x00", "br"),
        (b"text with a \0", "br"),
        (b"\xc3", "zstd"),
        (b"x" * 1001, ""),
        (gzip.compress(b"x" * 100_000, mtime=0), "gzip"),
    ],
)
def test_what_cannot_be_read_says_so(body: bytes, encoding: str) -> None:
    with pytest.raises(BodyUnreadable):
        read(body, encoding)


@given(st.binary(max_size=80), st.sampled_from(["", "gzip", "deflate", "br"]), st.integers(1, 9))
def test_any_bytes_are_read_or_refused(body: bytes, encoding: str, size: int) -> None:
    try:
        plain = read(body, encoding, size=size)
    except BodyUnreadable:
        return
    assert plain == body or body[:2] == b"\x1f\x8b" or encoding == "deflate"
