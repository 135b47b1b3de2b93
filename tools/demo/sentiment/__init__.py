"""The generator of the demo data of ``sentiment``, and what it is made of."""
