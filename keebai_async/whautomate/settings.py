"""What is known of Whautomate as data: addresses, quota, what its replies mean."""

from typing import Final

from keebai_async.environment import VariableNames
from keebai_async.quota.window import Quota
from keebai_async.transport.dialect import ServiceDialect

WHAUTOMATE_HOSTS: Final = {
    "global": "https://api.whautomate.com/v1",
    "india": "https://api.in.whautomate.com/v1",
}
"""Source: contract, section 1."""

WHAUTOMATE_NAME: Final = "whautomate"
"""As what is kept says it: never another."""

WHAUTOMATE_KEY_VARIABLES: Final = ("WHAUTOMATE_API_KEY",)
WHAUTOMATE_HOST_VARIABLE: Final = "WHAUTOMATE_API_HOST"
WHAUTOMATE_QUOTA_VARIABLE: Final = "WHAUTOMATE_QUOTA"
WHAUTOMATE_QUOTA_STORE_VARIABLE: Final = "WHAUTOMATE_QUOTA_STORE"
WHAUTOMATE_POLL_FLOOR_VARIABLE: Final = "WHAUTOMATE_POLL_FLOOR"
WHAUTOMATE_VARIABLES: Final = VariableNames(
    tokens=WHAUTOMATE_KEY_VARIABLES,
    base_url=WHAUTOMATE_HOST_VARIABLE,
    quota=WHAUTOMATE_QUOTA_VARIABLE,
    quota_store=WHAUTOMATE_QUOTA_STORE_VARIABLE,
    poll_floor=WHAUTOMATE_POLL_FLOOR_VARIABLE,
)

WHAUTOMATE_QUOTAS: Final = (Quota(100, 60.0),)
"""The figure of a sibling product; Whautomate's own is not to be seen. Source: contract, section 2."""

WHAUTOMATE_DIALECT: Final = ServiceDialect(
    refused=frozenset({400, 409, 413, 422}),
    error_in_success=True,
    fields=frozenset(
        {
            "bodyTextParameters",
            "buttonUrlParameters",
            "contact",
            "criteria",
            "flowParameters",
            "headerMediaUrl",
            "headerTextParameters",
            "limit",
            "location",
            "locationParameters",
            "name",
            "page",
            "retargetBroadcast",
            "retargetEngagementType",
            "scheduleDateTime",
            "segments",
            "targetClass",
            "targetClassStatus",
            "template",
            "type",
        }
    ),
    about_tokens="a key is valid on the host of its own region only, global or india",
)
"""No envelope of errors is documented. Source: contract, section 8, and section 1 for the regions; the
fields: sections 4.1, 5.1 and 6."""

UNSUBSCRIBED: Final = "Unsubscribe"
"""The tag of those who wrote STOP. Broadcasts do not skip them by themselves. Source: contract, section 9."""

WHAUTOMATE_PAGE_SIZE: Final = 100
"""What is asked for; the greatest that is allowed is not documented. Source: contract, section 4.3."""

LOG_PAGE_SIZES: Final = (1_000, 100)
"""The same for logs, in the order in which they are tried: at 100 a page and 100 requests a minute, a log of
100,000 rows takes ten minutes, at 1,000 a page one."""
