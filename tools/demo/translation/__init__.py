"""The generator of the demo data of ``translation``, and what it is made of."""
