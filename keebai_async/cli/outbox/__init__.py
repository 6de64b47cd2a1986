"""The commands `outbox ...`."""
