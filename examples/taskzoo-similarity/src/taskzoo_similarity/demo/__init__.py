"""The demo sets: JSON lines, and the script that made them."""
