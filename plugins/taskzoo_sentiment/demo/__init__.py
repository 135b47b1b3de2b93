"""The built-in demo data: English here, variants in folders; ``tools/demo`` of the repository has the generator."""
