"""The commands `optouts ...`."""
