"""Which words made a run predict what it did, and how far that can be believed."""
