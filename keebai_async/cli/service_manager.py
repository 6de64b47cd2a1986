"""What a service manager such as systemd hears of a command that goes on running."""

import os
import socket
from contextlib import suppress


def tell_manager(words: str) -> None:
    """Send *words*, such as `READY=1`, to the manager that started us, if there is one that listens.

    As sd_notify of systemd does: one datagram to the socket that NOTIFY_SOCKET names; `@` begins a name that
    is in no file.
    """
    name = os.environ.get("NOTIFY_SOCKET")
    if not name or not hasattr(socket, "AF_UNIX"):
        return
    address = f"\0{name[1:]}" if name.startswith("@") else name
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as notices:
        notices.sendto(words.encode(), address)
