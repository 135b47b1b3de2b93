"""Lists of features to padded batches, of arrays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskzoo import Batch, Feature


@dataclass(frozen=True, slots=True)
class QaCollator:
    """Pads on the right, with ``B`` features of at most ``T`` tokens.

    ``inputs``: ``input_ids``, ``attention_mask`` and, where the model has them, ``token_type_ids``, all ``[B, T]``.
    ``targets``: ``starts`` and ``ends`` ``[B]``; ``begins`` and ``stops`` ``[B, T]``, true for the tokens that an
    answer may begin or end with and for the one that stands for "no answer"; ``features``: the features themselves.
    """

    pad_token_id: int

    def __call__(self, features: Sequence[Feature]) -> Batch:
        shape = len(features), max(feature.length for feature in features)
        inputs = {"input_ids": np.full(shape, self.pad_token_id), "attention_mask": np.zeros(shape, dtype=np.int64)}
        if features[0].get("token_type_ids") is not None:
            inputs["token_type_ids"] = np.zeros(shape, dtype=np.int64)
        begins, stops = np.zeros((2, *shape), dtype=bool)
        for row, feature in enumerate(features):
            for name in inputs.keys() - {"attention_mask"}:
                inputs[name][row, : feature.length] = feature[name]
            inputs["attention_mask"][row, : feature.length] = 1
            inside = slice(feature["first"], feature["first"] + len(feature["places"]))
            begins[row, inside], stops[row, inside] = feature["begins"], feature["ends"]
            begins[row, feature["null"]] = stops[row, feature["null"]] = True
        starts, ends = np.array([feature["target"] for feature in features]).T
        targets = {"starts": starts, "ends": ends, "begins": begins, "stops": stops}
        return Batch(inputs, {**targets, "features": list(features)})
