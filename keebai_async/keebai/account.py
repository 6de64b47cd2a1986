"""Who a token is."""

from keebai_async.keebai.asking import Asking
from keebai_async.transport.reading import Fields, fields_of


async def me(asking: Asking, *, once: bool = False) -> Fields:
    """GET /me, as it came: its body is not documented. No scope is needed.

    Raises:
        RequestError: TokenRejected, if the token is not good for anything.

    Source: contract, section 2.
    """
    return fields_of(await asking.read("/me", once=once))
