"""What was generated for one source, and how probable the model finds it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple


class Output(NamedTuple):
    """What was generated for one source, or for a chunk of it.

    Args:
        text: decoded.
        cut: whether the length limit ended it.
        log_probability: the sum over its tokens, in nats.
        tokens: their number, the end included.
    """

    text: str
    cut: bool
    log_probability: float
    tokens: int


def mean_log_probability(outputs: Sequence[Output]) -> float | None:
    """Per token over all chunks of a source; ``None`` without any."""
    tokens = sum(output.tokens for output in outputs)
    return sum(output.log_probability for output in outputs) / tokens if tokens else None
