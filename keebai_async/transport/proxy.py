"""Through which proxy a base URL is reached, by the environment. Pure: the environment is an argument.

The names are those that curl and requests know: HTTPS_PROXY, HTTP_PROXY, ALL_PROXY and NO_PROXY, each also
in lower case, which goes first. They are read here and not by aiohttp, whose `trust_env` also takes
a user and a password out of ~/.netrc, and then refuses a request that has a token.
"""

import ipaddress
import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from keebai_async.errors import InvalidInput
from keebai_async.transport.address import is_loopback


class Proxy(msgspec.Struct, frozen=True, kw_only=True):
    """*url* may hold a user and a password, *name* does not. *source* is who named it."""

    url: str
    name: str
    source: str

    def __repr__(self) -> str:
        return f"Proxy({self.name!r})"


def proxy_of(base_url: str, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for *base_url*; None if there is none, NO_PROXY spares its host, or it is this machine.

    Raises:
        InvalidInput: a proxy is named that cannot be used, such as one that speaks SOCKS.
    """
    parts = urlsplit(base_url)
    host = parts.hostname or ""
    for source in (f"{parts.scheme}_proxy", "all_proxy"):
        name, value = _variable(source, environment)
        if value and not is_loopback(host) and not spared(host, parts.port, environment):
            return checked_proxy(value, source=name)
    return None


def spared(host: str, port: int | None, environment: Mapping[str, str]) -> bool:
    """Whether NO_PROXY names *host*: by its name, its domain, its network, with or without a port, or `*`."""
    _, value = _variable("no_proxy", environment)
    return any(_names(entry, host.lower(), port) for entry in re.split(r"[\s,]+", value.lower()) if entry)


def checked_proxy(value: str, *, source: str) -> Proxy:
    """The proxy that *source* names. Raises InvalidInput, which does not show a password."""
    url = value if "://" in value else f"http://{value}"
    try:
        parts = urlsplit(url)
        host, port, scheme = parts.hostname, parts.port, parts.scheme.lower()
    except ValueError:
        host, port, scheme = None, None, ""
    if scheme.startswith("socks"):
        raise InvalidInput(
            f"{source} names a proxy that speaks SOCKS: name one of http:// or https://, or lend a session"
            " whose connector speaks it (session=)",
            field=source,
        )
    if scheme not in {"http", "https"} or not host:
        raise InvalidInput(f"{source} is no proxy: it must be like http://host:port", field=source)
    shown = f"[{host}]" if ":" in host else host
    return Proxy(url=url, name=f"{scheme}://{shown}" + (f":{port}" if port else ""), source=source)


def _variable(name: str, environment: Mapping[str, str]) -> tuple[str, str]:
    for spelling in (name, name.upper()):
        if spelling == "HTTP_PROXY" and "REQUEST_METHOD" in environment:
            continue  # in a CGI program that is a header of the request
        if value := environment.get(spelling, "").strip():
            return spelling, value
    return name.upper(), ""


def _names(entry: str, host: str, port: int | None) -> bool:
    if entry == "*":
        return True
    try:
        return ipaddress.ip_address(host) in ipaddress.ip_network(entry.strip("[]"), strict=False)
    except (ValueError, TypeError):
        pass  # one of the two is a name, or has a port
    name, colon, last = entry.rpartition(":")
    if colon and last.isdigit():
        return port == int(last) and _names(name, host, None)
    domain = entry.removeprefix("*").strip(".")
    return bool(domain) and (host.rstrip(".") == domain or host.rstrip(".").endswith("." + domain))
