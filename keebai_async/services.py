"""The services that carry campaigns, by the names that plans know them by: an entry each.

To add one: a room of its own, and its entry here. The command `keebai-async` plans and launches through it
when `KEEBAI_SERVICE` says its name.
"""

from collections.abc import Iterable
from typing import Final, Protocol

import msgspec

from keebai_async.campaign_client import AnyJournal, CampaignClient
from keebai_async.client import Keebai
from keebai_async.environment import Environment, VariableNames
from keebai_async.errors import InvalidInput
from keebai_async.keebai.settings import KEEBAI_VARIABLES, SERVICE_NAME
from keebai_async.observe import Observer
from keebai_async.quota.gate import Gate

SERVICE_VARIABLE: Final = "KEEBAI_SERVICE"


class ClientOpener(Protocol):
    """What all clients that carry campaigns take; what is not given comes from the environment."""

    def __call__(
        self,
        token: str | None = None,
        *,
        phone_number_id: str | None = None,
        channel_id: str | None = None,
        journal: AnyJournal | None = None,
        limiter: Gate | str | None = None,
        longest_quota_wait: float | None = ...,
        observer: Observer | Iterable[Observer] | None = None,
    ) -> CampaignClient:
        """Raises InvalidInput."""
        ...


class CarryingService(msgspec.Struct, frozen=True, kw_only=True):
    """A service that carries campaigns: how its client is opened, and its environment variables."""

    client: ClientOpener
    variables: VariableNames


SERVICES: Final[dict[str, CarryingService]] = {
    SERVICE_NAME: CarryingService(client=Keebai, variables=KEEBAI_VARIABLES),
}
"""The first one is that of a command that names none."""


def service_of(environment: Environment) -> CarryingService:
    """The service that the environment chooses. Raises InvalidInput if there is none of that name."""
    name = environment.get(SERVICE_VARIABLE) or next(iter(SERVICES))
    if name not in SERVICES:
        raise InvalidInput(
            f"no service called {name!r} carries campaigns: set {SERVICE_VARIABLE} to {' or '.join(SERVICES)}"
        )
    return SERVICES[name]
