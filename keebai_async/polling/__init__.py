"""Which broadcast to look at next, and looking at it."""
