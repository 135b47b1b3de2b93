"""Whether one run is better than another: differences on the same rows, with intervals and tests.

Imports neither torch nor transformers: runs keep their predictions.
"""
