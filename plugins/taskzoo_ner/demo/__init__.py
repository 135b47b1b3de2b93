"""The built-in demo data: three CoNLL files; ``tools/demo`` of the repository has the generator."""
