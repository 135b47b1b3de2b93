"""The built-in demo data: English and Chinese sentences; ``tools/demo`` of the repository has the generator."""
