"""The built-in demo data: English here, Chinese in ``zh``; ``tools/demo`` of the repository has the generator."""
