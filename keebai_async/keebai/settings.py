"""What is Keebai's own: its address, the names of its environment variables, how its replies are read."""

from typing import Final

from keebai_async.environment import Environment
from keebai_async.model.sender import Sender
from keebai_async.transport.address import check_base_url
from keebai_async.transport.dialect import Conventions

KEEBAI: Final = Conventions()
"""Source: Keebai's contract, section 5."""


DEFAULT_BASE_URL: Final = "https://api.keebai.com/v1"
"""Source: contract, section 1."""


TOKEN_VARIABLES: Final = ("KEEBAI_API_TOKEN", "KEEBAI_API_KEY")


BASE_URL_VARIABLE: Final = "KEEBAI_BASE_URL"


PHONE_NUMBER_ID_VARIABLE: Final = "KEEBAI_PHONE_NUMBER_ID"


CHANNEL_ID_VARIABLE: Final = "KEEBAI_CHANNEL_ID"


QUOTA_VARIABLE: Final = "KEEBAI_QUOTA"


QUOTA_STORE_VARIABLE: Final = "KEEBAI_QUOTA_STORE"


POLL_FLOOR_VARIABLE: Final = "KEEBAI_POLL_FLOOR"


JOURNAL_VARIABLE: Final = "KEEBAI_JOURNAL"


def base_url_of(given: str | None, environment: Environment) -> str:
    """The base URL given, of the environment, or the service's own. Raises InvalidInput."""
    return check_base_url(given or environment.get(BASE_URL_VARIABLE) or DEFAULT_BASE_URL)


def sender_of(phone_number_id: str | None, channel_id: str | None, environment: Environment) -> Sender | None:
    """The sender given, of the environment, or None: then each call names its own. Raises InvalidInput."""
    if phone_number_id is None and channel_id is None:
        phone_number_id = environment.get(PHONE_NUMBER_ID_VARIABLE) or None
        channel_id = environment.get(CHANNEL_ID_VARIABLE) or None
    if phone_number_id is None and channel_id is None:
        return None
    return Sender(phone_number_id=phone_number_id, channel_id=channel_id)
