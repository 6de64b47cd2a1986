"""The base URL of a service: where the token may go, and nowhere else."""

import ipaddress
from urllib.parse import quote, urlencode, urlsplit

from keebai_async.errors import InvalidInput


def check_base_url(text: str) -> str:
    """The base URL without its last slash.

    Raises:
        InvalidInput: it is not http(s), has no host, holds a user, a query or a fragment, or is plain
            http to a host other than this machine.

    Source: contract, section 1: HTTPS only.
    """
    text = text.strip()
    try:
        parts = urlsplit(text)
        host = parts.hostname or ""
        _ = parts.port  # raises for a port that is no number
    except ValueError:
        raise InvalidInput("the base URL cannot be read", field="base_url") from None
    if parts.username or parts.password:
        # The value is not shown: it holds a password.
        raise InvalidInput("the base URL holds a user name or a password", field="base_url")
    if parts.scheme not in {"http", "https"} or not host or not text.isascii() or " " in text:
        raise InvalidInput(
            "the base URL must be https://host/path, or http:// to this machine", field="base_url", value=text
        )
    if "?" in text or "#" in text:
        raise InvalidInput("the base URL holds a query or a fragment", field="base_url", value=text)
    if parts.scheme == "http" and not is_loopback(host):
        raise InvalidInput(
            f"plain http to {host} would show the token to everybody on the way: use https",
            field="base_url",
            value=text,
        )
    return text.rstrip("/")


def is_loopback(host: str) -> bool:
    """Whether *host* is this machine by its name or address."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def url_of(base_url: str, path: str, query: tuple[tuple[str, str], ...]) -> str:
    """The whole URL, already encoded; *path* is below *base_url*."""
    return base_url + path + (f"?{urlencode(query)}" if query else "")


def segment(text: str, *, field: str) -> str:
    """*text* as one segment of a path.

    Raises:
        InvalidInput: it is blank, or would lead elsewhere (`..`).
    """
    if not text.strip() or not text.strip("."):
        raise InvalidInput(f"{field} is empty or no id", field=field, value=text)
    return quote(text, safe="")
