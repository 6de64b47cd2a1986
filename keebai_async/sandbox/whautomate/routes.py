"""The routes of the sandbox's Whautomate."""

from typing import Final

LIST_BROADCASTS: Final = "GET /broadcasts"
CREATE_BROADCAST: Final = "POST /broadcasts"
READ_BROADCAST: Final = "GET /broadcasts/{id}"
REPLACE_BROADCAST: Final = "PUT /broadcasts/{id}"
DELETE_BROADCAST: Final = "DELETE /broadcasts/{id}"
READ_LOGS: Final = "GET /broadcasts/{id}/logs"
LIST_SEGMENTS: Final = "GET /segments"
CREATE_SEGMENT: Final = "POST /segments"
READ_SEGMENT: Final = "GET /segments/{id}"
DELETE_SEGMENT: Final = "DELETE /segments/{id}"
LIST_CONTACTS: Final = "GET /contacts"
CREATE_CONTACT: Final = "POST /contacts"
READ_CONTACT: Final = "GET /contacts/{id}"
LIST_LOCATIONS: Final = "GET /locations"
SEND_TO_CONTACT: Final = "POST /messages/whatsapp/sendtemplate"
LIST_SUBSCRIPTIONS: Final = "GET /webhooks"
CREATE_SUBSCRIPTION: Final = "POST /webhooks"
READ_SUBSCRIPTION: Final = "GET /webhooks/{id}"
REPLACE_SUBSCRIPTION: Final = "PUT /webhooks/{id}"
DELETE_SUBSCRIPTION: Final = "DELETE /webhooks/{id}"

ROUTES: Final = frozenset(
    {
        LIST_BROADCASTS,
        CREATE_BROADCAST,
        READ_BROADCAST,
        REPLACE_BROADCAST,
        DELETE_BROADCAST,
        READ_LOGS,
        LIST_SEGMENTS,
        CREATE_SEGMENT,
        READ_SEGMENT,
        DELETE_SEGMENT,
        LIST_CONTACTS,
        CREATE_CONTACT,
        READ_CONTACT,
        LIST_LOCATIONS,
        SEND_TO_CONTACT,
        LIST_SUBSCRIPTIONS,
        CREATE_SUBSCRIPTION,
        READ_SUBSCRIPTION,
        REPLACE_SUBSCRIPTION,
        DELETE_SUBSCRIPTION,
    }
)
"""Source: contract, section 3. Clients and the rest of its index are not here."""
