"""From a list of people to a finished report."""
