"""Features on disk, and what is asked of all features at once: their lengths, their rows, the tokens in them."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import overload

import numpy as np

from taskzoo.types import Feature

from .arrow_files import ArrowFile

VALUES, NUMBERS, SUMMARY = "features.arrow", ("row", "length", "target_length"), "summary.json"
"""Files of a folder of features: their values; each number of all features as an array of int32 (without a header);
``{"counts": {...}, "token_ids": [...]}``."""


class StoredFeatures(Sequence[Feature]):
    """Features in a folder; each is made when it is asked for.

    Attributes:
        rows, lengths, target_lengths: of all features, int32, mapped from the disk.
        counts: what encoding noticed (:attr:`taskzoo.types.Encoded.counts`).
        token_ids: all tokens of all features (:meth:`taskzoo.task.Task.token_ids`).
    """

    def __init__(self, folder: Path) -> None:
        self._values = ArrowFile(folder / VALUES)
        mapped = (np.memmap(folder / name, dtype=np.int32, mode="r").view(np.ndarray) for name in NUMBERS)
        self.rows, self.lengths, self.target_lengths = mapped
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        self.counts: dict[str, int] = summary["counts"]
        self.token_ids = frozenset(summary["token_ids"])

    def __len__(self) -> int:
        return len(self._values)

    @overload
    def __getitem__(self, index: int) -> Feature: ...
    @overload
    def __getitem__(self, index: slice) -> list[Feature]: ...
    def __getitem__(self, index: int | slice) -> Feature | list[Feature]:
        if isinstance(index, slice):
            return [self[i] for i in range(len(self))[index]]
        place = range(len(self))[index]
        row, length, target = (int(array[place]) for array in (self.rows, self.lengths, self.target_lengths))
        return Feature(row, length, dict(zip(self._values.names, self._values[place], strict=True)), target)

    def __iter__(self) -> Iterator[Feature]:
        numbers = zip(self.rows, self.lengths, self.target_lengths, strict=True)
        for (row, length, target), values in zip(numbers, self._values, strict=True):
            yield Feature(int(row), int(length), dict(zip(self._values.names, values, strict=True)), int(target))


def lengths_of(features: Sequence[Feature]) -> tuple[np.ndarray, np.ndarray]:
    """The length and the target length of every feature."""
    if isinstance(features, StoredFeatures):
        return features.lengths, features.target_lengths
    lengths = np.array([(feature.length, feature.target_length) for feature in features], dtype=np.int32)
    return lengths.reshape(-1, 2)[:, 0], lengths.reshape(-1, 2)[:, 1]


def rows_of(features: Sequence[Feature]) -> np.ndarray:
    """The row of every feature."""
    if isinstance(features, StoredFeatures):
        return features.rows
    return np.array([feature.row for feature in features], dtype=np.int32)
