"""Who asks: a Token that cannot be printed."""

import hashlib
import hmac
from typing import NoReturn

from keebai_async.errors import InvalidInput
from keebai_async.privacy import without_secret


class Token:
    """A secret of a service. It has no text of its own but its last four characters.

    Raises:
        InvalidInput: it is empty, or holds a blank or a character that no header can carry.

    Source: contract, section 1: both prefixes (`kbai_pk_`, `pat_`) exist, so none is demanded.
    """

    __slots__ = ("_secret",)

    def __init__(self, secret: str) -> None:
        secret = secret.strip()
        if not secret:
            raise InvalidInput("the token is empty", field="token")
        if not secret.isascii() or not secret.isprintable() or " " in secret:
            raise InvalidInput(
                "the token holds a blank, or a character that no header carries", field="token"
            )
        self._secret = secret

    def reveal(self) -> str:
        """The secret itself; only the builder of headers calls this."""
        return self._secret

    def hidden_in(self, content: bytes, *, pieces: bool = False) -> bytes:
        """*content* without this secret, and with *pieces* without pieces of it.

        One too short to be told from a word is left.
        """
        if len(self._secret) < 12:
            return content
        return without_secret(content, self._secret.encode(), pieces=pieces)

    def key(self, base_url: str) -> str:
        """The name under which this token's spending at *base_url* is kept: a hash, not reversible."""
        return hashlib.sha256(f"{base_url}\n{self._secret}".encode()).hexdigest()[:32]

    def mark(self, salt: str) -> str:
        """A hash of this token alone, keyed with *salt*: it says only whether a token is this one."""
        return hmac.new(salt.encode(), self._secret.encode(), hashlib.sha256).hexdigest()[:32]

    def __repr__(self) -> str:
        return f"Token(...{self._secret[-4:]})" if len(self._secret) >= 12 else "Token(...)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return repr(self)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Token) and other._secret == self._secret

    def __hash__(self) -> int:
        return hash(self._secret)

    def __reduce__(self) -> NoReturn:
        raise TypeError("a Token is not pickled: it would be written where anybody can read it")
