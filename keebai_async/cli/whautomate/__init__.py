"""The commands of `keebai-async whautomate`."""
