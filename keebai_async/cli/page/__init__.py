"""Pages to look at in a browser: one file each, no script, nothing from outside, nobody's whole number."""
