"""The parts of ``cuda_check.py``: each is measured in a process of its own and writes a line for each result."""
