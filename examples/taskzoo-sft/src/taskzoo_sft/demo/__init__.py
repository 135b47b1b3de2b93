"""The demo set."""
