"""Deliveries as the service makes them, for tests of what receives them."""

import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from keebai_async.webhooks import signature_header

SECRET = "whsec_" + "0123456789abcdef" * 4
PROJECT = Path(__file__).parents[2]


def delivery(number: int, kind: str = "read", **data: object) -> bytes:
    """The body of one event with an id of its own."""
    about = {"message_id": f"wamid.{number}", "recipient_id": f"+54911{number:08d}", "status": kind}
    envelope = {"id": f"evt_{number}", "type": f"whatsapp.message.{kind}", "data": about | data}
    return json.dumps(envelope).encode()


def signed(body: bytes, at: float, secret: str = SECRET) -> dict[str, str]:
    return {"X-Keebai-Signature": signature_header(secret, body, at=int(at))}


async def pieces(*parts: bytes) -> AsyncIterator[bytes]:
    for part in parts:
        yield part


@contextmanager
def receiving(
    door: str, spool: Path, port: int = 0, secret: str = SECRET
) -> Iterator[tuple[subprocess.Popen[str], int]]:
    """A process that takes deliveries, and its port; killed at the end, if it was not before."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.webhooks.receiving", door, str(spool), secret, str(port)],
        cwd=PROJECT,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(PROJECT)},
    )
    assert process.stdout is not None
    try:
        yield process, int(process.stdout.readline())
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
