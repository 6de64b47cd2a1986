"""Who is told when a run has ended: a command on this machine (`--on-end`), an address (`--notify`).

Both get the report as `--json` prints it. They come after everything else: what they do, or fail to do, is
said on stderr, and changes neither the campaign nor the exit code.
"""

import os
import shlex
import shutil
import subprocess
from collections.abc import Mapping
from typing import Final
from urllib.parse import urlsplit

import anyio
import msgspec

from keebai_async.cli.exit_codes import Exit
from keebai_async.cli.json_output import account
from keebai_async.cli.output import say
from keebai_async.cli.shown import shown_text
from keebai_async.clock import Clock
from keebai_async.errors import InvalidInput
from keebai_async.model.situation import Situation
from keebai_async.webhooks.signature import SIGNATURE_HEADER, SigningSecret, signature_header

SECRET_VARIABLE: Final = "KEEBAI_NOTIFY_SECRET"  # noqa: S105 - the name of it
"""What signs a notice to an address."""

WAITS: Final = (1.0, 5.0, 25.0)
"""Seconds before each further attempt at an address that did not take the notice."""
_LONGEST_ATTEMPT: Final = 10.0
_LONGEST_AFTERWARDS: Final = 600.0
_LATER: Final = frozenset({408, 425, 429})


class EndNotices(msgspec.Struct, frozen=True, kw_only=True):
    """*command* is run and *url* is sent to, when a run has ended; *secret* signs what is sent.

    Raises:
        InvalidInput: there is no such command or address, or no secret.
    """

    command: str | None = None
    url: str | None = None
    secret: SigningSecret | None = None

    def __post_init__(self) -> None:
        if self.command is not None:
            self._check_program(self._words(self.command)[0])
        if self.url is not None:
            _place_of(self.url)
            if self.secret is None:
                raise InvalidInput(
                    f"what is sent is signed: set {SECRET_VARIABLE} to a long random text, and tell the"
                    " receiver of it",
                    field="notify",
                )

    @staticmethod
    def _words(command: str) -> list[str]:
        try:
            words = shlex.split(command)
        except ValueError as error:
            raise InvalidInput(f"{command!r} is no command: {error}", field="on_end") from error
        if not words:
            raise InvalidInput("the command is empty", field="on_end")
        return words

    @staticmethod
    def _check_program(name: str) -> None:
        if shutil.which(name) is None:
            raise InvalidInput(
                f"there is no program {name} that can be run: check its path, and that it may be executed",
                field="on_end",
            )

    async def tell(self, situation: Situation, code: Exit, *, clock: Clock) -> None:
        """Tell both, if there are any, of a run that ended in *situation*, and of its exit *code*."""
        if self.command is None and self.url is None:
            return
        body = msgspec.json.encode(account("report", situation))
        if self.command is not None:
            await _run(self._words(self.command), body, situation, code)
        if self.url is not None and self.secret is not None:
            await _send(self.url, body, self.secret, clock=clock)


def end_notices(command: str | None, url: str | None, environment: Mapping[str, str]) -> EndNotices:
    """Raises InvalidInput as `EndNotices` does."""
    secret = environment.get(SECRET_VARIABLE)
    try:
        signs = SigningSecret(secret) if url and secret else None
    except InvalidInput as error:
        raise InvalidInput(
            f"{SECRET_VARIABLE} holds a blank, or a character that is no letter or digit", field="notify"
        ) from error
    return EndNotices(command=command, url=url, secret=signs)


async def _run(words: list[str], body: bytes, situation: Situation, code: Exit) -> None:
    """Run a command with the report on its stdin; what it prints comes out on our stderr."""
    told = {
        "KEEBAI_CAMPAIGN": situation.campaign_id,
        "KEEBAI_STANDING": situation.standing.value,
        "KEEBAI_EXIT_CODE": f"{code.value}",
    }
    try:
        with anyio.fail_after(_LONGEST_AFTERWARDS):
            done = await anyio.run_process(
                words, input=body, check=False, stderr=subprocess.STDOUT, env=os.environ | told
            )
    except TimeoutError:
        say(f"--on-end: {words[0]} did not end within {_LONGEST_AFTERWARDS:g} s")
        return
    except OSError as error:
        say(f"--on-end: {words[0]} cannot be run: {error.strerror}")
        return
    for line in done.stdout.decode(errors="replace").splitlines():
        say(shown_text(line))
    if done.returncode:
        say(f"--on-end: {words[0]} ended with {done.returncode}")


async def _send(url: str, body: bytes, secret: SigningSecret, *, clock: Clock) -> None:
    """Post the report until it is taken, or was tried often enough. A receiver may get it twice."""
    import aiohttp  # loaded by then, and not for a help

    place, why = _place_of(url), ""
    timeout = aiohttp.ClientTimeout(total=_LONGEST_ATTEMPT)
    async with aiohttp.ClientSession(timeout=timeout, trust_env=True) as session:
        for wait in (0.0, *WAITS):
            if wait:
                await clock.sleep(wait)
            headers = {
                "Content-Type": "application/json",
                SIGNATURE_HEADER: signature_header(secret, body, at=int(clock.wall())),
            }
            try:
                async with session.post(url, data=body, headers=headers, allow_redirects=False) as reply:
                    if reply.status < 300:
                        return
                    why = f"it answered {reply.status}"
                    if reply.status < 500 and reply.status not in _LATER:
                        break
            except (aiohttp.ClientError, OSError) as error:
                why = "it did not answer" if isinstance(error, TimeoutError) else "it cannot be reached"
    say(f"--notify: {place} did not take the report: {why}")


def _place_of(url: str) -> str:
    """Where an address leads, without what may be secret in it. Raises InvalidInput."""
    try:
        parts = urlsplit(url)
        scheme, host, _ = parts.scheme, parts.hostname, parts.port
    except ValueError:
        scheme, host = "", None
    if not host or scheme not in {"http", "https"}:
        raise InvalidInput("an address to notify begins with https://", field="notify")
    if not url.isprintable() or " " in url:
        raise InvalidInput(
            "an address to notify has no blank in it: check it, or put it in quotes", field="notify"
        )
    return f"{scheme}://{host}"
