"""The generator of the demo data of ``ner``, and what it is made of."""
