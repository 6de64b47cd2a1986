"""The secrets of webhooks, in a file that only its owner reads, beside the journal.

A running receiver looks at the file again when it has changed: a rotation needs no restart.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

import msgspec

from keebai_async.cli.csv_files import private_file
from keebai_async.errors import InvalidInput
from keebai_async.webhooks.signature import WebhookSecrets

SECRET_VARIABLES: Final = ("KEEBAI_WEBHOOK_SECRET", "KEEBAI_WEBHOOK_SECRET_NEXT")
"""Source: contract, section 2.3."""


class KeptSecret(msgspec.Struct, frozen=True, kw_only=True):
    """Of one subscription: its secret, the one before, and whether another may be in use already."""

    secret: str
    previous: str | None = None
    rotating: bool = False


class SecretsFile:
    """The file *path*; one that is not there holds nothing. *environment* may name secrets, too."""

    def __init__(self, path: Path, environment: Mapping[str, str]) -> None:
        self.path = path
        self._environment = environment
        self._seen: tuple[int, int] | None = None
        self._proof: WebhookSecrets | None = None

    def proof(self) -> WebhookSecrets:
        """The secrets that a delivery may be signed with now. Raises InvalidInput if there is none."""
        stamp = self._stamp()
        if self._proof is None or stamp != self._seen:
            kept = self.read()
            named = (self._environment.get(name) for name in SECRET_VARIABLES)
            secrets = dict.fromkeys([*filter(None, named), *_all_of(kept)])
            if not secrets:
                raise InvalidInput(
                    "no webhook secret: run keebai-async webhooks register, or set KEEBAI_WEBHOOK_SECRET",
                    field="secret",
                )
            rotating = any(one.rotating for one in kept.values())
            self._proof, self._seen = WebhookSecrets(*secrets, rotating=rotating), stamp
        return self._proof

    def read(self) -> dict[str, KeptSecret]:
        """By the id of the subscription. Raises InvalidInput for a file that is not ours."""
        try:
            return msgspec.json.decode(self.path.read_bytes(), type=dict[str, KeptSecret])
        except FileNotFoundError:
            return {}
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise InvalidInput(
                f"the secrets in {self.path} cannot be read: {error}", field="secret"
            ) from error

    def put(self, webhook_id: str, kept: KeptSecret | None) -> None:
        """Keep the secret of a subscription; None forgets it. Raises InvalidInput: it cannot be written."""
        everything = self.read()
        everything.pop(webhook_id, None)
        if kept is not None:
            everything[webhook_id] = kept
        with private_file(self.path) as file:
            file.write(msgspec.json.format(msgspec.json.encode(everything)).decode() + "\n")

    def why_not_rotated(self, webhook_id: str) -> str:
        """What to do instead, where the secret of a subscription is not in this file."""
        missing = f"the secret of {webhook_id} is not in {self.path}"
        name = next((name for name in SECRET_VARIABLES if self._environment.get(name)), None)
        if name is None:
            return f"{missing}: is it beside another journal (--journal)?"
        return (
            f"{missing}, and if it is the one in {name}, rotate cannot change it there: have a new one made"
            f" in the service's portal, and start serve again with the new one in {SECRET_VARIABLES[0]}"
            f" and the old one in {SECRET_VARIABLES[1]}"
        )

    def _stamp(self) -> tuple[int, int] | None:
        try:
            found = self.path.stat()
        except OSError:
            return None
        return found.st_mtime_ns, found.st_ino


def _all_of(kept: Mapping[str, KeptSecret]) -> Iterator[str]:
    for one in kept.values():
        yield one.secret
        if one.previous:
            yield one.previous
