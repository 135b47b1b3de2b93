"""A search for settings by validation score: trials of one request, the best run again with other seeds."""
