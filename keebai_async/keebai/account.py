"""Who a token is."""

from keebai_async.keebai.api import KeebaiApi
from keebai_async.transport.tolerant_reader import Fields, fields_of


async def me(api: KeebaiApi, *, once: bool = False) -> Fields:
    """GET /me, as it came: its body is not documented. No scope is needed.

    Raises:
        RequestError: TokenRejected, if the token is not good for anything.

    Source: contract, section 2.
    """
    return fields_of(await api.read("/me", once=once))
