"""Files under gzip and zstd, opened to be read as what they hold."""

import gzip
import io
import sys
from pathlib import Path

from keebai_async.errors import UnusableSource


def open_plain(path: str) -> io.BufferedIOBase:
    return Path(path).open("rb")


def open_gzip(path: str) -> io.BufferedIOBase:
    return gzip.open(path, "rb")


def open_zstd(path: str) -> io.BufferedIOBase:
    """Raises UnusableSource when nothing here reads zstd: Python 3.14 does, before it an extra."""
    try:
        if sys.version_info >= (3, 14):
            from compression import zstd
        else:
            from backports import zstd
    except ImportError:
        raise UnusableSource(
            f"{path}: to read zstd, install keebai-async[files], or unpack it: zstd -d {path}"
        ) from None

    class ZstdReader(zstd.ZstdFile):
        def read1(self, size: int | None = -1) -> bytes:
            try:
                return super().read1(-1 if size is None else size)
            except zstd.ZstdError as error:  # no OSError, as gzip's are
                raise OSError(str(error)) from error

    return ZstdReader(path, "rb")


OPENERS = {".gz": open_gzip, ".zst": open_zstd}
