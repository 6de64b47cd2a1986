"""The commands `webhooks ...`."""
