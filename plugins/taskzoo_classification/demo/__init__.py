"""The built-in demo data: English here and Chinese in ``zh``; ``tools/demo`` of the repository has the generator."""
