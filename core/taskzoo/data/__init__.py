"""Rows from files, splits and batches. Nothing here needs torch or knows a task by name; importing it is cheap."""
