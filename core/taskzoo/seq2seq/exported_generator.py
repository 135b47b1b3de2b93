"""A model that generates without torch: what a task asks of it, in token ids."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from taskzoo.arrays import as_array
from taskzoo.types import Batch


class ExportedGenerator(ABC):
    """A model of another runtime.

    Attributes:
        own: the checkpoint's own settings that every generation keeps, such as tokens that it must never generate.
    """

    own: Mapping[str, Any]

    @abstractmethod
    def generate(self, sources: Sequence[list[int]], settings: Mapping[str, Any]) -> list[list[int]]:
        """Token ids generated for each source, the end token included where it came.

        Args:
            sources: token ids, special ones included.
            settings: of :func:`~taskzoo.seq2seq.generation_settings.generation_settings`.

        Raises:
            RequestError: it cannot follow one of the settings.
        """

    @abstractmethod
    def token_log_probabilities(self, sources: Sequence[list[int]], outputs: Sequence[list[int]]) -> list[list[float]]:
        """Log-probabilities, in nats, of the tokens of an output for each source; a token that is forced has none."""


def generate_exported(model: ExportedGenerator, batch: Batch, settings: Mapping[str, Any]) -> list[list[int] | None]:
    """The token ids that ``model`` generates for each feature of a batch; ``None`` where none are wanted."""
    wanted = as_array(batch.targets["generate"])
    sources = [ids for ids, asked in zip(batch_sources(batch), wanted, strict=True) if asked]
    found = iter(model.generate(sources, settings) if sources else [])
    return [next(found) if asked else None for asked in wanted]


def batch_sources(batch: Batch) -> list[list[int]]:
    """The token ids of each source without padding."""
    ids, mask = (as_array(batch.targets[name]) for name in ("prompt_ids", "prompt_mask"))
    return [row[np.asarray(real, dtype=bool)].tolist() for row, real in zip(ids, mask, strict=True)]
