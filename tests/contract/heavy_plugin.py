"""The hooks of a plugin, with one fault: torch is imported with them."""

import torch  # noqa: F401
