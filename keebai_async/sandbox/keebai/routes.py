"""The routes of the sandbox's Keebai, and the scope that each asks for."""

from typing import Final

SEND_BULK: Final = "POST /messages/bulk"
READ_BULK: Final = "GET /messages/bulk/{broadcast_id}"
SEND_TEMPLATE: Final = "POST /messages/template"
SEND_TEXT: Final = "POST /messages/text"
LIST_TEMPLATES: Final = "GET /templates"
LIST_NUMBERS: Final = "GET /whatsapp/numbers"
LIST_CHANNELS: Final = "GET /channels"
READ_CHANNEL: Final = "GET /channels/{channel_id}"
READ_ME: Final = "GET /me"
ADD_WEBHOOK: Final = "POST /webhooks"
LIST_WEBHOOKS: Final = "GET /webhooks"
READ_WEBHOOK: Final = "GET /webhooks/{id}"
CHANGE_WEBHOOK: Final = "PATCH /webhooks/{id}"
REMOVE_WEBHOOK: Final = "DELETE /webhooks/{id}"
ROTATE_WEBHOOK: Final = "POST /webhooks/{id}/rotate-secret"
TEST_WEBHOOK: Final = "POST /webhooks/{id}/test"
LIST_DELIVERIES: Final = "GET /webhooks/{id}/deliveries"

SCOPES: Final = {
    SEND_BULK: "messages:bulk",
    READ_BULK: "messages:bulk",
    SEND_TEMPLATE: "messages:send",
    SEND_TEXT: "messages:send",
    LIST_TEMPLATES: "templates:read",
    LIST_NUMBERS: "channels:read",
    LIST_CHANNELS: "channels:read",
    READ_CHANNEL: "channels:read",
    READ_ME: None,
    ADD_WEBHOOK: "webhooks:manage",
    LIST_WEBHOOKS: "webhooks:read",
    READ_WEBHOOK: "webhooks:read",
    CHANGE_WEBHOOK: "webhooks:manage",
    REMOVE_WEBHOOK: "webhooks:manage",
    ROTATE_WEBHOOK: "webhooks:manage",
    TEST_WEBHOOK: "webhooks:manage",
    LIST_DELIVERIES: "webhooks:read",
}
"""Every route, and the scope it asks for. Source: contract, section 2."""
