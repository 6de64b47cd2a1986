"""A body is read for what it is, whatever its header says."""

import gzip
import importlib
import itertools
import sys
import zlib
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keebai_async.transport.decoding import BodyUnreadable, Decoder

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

brotli = importlib.import_module("brotli")  # it has no types

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


LAYERS = {
    "gzip": partial(gzip.compress, mtime=0),
    "x-gzip": partial(gzip.compress, mtime=0),
    "deflate": zlib.compress,
    "zstd": zstd.compress,
    "br": brotli.compress,
    "identity": bytes,
    "none": bytes,
}


@pytest.mark.parametrize("size", [1, 7, 1000])
@pytest.mark.parametrize("names", [*itertools.product(LAYERS), *itertools.permutations(LAYERS, 2)])
@pytest.mark.parametrize("plain", [PLAIN, b"", b"[" + PLAIN * 20 + b"]"])
def test_what_was_packed_once_or_twice_is_unpacked_in_the_other_order(
    names: tuple[str, ...], size: int, plain: bytes
) -> None:
    body = plain
    for name in names:
        body = LAYERS[name](body)
    assert read(body, ", ".join(names), size=size) == plain


@pytest.mark.parametrize("body", [b"<html>Bad gateway, try again</html>", b"queued, thank you\r\n", PLAIN])
@pytest.mark.parametrize("name", ["br", "deflate", "zstd", "gzip"])
def test_a_text_that_nobody_packed_is_read_under_the_name_of_a_packing(body: bytes, name: str) -> None:
    assert read(body, name) == body


def test_a_body_of_several_streams_is_read_to_its_end() -> None:
    assert read(gzip.compress(PLAIN) + gzip.compress(PLAIN), "gzip") == PLAIN * 2
    assert read(zstd.compress(PLAIN) + zstd.compress(PLAIN), "zstd") == PLAIN * 2


@pytest.mark.parametrize(("name", "library"), [("br", "brotli"), ("zstd", "backports.zstd")])
def test_without_its_library_a_packed_body_is_unreadable_and_a_plain_one_is_read(
    name: str, library: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if sys.version_info >= (3, 14):
        library = library.replace("backports.zstd", "compression.zstd")
    monkeypatch.setitem(sys.modules, library, None)
    if "." in library:
        monkeypatch.delattr(library)

    with pytest.raises(BodyUnreadable):
        read(LAYERS[name](PLAIN), name)
    assert read(PLAIN, name) == PLAIN


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
        (zstd.compress(b"x" * 100_000), "zstd"),
        (zstd.compress(PLAIN)[:-3], "zstd"),
        (brotli.compress(b"x" * 100_000), "br"),
        (brotli.compress(PLAIN)[:-3], "br"),
        (gzip.compress(zstd.compress(gzip.compress(gzip.compress(PLAIN, mtime=0), mtime=0)), mtime=0), ""),
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
    assert plain == body or body[:2] == b"\x1f\x8b" or encoding in {"deflate", "br"}
