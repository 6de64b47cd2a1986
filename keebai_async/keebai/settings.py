"""What is Keebai's own: its address, its quota, its environment variables, how its replies are read."""

from typing import Final

from keebai_async.environment import Environment, VariableNames
from keebai_async.model.sender import Sender
from keebai_async.quota.window import Quota
from keebai_async.transport.address import check_base_url
from keebai_async.transport.dialect import ServiceDialect

DEFAULT_BASE_URL: Final = "https://api.keebai.com/v1"
"""Source: contract, section 1."""

SERVICE_NAME: Final = "keebai"
"""As plans say it: never another."""

MAX_RECIPIENTS: Final = 5_000
"""Recipients in one POST /messages/bulk, at least 1. Source: contract, section 3.1."""

MAX_TEXT: Final = 4_096
"""Characters in POST /messages/text, at least 1. Source: contract, section 3.4."""

KEEBAI_QUOTAS: Final = (Quota(60, 60.0), Quota(1_000, 3_600.0))
"""Source: contract, section 6."""

KEEBAI_TOKEN_VARIABLES: Final = ("KEEBAI_API_TOKEN", "KEEBAI_API_KEY")
KEEBAI_BASE_URL_VARIABLE: Final = "KEEBAI_BASE_URL"
KEEBAI_PHONE_NUMBER_ID_VARIABLE: Final = "KEEBAI_PHONE_NUMBER_ID"
KEEBAI_CHANNEL_ID_VARIABLE: Final = "KEEBAI_CHANNEL_ID"
KEEBAI_QUOTA_VARIABLE: Final = "KEEBAI_QUOTA"
KEEBAI_QUOTA_STORE_VARIABLE: Final = "KEEBAI_QUOTA_STORE"
KEEBAI_POLL_FLOOR_VARIABLE: Final = "KEEBAI_POLL_FLOOR"
KEEBAI_VARIABLES: Final = VariableNames(
    tokens=KEEBAI_TOKEN_VARIABLES,
    base_url=KEEBAI_BASE_URL_VARIABLE,
    quota=KEEBAI_QUOTA_VARIABLE,
    quota_store=KEEBAI_QUOTA_STORE_VARIABLE,
    poll_floor=KEEBAI_POLL_FLOOR_VARIABLE,
)

KEEBAI_DIALECT: Final = ServiceDialect(
    # A 400 that is none: Meta took the message and gave no id for it.
    perhaps_sent=frozenset({"META_MISSING_MESSAGE_ID"}),
    fields=frozenset(
        {
            "campaign_name",
            "channel_id",
            "language",
            "limit",
            "meta_data",
            "page",
            "phone_number_id",
            "preview_url",
            "recipients",
            "status",
            "template_name",
            "text",
            "to",
            "type",
            "variables",
        }
    ),
    people="recipients",
)
"""Two envelopes of errors are documented. Source: contract, section 5; the fields: sections 3 and 4.1."""


def base_url_of(given: str | None, environment: Environment) -> str:
    """The base URL given, of the environment, or the service's own. Raises InvalidInput."""
    return check_base_url(given or environment.get(KEEBAI_BASE_URL_VARIABLE) or DEFAULT_BASE_URL)


def sender_of(phone_number_id: str | None, channel_id: str | None, environment: Environment) -> Sender | None:
    """The sender given, of the environment, or None: then each call names its own. Raises InvalidInput."""
    if phone_number_id is None and channel_id is None:
        phone_number_id = environment.get(KEEBAI_PHONE_NUMBER_ID_VARIABLE) or None
        channel_id = environment.get(KEEBAI_CHANNEL_ID_VARIABLE) or None
    if phone_number_id is None and channel_id is None:
        return None
    return Sender(phone_number_id=phone_number_id, channel_id=channel_id)
