"""What the environment says where the caller says nothing. Pure: the environment is an argument."""

import math
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from keebai_async.credentials import Token
from keebai_async.errors import InvalidInput
from keebai_async.polling.waiter import POLL_FLOOR
from keebai_async.quota.window import Quota, parse_quotas

Environment = Mapping[str, str]

JOURNAL_VARIABLE: Final = "KEEBAI_JOURNAL"
"""Where campaigns are kept, of whatever service: each plan says its own."""

LEASE_VARIABLE: Final = "KEEBAI_LEASE"
"""Seconds for which a process that runs a campaign may be silent before another may go on with it."""


class VariableNames(msgspec.Struct, frozen=True, kw_only=True):
    """The environment variables of a service, under the names that the library has for what they say."""

    tokens: tuple[str, ...]
    """The first that is set counts."""
    base_url: str
    quota: str
    quota_store: str
    poll_floor: str

    @property
    def token(self) -> str:
        """The one to set."""
        return self.tokens[0]


def token_of(given: str | Token | None, environment: Environment, names: Sequence[str]) -> Token:
    """The token given, or the first of *names* that is set. Raises InvalidInput if there is none."""
    if isinstance(given, Token):
        return given
    if given is None:
        given = next((environment[name] for name in names if environment.get(name)), None)
    if given is None:
        raise InvalidInput(f"no token: give one, or set {names[0]}", field="token")
    return Token(given)


def quotas_of(
    given: Sequence[Quota] | None, environment: Environment, name: str, default: tuple[Quota, ...]
) -> tuple[Quota, ...]:
    """The quotas given, of the environment, or the service's own. Raises InvalidInput."""
    if given is not None:
        return tuple(given)
    text = environment.get(name)
    return parse_quotas(text) if text else default


def poll_floor_of(given: float | None, environment: Environment, name: str) -> float:
    """Seconds between two looks at one broadcast, at least. Raises InvalidInput."""
    text = environment.get(name)
    if given is None and not text:
        return POLL_FLOOR
    try:
        seconds = float(text or "") if given is None else float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise InvalidInput(
            f"the poll floor is a number of seconds above 0, not {text if given is None else given}",
            field="poll_floor",
            value=str(text if given is None else given),
        )
    return seconds


def lease_of(environment: Environment) -> float | None:
    """The seconds that the environment says a lease lasts; None if it says nothing. Raises InvalidInput."""
    text = environment.get(LEASE_VARIABLE)
    if not text:
        return None
    try:
        return float(text)
    except ValueError as error:
        raise InvalidInput(
            f"{LEASE_VARIABLE} is a number of seconds, not {text}", field="lease", value=text
        ) from error
