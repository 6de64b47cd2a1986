"""The asyncio client and campaign launcher for the Keebai WhatsApp API."""
