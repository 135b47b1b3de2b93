"""The built-in demo data of the sentiment plugin: English here, variants in folders, and their generator."""
