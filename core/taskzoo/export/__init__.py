"""A finished run as a model for other runtimes: written, loaded again, and measured against the run."""
