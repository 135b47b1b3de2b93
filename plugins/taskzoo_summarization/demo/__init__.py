"""The built-in demo data of the summarization plugin: English here, Chinese in ``zh``, and their generator."""
