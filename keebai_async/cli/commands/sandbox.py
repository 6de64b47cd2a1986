"""The command `sandbox`."""

from functools import partial
from typing import TYPE_CHECKING

import typer

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.figures import figure
from keebai_async.cli.interrupts import interrupts
from keebai_async.cli.options import (
    DialectName,
    DialectOption,
    FailingOption,
    PortOption,
    SpeedOption,
    WebhookOption,
)
from keebai_async.cli.output import answer, say
from keebai_async.cli.serving import serve_until_told
from keebai_async.errors import InvalidInput

if TYPE_CHECKING:
    from keebai_async.sandbox.keebai.server import Sandbox


def sandbox(
    port: PortOption = 8765,
    speed: SpeedOption = 1.0,
    dialect: DialectOption = DialectName.OPENAPI,
    failing: FailingOption = 0.0,
    webhook: WebhookOption = None,
) -> None:
    """Run a Keebai on this machine until Ctrl-C, and print the variables to use it. Nobody is messaged.

    With --webhook it delivers signed webhooks there, and its faults are switched at /sandbox/webhooks.

    Example: keebai-async sandbox --speed 100
    """
    serve = partial(_serve, port, webhook, speed=speed, dialect=dialect, failing=failing)
    raise typer.Exit(interrupts.run(serve))


async def _serve(
    port: int, webhook: str | None, *, speed: float, dialect: DialectName, failing: float
) -> Exit:
    # A sandbox brings a web server with it, and no other command should wait until that is loaded.
    from keebai_async.sandbox.keebai.catalogue import DEFAULT_TOKEN
    from keebai_async.sandbox.keebai.server import Sandbox
    from keebai_async.sandbox.keebai.settings import Dialect

    served = Sandbox(
        port=port, speed=speed, dialect=Dialect(dialect.value), failing=failing, tokens=(DEFAULT_TOKEN,)
    )
    secret = _subscribed(served, webhook) if webhook else None
    await serve_until_told(served, port, lambda: _introduce(served, secret))
    messages, requests = figure(served.ledger.total), figure(served.traffic.requests.total())
    say(f"{messages} messages accepted, {requests} requests seen")
    return Exit.DONE


def _subscribed(served: "Sandbox", webhook: str) -> str:
    try:
        return served.subscribe(webhook).secret
    except ValueError as error:
        raise InvalidInput(str(error), field="--webhook", value=webhook) from error


def _introduce(served: "Sandbox", secret: str | None) -> None:
    say("a Keebai on this machine; to use it, in another terminal:")
    answer(f"export KEEBAI_BASE_URL={served.url}")
    answer(f"export KEEBAI_API_TOKEN={served.token}")
    answer(f"export KEEBAI_PHONE_NUMBER_ID={served.phone_number_id}")
    if secret is not None:
        answer(f"export KEEBAI_WEBHOOK_SECRET={secret}")
    say("Ctrl-C ends it")
