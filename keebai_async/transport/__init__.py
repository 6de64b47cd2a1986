"""One request, there and back."""
