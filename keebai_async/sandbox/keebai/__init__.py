"""A Keebai on this machine."""
