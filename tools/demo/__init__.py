"""The generators of the built-in demo data, one for each task; ``python -m tools.demo.ner.generate`` runs one."""
