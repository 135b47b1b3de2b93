"""What a server takes at most, and how long it waits."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from taskzoo.errors import RequestError

from .failures import HttpError

DEEPEST = 8
"""Levels of lists and objects in one input."""


@dataclass(frozen=True, slots=True)
class Limits:
    """All are positive.

    Args:
        max_body: bytes of a request.
        max_chars: characters of one input.
        max_inputs: inputs of one request.
        max_queue: inputs of one model that wait; what comes on top is refused with 429.
        batch_chars: characters of a batch with its padding; a single input may have more.
        batch_inputs: inputs that are taken from the queue at once, and become batches of similar length.
        batch_wait: milliseconds that an input waits for others while the model is free.
        timeout: seconds for a request to arrive, and again for its answer.
    """

    max_body: int = 1_000_000
    max_chars: int = 20_000
    max_inputs: int = 256
    max_queue: int = 1024
    batch_chars: int = 4_000
    batch_inputs: int = 64
    batch_wait: float = 2.0
    timeout: float = 30.0

    def __post_init__(self) -> None:
        for field in fields(self):
            value, option = getattr(self, field.name), f"--{field.name.replace('_', '-')}"
            if not math.isfinite(value):
                raise RequestError(f"{option} {value} must be a finite number.")
            if value < 0 or (value == 0 and field.name != "batch_wait"):
                raise RequestError(f"{option} {value} must be more than 0.")
        if self.max_inputs > self.max_queue:
            raise RequestError(
                f"--max-inputs {self.max_inputs} is more than --max-queue {self.max_queue}, so that no such request "
                "could ever be answered; raise --max-queue."
            )

    def check(self, inputs: list[Any]) -> None:
        """Refuse, by an :class:`HttpError`, inputs that are too many, too long or nested too deeply."""
        if len(inputs) > self.max_inputs:
            raise HttpError(
                413, f"The request has {len(inputs)} inputs, and {self.max_inputs} are allowed; send fewer."
            )
        for number, value in enumerate(inputs, 1):
            if (length := characters(value)) > self.max_chars:
                which = f"Input {number}" if len(inputs) > 1 else "The input"
                raise HttpError(413, f"{which} has {length} characters, and {self.max_chars} are allowed; shorten it.")
            if (size := _structure(value)) > self.max_chars:
                which = f"Input {number}" if len(inputs) > 1 else "The input"
                raise HttpError(
                    413, f"{which} has {size} values and characters of names; {self.max_chars} are allowed."
                )


def characters(value: Any, depth: int = 0) -> int:
    """How many characters the texts of an input have: what it costs, roughly.

    Raises:
        HttpError: it is nested too deeply to be an input.
    """
    if isinstance(value, str):
        return len(value)
    if depth > DEEPEST:
        raise HttpError(400, "The body is nested too deeply; an input is a text or an object of texts.")
    if isinstance(value, dict):
        return sum(characters(item, depth + 1) for item in value.values())
    if isinstance(value, list):
        return sum(characters(item, depth + 1) for item in value)
    return 1


def _structure(value: Any) -> int:
    """How many values there are in an input, and characters of their names: what it takes besides its texts."""
    if isinstance(value, dict):
        return sum(1 + len(name) + _structure(item) for name, item in value.items())
    return sum(1 + _structure(item) for item in value) if isinstance(value, list) else 0
