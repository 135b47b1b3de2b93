"""The hooks of a plugin, with one fault: torch is imported with them."""

import torch  # noqa: F401

from taskzoo import hookimpl


@hookimpl
def taskzoo_register_tasks(register: object) -> None:
    """Nothing, for the fault is above."""
