"""The generator of the demo data of ``classification``, and what it is made of."""
