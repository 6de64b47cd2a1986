"""What the sandbox's company owns: templates, senders and tokens, as data, with ready-made ones."""

import secrets
from typing import Final

import msgspec

ALL_SCOPES: Final = (
    "messages:send",
    "messages:bulk",
    "templates:read",
    "channels:read",
    "webhooks:read",
    "webhooks:manage",
)
"""The scopes that the sandbox's routes ask for. Source: contract, section 2."""


class SandboxTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """A template. *variables* are the names that its body asks for, in order."""

    name: str
    body: str
    variables: tuple[str, ...] = ()
    language: str = "es"
    status: str = "APPROVED"
    category: str = "UTILITY"
    parameter_format: str = "NAMED"
    channel_id: str | None = None
    """The one channel that owns it; None is all of them."""


class SandboxSender(msgspec.Struct, frozen=True, kw_only=True):
    """A sending number, and the channel it belongs to."""

    phone_number_id: str
    channel_id: str
    phone_number: str
    name: str
    status: str = "active"
    """`active`, `paused` or `disconnected`."""


class SandboxToken(msgspec.Struct, frozen=True, kw_only=True):
    """A bearer token. Companies do not see each other's broadcasts."""

    secret: str
    scopes: tuple[str, ...] = ALL_SCOPES
    company: str = "company-1"
    revoked: bool = False


DEFAULT_TOKEN: Final = SandboxToken(secret="kbai_pk_" + "5a" * 32)
"""Always the same: for a sandbox that programs reach at a port that stays."""


def own_token() -> SandboxToken:
    """A token like no other.

    A client keeps what a token spent for as long as it counts, an hour and more. A sandbox on a free port may
    be given the one of a sandbox that is gone, and must not answer for what was spent there.
    """
    return SandboxToken(secret="kbai_pk_" + secrets.token_hex(32))


DEFAULT_SENDERS: Final = (
    SandboxSender(
        phone_number_id="100000000000001",
        channel_id="66cc00112233445566770001",
        phone_number="+5491150000001",
        name="Ventas",
    ),
    SandboxSender(
        phone_number_id="100000000000002",
        channel_id="66cc00112233445566770002",
        phone_number="+5491150000002",
        name="Soporte",
    ),
    SandboxSender(
        phone_number_id="100000000000003",
        channel_id="66cc00112233445566770003",
        phone_number="+5491150000003",
        name="En pausa",
        status="paused",
    ),
)

DEFAULT_TEMPLATES: Final = (
    SandboxTemplate(
        name="promo",
        body="Hola {{nombre}}, tu código de descuento es {{codigo}}. ¡Te esperamos!",
        variables=("nombre", "codigo"),
        category="MARKETING",
    ),
    SandboxTemplate(
        name="order_confirmation",
        body="Hola {{nombre}}, recibimos tu pedido y ya lo preparamos.",
        variables=("nombre",),
    ),
    SandboxTemplate(name="aviso", body="Mañana abrimos de 9 a 13 horas."),
    SandboxTemplate(
        name="welcome", body="Hello {{name}}, welcome aboard.", variables=("name",), language="en"
    ),
    SandboxTemplate(
        name="promo_pausada",
        body="Hola {{nombre}}, esto está en pausa.",
        variables=("nombre",),
        status="PAUSED",
        category="MARKETING",
    ),
    SandboxTemplate(
        name="turno",
        body="Hola {{1}}, tu turno es a las {{2}} horas.",
        variables=("1", "2"),
        parameter_format="POSITIONAL",
    ),
)
