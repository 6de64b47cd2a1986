"""The vocabulary of all rooms: what a chunk, a plan, a campaign, an event is. Pure."""
