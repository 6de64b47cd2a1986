"""Who may send now."""
