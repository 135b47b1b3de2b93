"""Runs: from a request to a finished directory, and back from there."""
