"""The address of a PostgreSQL database, as a person writes it: what is the server's, what is ours. Pure."""

import re
from typing import Final
from urllib.parse import parse_qsl, quote, urlencode, urlsplit

import msgspec

SCHEMES: Final = ("postgresql", "postgres")

DEFAULT_SCHEMA: Final = "keebai"
"""The schema that tables lie in where the address names no other."""

_SCHEMA_NAME: Final = re.compile("[a-z_][a-z0-9_]{0,62}")

_GONE_WITHIN: Final = {
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "12000",
}
"""By what a connection notices within seconds that its server is gone, unless the address says otherwise."""


class PostgresAddress(msgspec.Struct, frozen=True, kw_only=True):
    """*server* is the address as libpq reads it; it may hold a password, and is shown to nobody."""

    server: str
    schema: str
    shown: str
    """Without user, password and options."""


def postgres_address(url: str) -> PostgresAddress:
    """Read `postgresql://USER:PASSWORD@HOST:PORT/DATABASE`, with libpq's options and ours behind a `?`.

    Ours is `schema`, the schema that the tables lie in. Raises ValueError, in words that hide what was given.
    """
    try:
        parts = urlsplit(url)
        options = dict(parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query)))
    except ValueError:
        raise ValueError("it cannot be read as postgresql://USER@HOST/DATABASE") from None
    if parts.scheme not in SCHEMES or not url.startswith(f"{parts.scheme}://") or parts.fragment:
        raise ValueError("it cannot be read as postgresql://USER@HOST/DATABASE")
    schema = options.pop("schema", DEFAULT_SCHEMA)
    if not _SCHEMA_NAME.fullmatch(schema):
        raise ValueError("a schema has small letters, digits and _, and no digit first")
    query = urlencode(_GONE_WITHIN | {"application_name": "keebai-async"} | options, quote_via=quote)
    place = parts.netloc.rpartition("@")[2] or str(options.get("host", ""))
    within = "" if schema == DEFAULT_SCHEMA else f", schema {schema}"
    return PostgresAddress(
        server=f"postgresql://{parts.netloc}{parts.path}?{query}",
        schema=schema,
        shown=f"{parts.scheme}://{place}{parts.path}{within}",
    )
