"""The commands, each in a file that carries its name."""
