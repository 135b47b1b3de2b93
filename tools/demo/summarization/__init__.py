"""The generator of the demo data of ``summarization``, and what it is made of."""
