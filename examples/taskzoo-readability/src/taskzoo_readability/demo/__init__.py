"""The demo set: JSON lines, and the script that made them."""
