"""The built-in demo data of the classification plugin, English here and Chinese in ``zh``, and their generator."""
