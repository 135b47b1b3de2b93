"""Loading from disk or hub, with errors a person can act on."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError

if TYPE_CHECKING:
    from .checkpoints import Checkpoint


@contextmanager
def explain_load_errors(checkpoint: Checkpoint, part: str) -> Iterator[None]:
    """Turn what ``from_pretrained`` raises for a missing or broken checkpoint into one sentence."""
    from safetensors import SafetensorError

    try:
        yield
    except (OSError, ValueError, ImportError, KeyError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        if checkpoint.is_local:
            raise RequestError(f"The {part} of {checkpoint.name!r} cannot be loaded: {reason}") from error
        raise RequestError(
            f"The {part} of {checkpoint.name!r} cannot be loaded from the hub ({checkpoint.location}): {reason} "
            "Check the name and the connection, or pass a local directory to --model."
        ) from error


def load_config(checkpoint: Checkpoint) -> Any:
    """The ``transformers`` configuration of ``checkpoint``."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(
        checkpoint.location, **({"revision": checkpoint.revision} if checkpoint.revision else {})
    )


def quiet_transformers() -> None:
    """Keep transformers' own progress bars and load reports off the terminal; errors still show."""
    import warnings

    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
