"""Profiles: what a user or a project would otherwise set in the environment, in a file."""
