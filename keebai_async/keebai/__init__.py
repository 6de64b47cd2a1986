"""The Keebai API, one module per resource."""
