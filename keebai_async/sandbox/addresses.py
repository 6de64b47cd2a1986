"""Where a sandbox may deliver to: this machine, and nothing else."""

import ipaddress
from urllib.parse import urlsplit


def is_of_this_machine(url: str) -> bool:
    """Whether *url* names this machine: 127.0.0.1, ::1 or localhost."""
    host = urlsplit(url).hostname or ""
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
