"""Text in other encodings than UTF-8, turned into it while a file is read.

Everything behind works on bytes of UTF-8. UTF-16 begins with its byte order mark, so it is known for certain.
All others look alike, and which one is meant is for a person to say; we only propose one that fits.
"""

import codecs
import io
from typing import Final

from keebai_async.errors import InvalidInput, UnusableSource

UTF_16: Final = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
PROPOSED: Final = ("windows-1252", "mac_roman", "cp850")
"""What spreadsheets in Spanish and Portuguese write: Excel, Excel on a Mac, programs from before Windows."""
_LATIN_LETTERS: Final = frozenset("áéíóúüñçãõâêôàÁÉÍÓÚÜÑÇÃÕÂÊÔÀ")
_FITTING: Final = _LATIN_LETTERS | frozenset(
    "\u00bf\u00a1\u00ba\u00aa\u00b0\u00b7\u00ab\u00bb\u20ac\u201c\u201d\u2018\u2019\u2013\u2014\u2026\u00b4\u00a0"
)
"""With what is typed in these languages: signs that open and close, quotes, dashes, the euro."""
_UTF_8: Final = "utf-8"


def checked_encoding(name: str) -> str:
    """The encoding that a person calls *name*.

    Raises:
        InvalidInput: there is none of this name, or it is none of texts.
    """
    try:
        "".encode(name)
        return codecs.lookup(name).name
    except (LookupError, ValueError, TypeError):
        raise InvalidInput(
            f"no such encoding: {name!r}; Excel in Spanish and Portuguese writes windows-1252, as others are"
            " utf-8, utf-16, mac_roman, cp850",
            field="encoding",
        ) from None


class Recoder:
    """Turns the bytes of one file, read piece by piece, into UTF-8. *name* is the file's."""

    def __init__(self, encoding: str, name: str) -> None:
        self._decode = codecs.getincrementaldecoder(encoding)()
        self._encoding = encoding
        self._name = name
        self._lines = 1

    def recoded(self, data: bytes) -> bytes:
        """The next piece; nothing says that the file is over.

        Raises:
            UnusableSource: it is not in this encoding; says in which line.
        """
        try:
            text = self._decode.decode(data, final=not data)
        except UnicodeDecodeError as error:
            line = self._lines + error.object[: error.start].count(b"\n")
            raise UnusableSource(
                f"{self._name}, line {line}: this is not {self._encoding}: say with --encoding what it is, or"
                " save the file as CSV UTF-8",
                row=line,
            ) from None
        self._lines += text.count("\n")
        return text.encode(_UTF_8, "replace")


class InUtf8:
    """A file of text, read as UTF-8 whatever it is in."""

    def __init__(self, file: io.BufferedIOBase, name: str, encoding: str | None) -> None:
        self._file = file
        self._name = name
        self._encoding = encoding
        self._recoder: Recoder | None = None
        self._begun = False

    def read1(self, size: int) -> bytes:
        """The next bytes; none at the end. Raises what reading the file does, and as `Recoder`."""
        data = self._file.read1(size)
        if not self._begun:
            self._begun = True
            self._recoder = recoder_for(data, self._encoding, self._name)
        while self._recoder is not None:
            text = self._recoder.recoded(data)
            if text or not data:
                return text
            data = self._file.read1(size)
        return data


def recoder_for(start: bytes, encoding: str | None, name: str) -> Recoder | None:
    """What turns a file that begins with *start* into UTF-8; None if it is that.

    Without *encoding* it is UTF-8, or UTF-16 if it begins with the mark of that.
    """
    if start[:2] in UTF_16 and (encoding is None or encoding.startswith("utf-16")):
        return Recoder("utf-16", name)
    if encoding is None or encoding == _UTF_8 or start.startswith(codecs.BOM_UTF8):
        return None
    return Recoder(encoding, name)


def proposed(data: bytes) -> str | None:
    """What bytes that are not UTF-8 may be: UTF-16, or one that makes them Spanish or Portuguese."""
    for encoding, zeros in (("utf-16-le", data[1::2]), ("utf-16-be", data[::2])):
        if zeros.count(0) > len(zeros) // 2:
            return encoding
    for encoding in PROPOSED:
        try:
            others = {letter for letter in data.decode(encoding) if not letter.isascii()}
        except UnicodeDecodeError:
            continue
        if others <= _FITTING and others & _LATIN_LETTERS:
            return encoding
    return None
