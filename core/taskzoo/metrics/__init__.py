"""Metrics, their intervals and comparisons."""
