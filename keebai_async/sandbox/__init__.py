"""A Keebai on this machine, with the real one's manners and its faults."""
