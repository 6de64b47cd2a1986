"""Where a person says the spending is kept, as a store: `memory:`, `sqlite:PATH`, `redis://...` or `postgresql://...`."""

from pathlib import Path
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from keebai_async.clock import SYSTEM_CLOCK, Clock
from keebai_async.errors import InvalidInput
from keebai_async.observe import TO_LOG, Observer
from keebai_async.quota.memory import MemoryStore
from keebai_async.quota.sqlite import SqliteStore
from keebai_async.quota.store import Store
from keebai_async.storage.postgres_address import SCHEMES, postgres_address

_REDIS = ("redis", "rediss", "unix")
_FORMS = "memory:, sqlite:PATH, redis://HOST:PORT/NUMBER or postgresql://HOST/DATABASE"


def open_store(url: str, *, key: str, clock: Clock = SYSTEM_CLOCK, observer: Observer = TO_LOG) -> Store:
    """The store at *url*, for the token whose hash is *key*. Nothing is opened or reached yet.

    A Redis URL may end in `?when_gone=local` and `&share=0.25`: what a process does while Redis cannot be
    reached. Without it, requests fail then.
    *observer* is told of that, and of places that could not be settled.

    Raises:
        InvalidInput: *url* has another form, or asks for Redis or PostgreSQL without its extra.
    """
    scheme, _, rest = url.partition(":")
    if scheme == "memory" and not rest:
        return MemoryStore(clock)
    if scheme == "sqlite" and rest.removeprefix("//"):
        path = Path(rest.removeprefix("//")).expanduser()
        return SqliteStore(path, key, clock=clock, observer=observer)
    if scheme in _REDIS and rest:
        return _redis(url, key, clock, observer)
    if scheme in SCHEMES and rest:
        return _postgres(url, key, clock, observer)
    # A URL may hold a password: only its scheme is shown.
    raise InvalidInput(f"a store of the quota is {_FORMS}, not {scheme}:...", field="quota_store")


def _redis(url: str, key: str, clock: Clock, observer: Observer) -> Store:
    try:
        from keebai_async.quota.redis import LOCAL_SHARE, RedisStore
    except ImportError as error:
        message = "keeping the quota in Redis needs the extra: pip install 'keebai-async[redis]'"
        raise InvalidInput(message, field="quota_store") from error
    parts = urlsplit(url)
    options = dict(parse_qsl(parts.query))
    when_gone, share = options.pop("when_gone", "fail"), options.pop("share", str(LOCAL_SHARE))
    plain = urlunsplit(parts._replace(query=urlencode(options)))
    try:
        part = float(share)
        if when_gone not in ("fail", "local") or not 0 < part <= 1:
            raise ValueError("when_gone is fail or local, share above 0 and at most 1")
        local = when_gone == "local"
        return RedisStore(plain, key, clock=clock, local_when_gone=local, share=part, observer=observer)
    except ValueError as error:
        raise InvalidInput(f"cannot use this Redis URL: {error}", field="quota_store") from error


def _postgres(url: str, key: str, clock: Clock, observer: Observer) -> Store:
    try:
        from keebai_async.quota.postgres import PostgresStore
    except ImportError as error:
        message = "keeping the quota in PostgreSQL needs the extra: pip install 'keebai-async[postgres]'"
        raise InvalidInput(message, field="quota_store") from error
    try:
        return PostgresStore(postgres_address(url), key, clock=clock, observer=observer)
    except ValueError as error:
        raise InvalidInput(f"cannot use this address of a quota: {error}", field="quota_store") from error
