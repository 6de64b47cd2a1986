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
}
"""Every route, and the scope it asks for. Source: contract, section 2."""
