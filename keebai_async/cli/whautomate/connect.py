"""A Whautomate client for one command: of the service, or of a sandbox that ends with the command."""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from keebai_async.cli.connect import Connection, quota_store_name
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.option_groups import SandboxChoice
from keebai_async.cli.output import answer, say
from keebai_async.cli.serving import serve_until_told
from keebai_async.whautomate.client import Whautomate
from keebai_async.whautomate.settings import WHAUTOMATE_QUOTA_STORE_VARIABLE


@asynccontextmanager
async def opened(
    where: SandboxChoice, *, stage: str | None = None, starts_in: float = 0.0
) -> AsyncIterator[Whautomate]:
    """A client. In a sandbox, the broadcast *stage* is there, and starts in so many seconds."""
    if not where.sandbox:
        # Commands that follow one another spend one quota, so what was spent outlives each of them.
        store = os.environ.get(WHAUTOMATE_QUOTA_STORE_VARIABLE) or quota_store_name(Connection())
        async with Whautomate(limiter=store, longest_quota_wait=None, observer=interrupts.observe) as client:
            yield client
        return
    # A sandbox brings a web server with it, and no other command should wait until that is loaded.
    from keebai_async.sandbox.whautomate.server import WhautomateSandbox

    async with WhautomateSandbox(speed=where.speed, any_id=True) as box:
        if stage is not None:
            box.stage(stage, starts_in=starts_in)
        async with Whautomate(box.key, host=box.url, clock=box.clock, observer=interrupts.observe) as client:
            yield client


async def serve(port: int, *, speed: float) -> None:
    """Run a Whautomate on this machine until Ctrl-C or SIGTERM. Raises InvalidInput: the port is taken."""
    from keebai_async.sandbox.whautomate.server import WhautomateSandbox
    from keebai_async.sandbox.whautomate.settings import DEFAULT_KEY

    box = WhautomateSandbox(port=port, speed=speed, any_id=True, keys=(DEFAULT_KEY,))

    def introduce() -> None:
        say(
            "a Whautomate on this machine (it accepts any id of a location or segment);"
            " to use it, in another terminal:"
        )
        answer(f"export WHAUTOMATE_API_HOST={box.url}")
        answer(f"export WHAUTOMATE_API_KEY={box.key}")
        say("Ctrl-C ends it")

    await serve_until_told(box, port, introduce)
    created, requests = len(box.ledger.broadcasts), box.traffic.requests.total()
    say(f"{figure(created)} broadcasts created, {figure(requests)} requests seen")
