"""Why no byte of a request left, in words for people. Words only: that none left is known from the wire."""

import os
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import aiohttp

from keebai_async.transport.proxy import Proxy

CERT_FILE_VARIABLE: Final = "SSL_CERT_FILE"

_UNKNOWN_AUTHORITY = frozenset({2, 18, 19, 20, 21, 24})
_TIME = {9: "not valid yet", 10: "expired"}
_OTHER_HOST = frozenset({62, 63, 64})
"""Codes of OpenSSL: X509_V_ERR_*."""


def words_of(error: BaseException, *, proxy: Proxy | None, environment: Mapping[str, str]) -> str:
    """A phrase without secrets: of an exception that is not known only its class is told."""
    named = "the proxy" if proxy is None else f"the proxy {proxy.name} ({proxy.source})"
    match error:
        case TimeoutError():
            return "connecting took too long"
        case aiohttp.ClientConnectorDNSError():
            return f"the host name{'' if proxy is None else f' of {named}'} was not found"
        case aiohttp.ClientConnectorCertificateError():
            return _about_certificate(error.certificate_error, environment)
        case aiohttp.ClientSSLError():
            return "the secure connection (TLS) could not be made"
        case aiohttp.ClientHttpProxyError(status=407) if proxy is not None:
            return (
                f"{named} wants a user and a password (407):"
                f" put them in {proxy.source}, as http://user:password@host:port"
            )
        case aiohttp.ClientHttpProxyError(status=status):
            return f"{named} did not connect us ({status})"
        case aiohttp.ClientProxyConnectionError():
            return f"the connection to {named} failed: {_cause(error)}"
        case aiohttp.ClientConnectorError():
            return f"the connection failed: {_cause(error)}"
        case aiohttp.ClientError() | OSError():
            return "the connection failed"
        case _:
            return f"{type(error).__name__} was raised before anything was written"


def _cause(error: aiohttp.ClientConnectorError) -> str:
    return os.strerror(error.errno) if error.errno else "refused"


def _about_certificate(error: Exception, environment: Mapping[str, str]) -> str:
    code = error.verify_code if isinstance(error, ssl.SSLCertVerificationError) else 0
    said = error.verify_message if isinstance(error, ssl.SSLCertVerificationError) else ""
    if code in _TIME:
        return f"the certificate (TLS) is {_TIME[code]}: check the clock of this machine, or tell the service"
    if code in _OTHER_HOST:
        return f"the certificate (TLS) is for another host ({said.rstrip('.')}): check the base URL"
    if code not in _UNKNOWN_AUTHORITY:
        return f"the certificate (TLS) was not accepted{': ' + said if said else ''}"
    return f"the certificate (TLS) is of an unknown authority ({said}): {_about_file(environment)}"


def _about_file(environment: Mapping[str, str]) -> str:
    file = environment.get(CERT_FILE_VARIABLE)
    if file and not Path(file).is_file():
        return f"{CERT_FILE_VARIABLE} names {file}, which is no file"
    which = "another" if file else "a"
    return f"if your company has one, name {which} file with its certificate in {CERT_FILE_VARIABLE}"
