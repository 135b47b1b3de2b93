"""Files as streams of rows, which memory does not grow with: for predictions in bulk and for large training data."""
