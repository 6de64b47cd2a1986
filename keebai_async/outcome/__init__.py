"""What became of a broadcast, told in one way for every service."""
