"""From a list of people to a frozen plan: read, check, dedupe, cut."""
