"""The Whautomate API, one module per resource."""
